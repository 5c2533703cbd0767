/** `./ryokan install-service`: a systemd unit that runs `./ryokan up` at boot. */
import { existsSync, readFileSync } from 'node:fs';
import { run } from '@ryokan/server/host/exec.ts';
import { writeFileAtomic } from '@ryokan/server/host/files.ts';
import { pathsOf } from './node-settings.ts';
import { inProject, Problem, say } from './terminal.ts';
import { upOptions } from './up.ts';

const unitPath = '/etc/systemd/system/ryokan.service';

export async function installService(args: string[]): Promise<number> {
  const options = upOptions(args);
  if (options.detach) throw new Problem('a service does not take --detach', 2);
  if (!existsSync('/run/systemd/system')) {
    throw new Problem("systemd does not run this machine; use './ryokan up --detach'");
  }
  const words = [inProject('ryokan'), 'up', '--data', pathsOf(options.data).root];
  for (const name of ['listen', 'port', 'node'] as const) {
    const value = options[name];
    if (value !== undefined) words.push(`--${name}`, value);
  }
  await writeFileAtomic(
    unitPath,
    unitText(readFileSync(inProject('packaging', 'ryokan.service'), 'utf8'), words),
  );
  await run('systemctl', ['daemon-reload']);
  await run('systemctl', ['enable', 'ryokan.service']);
  say(`wrote ${unitPath}; 'systemctl start ryokan' starts it now, 'journalctl -u ryokan' shows its log`);
  return 0;
}

/** Puts the command into the unit, quoted as systemd.syntax(7) wants it. */
export function unitText(template: string, words: readonly string[]): string {
  const quoted = words.map(
    (word) => `"${word.replace(/[\\"]/g, '\\$&').replace(/%/g, '%%').replace(/\$/g, '$$$$')}"`,
  );
  return template.replace('@COMMAND@', () => quoted.join(' '));
}
