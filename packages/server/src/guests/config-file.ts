/**
 * The text of a guest's configuration document, `nodes/<node>/qemu-server/<vmid>.conf` or `lxc/<vmid>.conf`:
 *
 *     #first line of the notes, URL-encoded
 *     cores: 2
 *     net0: virtio=BC:24:11:00:00:01,bridge=vmbr0
 *     [PENDING]
 *     cores: 4
 *     delete: net0,!unused1
 *     [special:cloudinit]
 *     …
 *     [snapshot-name]
 *     #its description
 *     cores: 1
 *
 * Raw lines of a container, `lxc.<key>: <value>`, stand together under the key `lxc`, in their order.
 * Values stay text here; what they mean is the business of the guest type. Keys unknown to Ryokan survive.
 */
import { createHash } from 'node:crypto';
import { RyokanError } from '@ryokan/api/errors.ts';

/** Values by key. The notes are the key `description`, the raw lines for LXC the key `lxc`. */
export type ConfigProperties = Readonly<Record<string, string>>;

export interface PendingSection {
  readonly properties: ConfigProperties;
  /** Keys to remove at the next start. `force`: remove the volume behind the key as well. */
  readonly delete: Readonly<Record<string, { readonly force: boolean }>>;
}

export interface GuestConfigFile {
  readonly properties: ConfigProperties;
  readonly pending: PendingSection;
  /** By name of the snapshot. */
  readonly snapshots: Readonly<Record<string, ConfigProperties>>;
  /** Sections `[special:name]`, by name. */
  readonly special: Readonly<Record<string, ConfigProperties>>;
}

export const emptyPending: PendingSection = { properties: {}, delete: {} };

/** A document with these properties and nothing else. */
export function newConfigFile(properties: ConfigProperties): GuestConfigFile {
  return { properties, pending: emptyPending, snapshots: {}, special: {} };
}

/** SHA-1 of the text in hex: the `digest` by which clients make sure that nobody changed it in between. */
export function configDigest(text: string): string {
  return createHash('sha1').update(text).digest('hex');
}

const keyPattern = /^[a-z][a-z0-9_-]*$/i;
/** A line that goes to LXC as it is; several may have the same key, and their order counts. */
const rawPattern = /^lxc\.[a-z0-9_.-]+\s*[:=]\s*(.*)$/i;
const snapshotPattern = /^[a-z][a-z0-9_-]+$/i;

/** An object without inherited names, so that a key called `constructor` is a key like any other. */
const record = <T>(): Record<string, T> => Object.create(null) as Record<string, T>;

/** A line that cannot be read. */
export interface ConfigProblem {
  /** From 1. */
  readonly line: number;
  readonly problem: string;
}

/**
 * Parses a document. `path` is for the error only: RyokanError 'failed' that names path and line. A damaged document
 * must not be guessed at, since the next write would make the guess permanent.
 */
export function parseConfigFile(text: string, path: string): GuestConfigFile {
  const { file, problems } = salvageConfigFile(text);
  const [first] = problems;
  if (first) throw damaged(path, first);
  return file;
}

/**
 * As much of a document as can be read, and the lines that cannot: to stop or remove a guest whose document is damaged,
 * and to show what is left of it. Never to be written back unasked.
 */
export function salvageConfigFile(text: string): { file: GuestConfigFile; problems: ConfigProblem[] } {
  const main = record<string>();
  const pending = record<string>();
  const snapshots = record<Record<string, string>>();
  const special = record<Record<string, string>>();
  const problems: ConfigProblem[] = [];
  let section = main;
  const seen = new Set<string>();
  for (const [index, raw] of text.split('\n').entries()) {
    const line = raw.trimEnd();
    const fail = (problem: string) => void problems.push({ line: index + 1, problem });
    if (line.trim() === '') continue;
    if (line.startsWith('#')) {
      addNote(section, decodeNote(line.slice(1), fail));
      continue;
    }
    const header = /^\[(.*)\]$/.exec(line)?.[1];
    if (header !== undefined) {
      if (seen.has(header)) fail(`the section [${header}] stands here a second time`);
      // Its lines belong to nothing else then.
      section = seen.has(header) ? record<string>() : openSection(header, pending, snapshots, special, fail);
      seen.add(header);
      continue;
    }
    if (rawPattern.test(line)) {
      section.lxc = section.lxc === undefined ? line : `${section.lxc}\n${line}`;
      continue;
    }
    const colon = line.indexOf(':');
    const key = line.slice(0, colon);
    if (colon < 0 || !keyPattern.test(key)) fail(`'${shorten(line)}' is not 'key: value'`);
    else if (key in section) fail(`the key '${key}' stands here a second time`);
    else section[key] = decodeValue(key, line.slice(colon + 1).trim());
  }
  const { delete: deletions = '', ...rest } = pending;
  const waiting = { properties: rest, delete: parseDelete(deletions) };
  return { file: { properties: main, pending: waiting, snapshots, special }, problems };
}

