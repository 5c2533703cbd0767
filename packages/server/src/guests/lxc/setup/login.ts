/** Who may log in to a new container: root's password and SSH keys; and an identity that no other container has. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ParameterError } from '@ryokan/api/errors.ts';
import { cryptPassword } from '../../../host/crypt-password.ts';
import { run } from '../../../host/exec.ts';
import { shortName } from './names.ts';
import type { SetUpOptions } from './setup.ts';
import type { SetupFiles } from './setup-files.ts';

export async function setUpLogin(files: SetupFiles, options: SetUpOptions): Promise<void> {
  if (options.password !== undefined) await setRootPassword(files, options.password);
  if (options.sshKeys !== undefined) addSshKeys(files, options.sshKeys);
  if (!options.made) return;
  clearMachineId(files);
  if (options.made === 'new') await renewHostKeys(files, shortName(options.config));
}

/** Sets the hash in /etc/shadow, shadow(5), and the day of its change. */
async function setRootPassword(files: SetupFiles, password: string): Promise<void> {
  if (/[\n\0]/.test(password)) throw new ParameterError({ password: 'a password is one line of text' });
  const hash = await cryptPassword(password);
  const today = String(Math.floor(Date.now() / 86_400_000));
  const change = (text: string): string => {
    const line = /^root:.*$/m.exec(text)?.[0];
    if (line === undefined) return `root:${hash}:${today}:0:99999:7:::\n${text}`;
    const [name, , , ...rest] = line.split(':');
    return text.replace(line, () => [name, hash, today, ...rest].join(':'));
  };
  files.edit('/etc/shadow', change, { mode: 0o640 });
}

/** Adds those that are not there yet to root's authorized_keys, sshd(8). */
function addSshKeys(files: SetupFiles, keys: string): void {
  const wanted = keys.split('\n').map((line) => line.trim());
  files.tree.makeFolder('/root', 0o700);
  files.tree.makeFolder('/root/.ssh', 0o700);
  const change = (text: string): string => {
    const present = new Set(text.split('\n').map((line) => line.trim()));
    const missing = wanted.filter((line) => line !== '' && !present.has(line));
    const start = text === '' || text.endsWith('\n') ? text : `${text}\n`;
    return start + missing.map((line) => `${line}\n`).join('');
  };
  files.edit('/root/.ssh/authorized_keys', change, { mode: 0o600 });
}

/** An empty file makes systemd choose an id at the next start, machine-id(5); D-Bus then takes that one. */
function clearMachineId(files: SetupFiles): void {
  if (files.tree.read('/etc/machine-id')) files.write('/etc/machine-id', '');
  if (files.tree.kind('/var/lib/dbus/machine-id', false) === 'file') files.remove('/var/lib/dbus/machine-id');
}

const keyTypes = ['rsa', 'ecdsa', 'ed25519'] as const;
/** What a system without keys gets: one of RSA takes longer than all the rest of the set-up, and nobody needs it. */
const newKeyTypes = ['ecdsa', 'ed25519'] as const;

/** Templates bring host keys that everybody knows who has the template, or none, without which the server does not start. */
async function renewHostKeys(files: SetupFiles, name: string): Promise<void> {
  const path = (type: string) => `/etc/ssh/ssh_host_${type}_key`;
  const present = keyTypes.filter((type) => files.has(path(type)));
  const wanted = present.length > 0 || !files.has('/usr/sbin/sshd') ? present : newKeyTypes;
  if (wanted.length === 0) return;
  const folder = await mkdtemp(join(tmpdir(), 'ryokan-host-keys-'));
  try {
    const made = wanted.map((type) =>
      run('/usr/bin/ssh-keygen', [
        '-q',
        '-t',
        type,
        '-N',
        '',
        '-C',
        `root@${name}`,
        '-f',
        join(folder, type),
      ]),
    );
    await Promise.all(made);
    for (const type of wanted) {
      const file = join(folder, type);
      files.write(path(type), await readFile(file, 'utf8'), { mode: 0o600 });
      files.write(`${path(type)}.pub`, await readFile(`${file}.pub`, 'utf8'));
    }
  } finally {
    await rm(folder, { recursive: true });
  }
}
