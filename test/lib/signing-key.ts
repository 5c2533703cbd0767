/** An OpenPGP key of a test's own, to sign indexes with. */
import { mkdir } from 'node:fs/promises';
import { run } from '../../packages/server/src/host/exec.ts';

export interface SigningKey {
  /** Writes a detached signature of `file` to `output`. */
  sign(file: string, output: string): Promise<void>;
  /** Writes the public key to `output`, as a keyring for gpgv. */
  export(output: string): Promise<void>;
}

/** Makes a key without a passphrase; `home` is a folder for gpg that must not be there yet. */
export async function makeSigningKey(home: string): Promise<SigningKey> {
  await mkdir(home, { mode: 0o700 });
  const gpg = async (...args: string[]) => {
    await run('gpg', ['--homedir', home, '--batch', '--yes', ...args]);
    // Its agent would stay otherwise.
    await run('gpgconf', ['--homedir', home, '--kill', 'all']);
  };
  await gpg('--passphrase', '', '--quick-generate-key', 'test@example.com', 'ed25519', 'sign');
  return {
    sign: (file, output) => gpg('--armor', '--output', output, '--detach-sign', file),
    export: (output) => gpg('--output', output, '--export', 'test@example.com'),
  };
}