function openSection(
  header: string,
  pending: Record<string, string>,
  snapshots: Record<string, Record<string, string>>,
  special: Record<string, Record<string, string>>,
  fail: (problem: string) => void,
): Record<string, string> {
  if (header === 'PENDING') return pending;
  const [, name] = /^special:(.+)$/.exec(header) ?? [];
  const section = record<string>();
  if (name !== undefined) special[name] = section;
  else if (snapshotPattern.test(header)) snapshots[header] = section;
  else fail(`'[${shorten(header)}]' is no name of a section`);
  return section;
}

function damaged(path: string, { line, problem }: ConfigProblem): RyokanError {
  return new RyokanError(
    'failed',
    `the configuration '${path}' is damaged: line ${line}: ${problem}; ${remedy(path)}`,
    { context: { path, line } },
  );
}

/** The document of a guest is read and replaced as text; any other is the caller's own. */
function remedy(path: string): string {
  const match = /^(nodes\/[^/]+\/)(qemu|lxc)(?:-server)?(\/\d+)\.conf$/.exec(path);
  if (!match) return 'correct the line';
  const document = `/${match[1]}${match[2]}${match[3]}/document`;
  return `correct the line on the guest's page in the Web UI, or with 'pvesh get ${document}' and 'pvesh set ${document} --text "$(cat FILE)"' on the node, or restore the guest`;
}

const shorten = (text: string) => (text.length > 60 ? `${text.slice(0, 60)}…` : text);

function addNote(section: Record<string, string>, line: string): void {
  section.description = section.description === undefined ? line : `${section.description}\n${line}`;
}

function decodeNote(text: string, fail: (problem: string) => void): string {
  // A `%` without two hex digits was typed by a person, not made by an encoder: it stands for itself.
  try {
    return decodeURIComponent(text.replace(/%(?![0-9a-fA-F]{2})/g, '%25'));
  } catch {
    fail('the notes are not URL-encoded UTF-8');
    return text;
  }
}

/** `net0,!unused1`: keys, with `!` for those whose volume goes too. */
function parseDelete(text: string): Record<string, { force: boolean }> {
  const result = record<{ force: boolean }>();
  for (const part of text.split(/[,;\s]+/).filter(Boolean)) {
    const force = part.startsWith('!');
    result[force ? part.slice(1) : part] = { force };
  }
  return result;
}

/**
 * Writes a document: notes first, then keys in alphabetical order; sections [PENDING], [special:…], snapshots.
 * Throws RyokanError 'parameter' for what the format cannot hold (a line break in a value, an odd key).
 */
export function serializeConfigFile(file: GuestConfigFile): string {
  const sections = [writeProperties(file.properties)];
  const deletions = Object.entries(file.pending.delete).map(([key, { force }]) => (force ? `!${key}` : key));
  if (deletions.length > 0 || Object.keys(file.pending.properties).length > 0) {
    const properties = { ...file.pending.properties };
    if (deletions.length > 0) properties.delete = deletions.sort().join(',');
    sections.push(`[PENDING]\n${writeProperties(properties)}`);
  }
  for (const name of Object.keys(file.special).sort()) {
    sections.push(`[special:${name}]\n${writeProperties(file.special[name] ?? {})}`);
  }
  for (const name of Object.keys(file.snapshots).sort()) {
    if (!snapshotPattern.test(name) || name.toUpperCase() === 'PENDING') {
      throw new RyokanError('parameter', `'${name}' cannot be the name of a snapshot`);
    }
    sections.push(`[${name}]\n${writeProperties(file.snapshots[name] ?? {})}`);
  }
  return sections.join('\n');
}

function writeProperties(properties: ConfigProperties): string {
  const { description, lxc: raw = '', ...rest } = properties;
  const lines = description ? description.split('\n').map((line) => `#${encodeNote(line)}`) : [];
  for (const key of Object.keys(rest).sort()) {
    const value = rest[key] ?? '';
    if (!keyPattern.test(key))
      throw new RyokanError('parameter', `'${key}' cannot be a key of a configuration`);
    if (/[\n\r]/.test(value)) {
      throw new RyokanError('parameter', `the value of '${key}' must not have line breaks`, {
        context: { key },
      });
    }
    lines.push(`${key}: ${value.trim().replaceAll('\0', writtenNul)}`);
  }
  for (const line of raw.split('\n').filter(Boolean)) {
    if (!rawPattern.test(line)) throw new RyokanError('parameter', `'${shorten(line)}' is no line for LXC`);
    lines.push(line);
  }
  return lines.map((line) => `${line}\n`).join('');
}

/** The variables of a container's environment are separated by NUL, which no store keeps and no editor shows. */
const writtenNul = '\\0';

const decodeValue = (key: string, text: string): string =>
  key === 'env' ? text.replaceAll(writtenNul, '\0') : text;

/** Encodes what would break a line or not survive an 8-bit tool: controls, `%`, `:` and everything beyond ASCII. */
function encodeNote(text: string): string {
  return text
    .replace(/\p{Cs}/gu, '\ufffd') // half of a surrogate pair is no character; encodeURIComponent throws on it
    .replace(/[^\x20-\x7e]|[%:]/gu, encodeURIComponent)
    .replace(/(?<! ) +$/, (blanks: string) => '%20'.repeat(blanks.length));
}
