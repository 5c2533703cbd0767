/** The keys behind tickets: files below DATA/pki that only root can read, made on first start. */
import { createPrivateKey, generateKeyPairSync, type KeyObject, randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { messageOf, RyokanError } from '@ryokan/api/errors.ts';
import { ensureDir, readTextIfPresent, writeFileAtomic } from '../host/files.ts';
import type { DataPaths } from '../host/paths.ts';

export interface TicketKeys {
  /** Ed25519: signs login tickets, so that other processes and nodes can check them with the public half alone. */
  readonly signing: KeyObject;
  /** 32 bytes for the HMACs of CSRF tokens and console tickets. */
  readonly secret: Buffer;
}

const signingFile = (paths: DataPaths): string => join(paths.pki, 'ticket.key');
const secretFile = (paths: DataPaths): string => join(paths.pki, 'csrf.key');

/** Makes the key files that are missing. */
export async function ensureTicketKeys(paths: DataPaths): Promise<void> {
  await ensureDir(paths.pki, { mode: 0o700 });
  const missing = (path: string) => readTextIfPresent(path) === undefined;
  if (missing(signingFile(paths))) {
    const pem = generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' });
    await writeFileAtomic(signingFile(paths), pem, { mode: 0o600 });
  }
  if (missing(secretFile(paths))) {
    await writeFileAtomic(secretFile(paths), `${randomBytes(32).toString('base64')}\n`, { mode: 0o600 });
  }
}

/** Reads the key files. Throws RyokanError 'failed' when one is missing or damaged, with what to do. */
export function loadTicketKeys(paths: DataPaths): TicketKeys {
  return { signing: readSigning(signingFile(paths)), secret: readSecret(secretFile(paths)) };
}

function readSigning(path: string): KeyObject {
  try {
    const key = createPrivateKey(readRequired(path));
    if (key.asymmetricKeyType !== 'ed25519') throw new Error(`it is of type ${key.asymmetricKeyType}`);
    return key;
  } catch (cause) {
    throw damaged(path, cause);
  }
}

function readSecret(path: string): Buffer {
  try {
    const secret = Buffer.from(readRequired(path), 'base64');
    if (secret.length !== 32) throw new Error(`it has ${secret.length} bytes`);
    return secret;
  } catch (cause) {
    throw damaged(path, cause);
  }
}

function readRequired(path: string): string {
  const text = readTextIfPresent(path);
  if (text === undefined) throw new Error('the file does not exist');
  return text;
}

function damaged(path: string, cause: unknown): RyokanError {
  const advice = 'remove it and start the node again; everybody has to log in again then';
  return new RyokanError('failed', `key file ${path} cannot be used (${messageOf(cause)}): ${advice}`, {
    cause,
  });
}
