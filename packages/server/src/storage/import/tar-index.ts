/**
 * The table of contents of a tar archive, for OVA files: where each member's bytes stand, so that disks are read out
 * of the archive and never unpacked. ustar as POSIX.1 has it, with the long names and sizes of GNU tar and pax.
 * Everything in an archive may be hostile: what is no plain file with a plain name is refused.
 */
import type { FileHandle } from 'node:fs/promises';
import { RyokanError } from '@ryokan/api/errors.ts';
import { isPlainFileName } from '@ryokan/api/schema/volume-id.ts';

export interface TarMember {
  /** A plain file name; archives with folders are refused. */
  readonly name: string;
  /** Where its bytes begin, and how many they are. */
  readonly offset: number;
  readonly size: number;
}

const block = 512;
/** An OVA has a descriptor, a manifest and some disks; more than this is no machine. */
const mostMembers = 500;
/** Longest extra header (names and sizes of pax and GNU tar) that is read. */
const longestHeader = 64 * 1024;

/** Reads the table. `size` is that of the file. Throws RyokanError 'unsupported' for anything that is no plain archive. */
export async function readTarIndex(file: FileHandle, size: number): Promise<TarMember[]> {
  const members: TarMember[] = [];
  let extra: Extra = {};
  let position = 0;
  for (let headers = 0; position + block <= size; headers++) {
    if (headers > 3 * mostMembers) throw refused(`it has more than ${mostMembers} files`);
    const header = await readAt(file, position, block);
    if (header.every((byte) => byte === 0)) return complete(members);
    if (!isChecksumRight(header))
      throw refused(members.length === 0 ? 'it is no tar archive' : 'it is damaged');
    const start = position + block;
    const length = extra.size ?? readNumber(header, 124, 12);
    if (start + length > size) throw refused('the end of the file is missing: copy it again');
    position = start + Math.ceil(length / block) * block;
    const type = String.fromCharCode(header[156] ?? 0);
    if ('xgLK'.includes(type)) {
      if (length > longestHeader) throw refused('it has a header that is too long');
      // A global header says nothing about a single file.
      if (type !== 'g') extra = { ...extra, ...readExtra(type, await readAt(file, start, length)) };
      continue;
    }
    const name = (extra.name ?? ustarName(header)).replace(/^\.\//, '');
    extra = {};
    if (type === '5' && (name === '' || name === '.' || name === './')) continue;
    members.push({ name: checkedName(name, type), offset: start, size: length });
    if (members.length > mostMembers) throw refused(`it has more than ${mostMembers} files`);
  }
  // Tools that stream end a tar without the two blocks of zeros; a cut file ends inside a member or a header.
  if (position !== size && size - position !== 0)
    throw refused('the end of the file is missing: copy it again');
  return complete(members);
}

interface Extra {
  readonly name?: string;
  readonly size?: number;
}

const refused = (problem: string) => new RyokanError('unsupported', `this is no OVA to import: ${problem}`);

async function readAt(file: FileHandle, position: number, length: number): Promise<Buffer> {
  const buffer = Buffer.alloc(length);
  const { bytesRead } = await file.read(buffer, 0, length, position);
  if (bytesRead < length) throw refused('the end of the file is missing: copy it again');
  return buffer;
}

/** Sum of all bytes of the header, those of the checksum itself taken as blanks. */
function isChecksumRight(header: Buffer): boolean {
  let sum = 8 * 0x20;
  for (let at = 0; at < block; at++) if (at < 148 || at >= 156) sum += header[at] ?? 0;
  return sum === readNumber(header, 148, 8);
}

/** Octal digits; GNU tar writes large numbers in binary, with the highest bit set. */
function readNumber(header: Buffer, at: number, length: number): number {
  const field = header.subarray(at, at + length);
  let value: number;
  if ((field[0] ?? 0) & 0x80) {
    value = field.subarray(1).reduce((sum, byte) => sum * 256 + byte, (field[0] ?? 0) & 0x7f);
  } else {
    const digits = field.toString('latin1').replace(/\0.*$/s, '').trim();
    value = /^[0-7]*$/.test(digits) ? Number.parseInt(digits || '0', 8) : Number.NaN;
  }
  if (!Number.isSafeInteger(value)) throw refused('it has a size that is no number');
  return value;
}

const text = (bytes: Buffer): string => bytes.toString('utf8').replace(/\0.*$/s, '');

function ustarName(header: Buffer): string {
  const name = text(header.subarray(0, 100));
  const isPosix = header.toString('latin1', 257, 263) === 'ustar\0';
  const prefix = isPosix ? text(header.subarray(345, 500)) : '';
  return prefix === '' ? name : `${prefix}/${name}`;
}

/** `L`: the next member's long name (GNU tar). `x`: records `<length> <key>=<value>\n` (pax). `K`: a long link target. */
function readExtra(type: string, body: Buffer): Extra {
  if (type === 'L') return { name: text(body) };
  if (type === 'K') return {};
  const extra: { name?: string; size?: number } = {};
  for (let at = 0; at < body.length; ) {
    const blank = body.indexOf(0x20, at);
    const length = Number(body.toString('latin1', at, Math.max(blank, at)));
    if (blank < 0 || !Number.isInteger(length) || length < 5 || at + length > body.length) {
      throw refused('it has a damaged header');
    }
    const record = body.toString('utf8', blank + 1, at + length - 1);
    const equals = record.indexOf('=');
    const [key, value] = [record.slice(0, equals), record.slice(equals + 1)];
    if (key === 'path') extra.name = value;
    if (key === 'size') extra.size = Number(value);
    if (key.startsWith('GNU.sparse')) throw refused('it has sparse files; pack it without --sparse');
    at += length;
  }
  if (extra.size !== undefined && !(Number.isSafeInteger(extra.size) && extra.size >= 0)) {
    throw refused('it has a size that is no number');
  }
  return extra;
}

function checkedName(name: string, type: string): string {
  const shown = name.slice(0, 80);
  if (type !== '0' && type !== '\0') throw refused(`'${shown}' in it is no plain file`);
  if (!isPlainFileName(name)) throw refused(`'${shown}' in it is no plain file name`);
  return name;
}

function complete(members: TarMember[]): TarMember[] {
  const seen = new Set<string>();
  for (const { name } of members) {
    if (seen.has(name)) throw refused(`it has two files of the name '${name}'`);
    seen.add(name);
  }
  if (members.length === 0) throw refused('it is empty');
  return members;
}
