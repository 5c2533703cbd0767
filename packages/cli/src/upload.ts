/** `pvesm upload`: puts a file of this machine into a storage, by the way that uploads over HTTPS take. */
import { constants, promises as files } from 'node:fs';
import { basename, extname, join } from 'node:path';
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
  const { randomBytes } = await import('node:crypto');
  const copy = join(session.dataDir, 'spool', `pveupload-${randomBytes(16).toString('hex')}`);
  const stop = session.system.onInterrupt(() => {});
  try {
    // Where the file system can, the copy shares its blocks with the original.
    await files
      .copyFile(file, copy, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE)
      .catch((cause: Error) => {
        throw new LocalError(`${file} cannot be copied to ${copy}: ${cause.message}`, { cause });
      });
    const params: ParamValues = { content, filename, tmpfilename: copy };
    for (const name of ['checksum', 'checksum-algorithm'] as const) {
      const value = single(parsed, name);
      if (value !== undefined) params[name] = value;
    }
    return await hand(session, single(parsed, 'storage') ?? '', params);
  } finally {
    stop();
    await files.unlink(copy).catch(() => {});
  }
}

/** Asks the daemon to take the copy over and waits until it has. */
async function hand(session: Session, storage: string, params: ParamValues): Promise<number> {
  const path = `/nodes/${encodeURIComponent(session.localNode)}/storage/${encodeURIComponent(storage)}/upload`;
  const { data } = await session.api.call('POST', path, params);
  const { system, output } = session;
  const write = output.quiet ? () => {} : output.format === 'text' ? system.out : system.err;
  const code =
    upidNode(data) === undefined ? exitCode.ok : await followAndReport(session, data as string, write);
  const machine = await machineText(data, output.format, system.loadYaml);
  if (machine !== undefined && !output.quiet) system.out(machine);
  return code;
}

function contentOf(filename: string): string | undefined {
  if (/\.(iso|img)$/i.test(filename)) return 'iso';
  if (/\.tar\.(gz|xz|zst|bz2)$/i.test(filename)) return 'vztmpl';
  return ['.qcow2', '.raw', '.vmdk', '.ova'].includes(extname(filename).toLowerCase()) ? 'import' : undefined;
}
