/** Snippets as texts that people edit: read whole, written whole, never half. */
import { createHash, randomBytes } from 'node:crypto';
import { readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ParameterError, RyokanError } from '@ryokan/api/errors.ts';
import { longestSnippet } from '@ryokan/api/methods/qemu-cloudinit.ts';
import { formatVolumeId, isSafeFileName } from '@ryokan/api/schema/volume-id.ts';
import { rehearsed } from '../cluster/rehearsal.ts';
import { writeFileAtomic } from '../host/files.ts';
import type { StorageManager } from './manager.ts';
import { stagingPrefix } from './staging.ts';

export interface Snippet {
  readonly content: string;
  /** SHA-1 of its bytes, hex. */
  readonly digest: string;
}

const snippetOf = (bytes: Buffer): Snippet => ({
  content: bytes.toString('utf8'),
  digest: createHash('sha1').update(bytes).digest('hex'),
});

/** Rejects with 'not-found', 'unsupported' (too large to edit, or no text). */
export async function readSnippet(manager: StorageManager, storage: string, name: string): Promise<Snippet> {
  const volid = snippetId(manager, storage, name);
  await manager.info(volid);
  const path = await manager.path(volid);
  const { size } = await stat(path);
  if (size > longestSnippet) {
    throw new RyokanError(
      'unsupported',
      `'${volid}' has ${size} bytes; only up to ${longestSnippet} are edited`,
    );
  }
  const bytes = await readFile(path);
  const snippet = snippetOf(bytes);
  if (!Buffer.from(snippet.content).equals(bytes)) {
    throw new RyokanError('unsupported', `'${volid}' is no UTF-8 text`);
  }
  return snippet;
}

/**
 * Makes or replaces a snippet; `digest` is that of the text which the caller has seen, '' for none. The caller holds the
 * lock of the snippet. `spool` is where files stand until they are whole.
 */
export async function writeSnippet(
  manager: StorageManager,
  {
    storage,
    name,
    content,
    digest,
    spool,
  }: { storage: string; name: string; content: string; digest?: string | undefined; spool: string },
): Promise<{ volid: string; digest: string }> {
  const volid = snippetId(manager, storage, name);
  const bytes = Buffer.from(content);
  if (bytes.length > longestSnippet) {
    throw new ParameterError({ content: `the text has ${bytes.length} bytes, more than ${longestSnippet}` });
  }
  if (content.includes('\0')) throw new ParameterError({ content: 'a text has no NUL characters' });
  const present = await presentDigest(manager, volid);
  if (digest !== undefined && digest !== (present ?? '')) {
    throw new RyokanError('conflict', `'${volid}' was changed by somebody else: load it again`);
  }
  const done = { volid, digest: snippetOf(bytes).digest };
  if (rehearsed(`writes '${volid}'`)) return done;
  if (present === undefined) await adopt(manager, storage, name, bytes, spool);
  else await writeFileAtomic(await manager.path(volid), bytes);
  return done;
}

async function presentDigest(manager: StorageManager, volid: string): Promise<string | undefined> {
  try {
    await manager.info(volid);
  } catch (error) {
    if (error instanceof RyokanError && error.code === 'not-found') return undefined;
    throw error;
  }
  return snippetOf(await readFile(await manager.path(volid))).digest;
}

async function adopt(
  manager: StorageManager,
  storage: string,
  name: string,
  bytes: Buffer,
  spool: string,
): Promise<void> {
  const staged = join(spool, `${stagingPrefix}${randomBytes(8).toString('hex')}`);
  await writeFile(staged, bytes, { mode: 0o600, flag: 'wx' });
  try {
    await manager.adopt(storage, 'snippets', name, staged);
  } finally {
    await rm(staged, { force: true });
  }
}

function snippetId(manager: StorageManager, storage: string, name: string): string {
  if (!isSafeFileName(name)) {
    throw new ParameterError({ name: 'letters, digits and _ . + = - only, not beginning with a dot' });
  }
  manager.demandContent(storage, 'snippets');
  return formatVolumeId(storage, `snippets/${name}`);
}
