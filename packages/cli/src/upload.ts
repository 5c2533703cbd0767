/** `pvesm upload`: puts a file of this machine into a storage, by the way that uploads over HTTPS take. */
import { constants, promises as files } from 'node:fs';
import { basename, join } from 'node:path';
import { tryParseFileName } from '@ryokan/api/schema/volume-id.ts';
import type { ParamValues, ParsedArguments } from './arguments.ts';
import { exitCode, LocalError, UsageError } from './errors.ts';
import { type LocalCommand, single } from './local-command.ts';
import { machineText } from './render.ts';
import type { Session } from './session.ts';
import { followAndReport, upidNode } from './task-follow.ts';

const words = 'pvesm upload';

export const uploadCommand: LocalCommand = {
  spec: {
    words,
    args: ['storage', 'file'],
    params: {
      storage: { type: 'string', format: 'pve-storage-id' },
      file: { type: 'string', format: 'file' },
      content: { type: 'string', enum: ['iso', 'vztmpl', 'import'] },
      filename: { type: 'string' },
      checksum: { type: 'string' },
      'checksum-algorithm': { type: 'string', enum: ['md5', 'sha1', 'sha224', 'sha256', 'sha384', 'sha512'] },
    },
    required: ['storage', 'file'],
    implied: [],
  },
  description:
    'Copies an ISO image, a container template or a disk image of this machine into a storage. The file stays where it is.',
  paramHelp: {
    storage: { description: 'The storage identifier.' },
    file: { description: 'Path of the file.' },
    content: { description: 'Content type; by the ending of the name when absent.' },
    filename: { description: 'Name in the storage; its own when absent.' },
    checksum: { description: 'Checksum that the file must have, hexadecimal.' },
  },
  run: upload,
};

async function upload(session: Session, parsed: ParsedArguments): Promise<number> {
  const file = single(parsed, 'file') ?? '';
  const filename = single(parsed, 'filename') ?? basename(file);
  const content = single(parsed, 'content') ?? contentOf(filename);
  if (content === undefined)
    throw new UsageError(`what is in '${filename}'? Say --content iso|vztmpl|import`, words);
  const info = await files.stat(file).catch((cause: NodeJS.ErrnoException) => {
    throw new UsageError(
      cause.code === 'ENOENT' ? `there is no file '${file}'` : `${file}: ${cause.message}`,
      words,
    );
  });
  if (!info.isFile()) throw new UsageError(`'${file}' is no file`, words);
  const params: ParamValues = { content, filename };
  for (const name of ['checksum', 'checksum-algorithm'] as const) {
    const value = single(parsed, name);
    if (value !== undefined) params[name] = value;
  }
  const send = sender(session, single(parsed, 'storage') ?? '', info.size);
  // Name, content type and space are looked at before a byte is copied.
  await send('begin', params);
  const { randomBytes } = await import('node:crypto');
  const copy = join(session.dataDir, 'spool', `pveupload-${randomBytes(16).toString('hex')}`);
  // Ctrl-C while copying: what was copied is removed.
  let interrupted = false;
  const release = session.system.onInterrupt(() => {
    interrupted = true;
  });
  try {
    // Where the file system can, the copy shares its blocks with the original.
    await files
      .copyFile(file, copy, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE)
      .catch((cause: Error) => {
        throw new LocalError(`${file} cannot be copied to ${copy}: ${cause.message}`, { cause });
      });
    if (interrupted) return exitCode.interrupted;
    release();
    return await finish(session, await send('commit', { ...params, tmpfilename: copy }));
  } finally {
    release();
    await files.unlink(copy).catch(() => {});
  }
}

type Send = (phase: 'begin' | 'commit', params: ParamValues) => Promise<unknown>;

/** The gateway's two phases of an upload, asked for by root. */
function sender(session: Session, storage: string, size: number): Send {
  const node = encodeURIComponent(session.localNode);
  const path = `/nodes/${node}/storage/${encodeURIComponent(storage)}/upload`;
  return async (phase, params) => {
    const headers = { 'X-Ryokan-Upload': `${phase} ${size}` };
    return (await session.api.call('POST', path, params, { headers })).data;
  };
}

/** Waits until the task has taken the copy over. */
async function finish(session: Session, answer: unknown): Promise<number> {
  const { system, output } = session;
  const write = output.quiet ? () => {} : output.format === 'text' ? system.out : system.err;
  const code =
    upidNode(answer) === undefined ? exitCode.ok : await followAndReport(session, answer as string, write);
  const machine = await machineText(answer, output.format, system.loadYaml);
  if (machine !== undefined && !output.quiet) system.out(machine);
  return code;
}

function contentOf(filename: string): string | undefined {
  if (/\.(iso|img)$/i.test(filename)) return 'iso';
  if (/\.tar\.(gz|xz|zst|bz2)$/i.test(filename)) return 'vztmpl';
  return tryParseFileName('import', filename) ? 'import' : undefined;
}
