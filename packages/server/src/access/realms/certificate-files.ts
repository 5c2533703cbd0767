/** Files of certificates and keys that settings of realms name. */
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf, RyokanError } from '@ryokan/api/errors.ts';

/** Debian's bundle of all authorities that the folder holds. */
const bundle = 'ca-certificates.crt';

/** The authorities in a file or folder of the node. Throws RyokanError 'failed' when there is none. */
export async function certificateAuthorities(realm: string, capath: string): Promise<string[]> {
  const path = capath.replace(/(?<!\/)\/+$/, '') || '/';
  const info = await stat(path).catch((error: unknown) => {
    throw unreadable(realm, 'capath', path, error);
  });
  if (!info.isDirectory()) return [await readSetting(realm, path, 'capath')];
  const names = await readdir(path);
  const files = names.includes(bundle) ? [bundle] : names.filter((name) => /\.(pem|crt|cer)$/.test(name));
  if (files.length === 0) {
    throw new RyokanError('failed', `realm '${realm}': no certificates of authorities in capath '${path}'`);
  }
  return Promise.all(files.map((name) => readSetting(realm, join(path, name), 'capath')));
}

/** A file in PEM format that a setting names. Throws RyokanError 'failed', which does not show what is in it. */
export async function readSetting(realm: string, path: string, setting: string): Promise<string> {
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    throw unreadable(realm, setting, path, error);
  });
  if (text.includes('-----BEGIN ')) return text;
  throw new RyokanError('failed', `realm '${realm}': ${setting} '${path}' is no file in PEM format`);
}

const unreadable = (realm: string, setting: string, path: string, cause: unknown): RyokanError =>
  new RyokanError('failed', `realm '${realm}': ${setting} '${path}' cannot be read: ${messageOf(cause)}`, {
    cause,
  });
