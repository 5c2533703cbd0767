/** `./ryokan install-service`: systemd units that run `./ryokan up` at boot and shut guests down before the machine. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from '@ryokan/server/host/exec.ts';
import { writeFileAtomic } from '@ryokan/server/host/files.ts';
import { pathsOf } from './node-settings.ts';
import { inProject, Problem, say } from './terminal.ts';
import { upOptions } from './up.ts';

const unitFolder = '/etc/systemd/system';

export async function installService(args: string[]): Promise<number> {
  const options = upOptions(args);
  if (options.detach) throw new Problem('a service does not take --detach', 2);
  if (!existsSync('/run/systemd/system')) {
    throw new Problem("systemd does not run this machine; use './ryokan up --detach'");
  }
  const { root } = pathsOf(options.data);
  const up = [inProject('ryokan'), 'up', '--data', root];
  for (const name of ['listen', 'port', 'node'] as const) {
    const value = options[name];
    if (value !== undefined) up.push(`--${name}`, value);
  }
  await writeUnit('ryokan.service', up);
  await writeUnit('ryokan-guests.service', [inProject('ryokan'), 'pvenode', 'stopall', '--data', root]);
  await run('systemctl', ['daemon-reload']);
  await run('systemctl', ['enable', 'ryokan.service', 'ryokan-guests.service']);
  say(
    `wrote ${join(unitFolder, 'ryokan.service')} and ryokan-guests.service, which shuts guests down with the machine; 'systemctl start ryokan' starts it now, 'journalctl -u ryokan' shows its log`,
  );
  return 0;
}

async function writeUnit(name: string, words: readonly string[]): Promise<void> {
  const template = readFileSync(inProject('packaging', name), 'utf8');
  await writeFileAtomic(join(unitFolder, name), unitText(template, words));
}

/** Puts the command into the unit, quoted as systemd.syntax(7) wants it. */
export function unitText(template: string, words: readonly string[]): string {
  const quoted = words.map(
    (word) => `"${word.replace(/[\\"]/g, '\\$&').replace(/%/g, '%%').replace(/\$/g, '$$$$')}"`,
  );
  return template.replace('@COMMAND@', () => quoted.join(' '));
}
