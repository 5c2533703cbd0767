/** `pvesh`: any path of the API by hand. */
import { type ParsedArguments, parseArguments, requireAll } from './arguments.ts';
import { type CommandSpec, commandOf } from './command.ts';
import { ApiError, exitCode, nearest, UsageError } from './errors.ts';
import { type CliMethod, methodsAt, type PathMatch, pathSegments, type Verb } from './manifest.ts';
import { isRecord, machineText } from './render.ts';
import { readParams, showAnswer } from './run-method.ts';
import type { Session } from './session.ts';
import { pad } from './width.ts';

export const pveshVerbs = { get: 'GET', create: 'POST', set: 'PUT', delete: 'DELETE' } as const;
export type PveshVerb = keyof typeof pveshVerbs;

export const isPveshVerb = (word: string): word is PveshVerb => Object.hasOwn(pveshVerbs, word);

/** What a method on a concrete path takes as options: its parameters without those of the path. */
export function pathSpec(
  session: Pick<Session, 'manifest'>,
  word: string,
  path: string,
  match: PathMatch,
): CommandSpec {
  const spec = commandOf(session.manifest, match.method);
  const inPath = (name: string) => name in match.values;
  return {
    ...spec,
    words: `pvesh ${word} ${path}`,
    args: [],
    params: Object.fromEntries(Object.entries(spec.params).filter(([name]) => !inPath(name))),
    required: (match.method.required ?? []).filter((name) => !inPath(name)),
    implied: [],
  };
}

/** The method of a verb on a path; a clear error when there is none. */
export function methodAt(session: Pick<Session, 'manifest'>, word: PveshVerb, path: string): PathMatch {
  const matches = methodsAt(session.manifest, path);
  const match = matches.find((one) => one.method.verb === pveshVerbs[word]);
  if (match) return match;
  if (matches.length === 0) {
    const near = nearest(path, templatesNear(session, path), 2);
    const hint = near.length > 0 ? ` Near it: ${near.join(', ')}` : '';
    throw new UsageError(`there is no path '${path}' in the API.${hint}`);
  }
  const others = wordsOf(matches.map((one) => one.method.verb));
  throw new UsageError(`no '${word}' on '${path}'; there is: ${others.join(', ')}`);
}

/** Templates of the same depth with this path's values in place of their parameters. */
function templatesNear(session: Pick<Session, 'manifest'>, path: string): string[] {
  const segments = pathSegments(path);
  const filled = session.manifest.methods
    .map((method) => pathSegments(method.path))
    .filter((parts) => parts.length === segments.length)
    .map((parts) => `/${parts.map((part, i) => (part.startsWith('{') ? segments[i] : part)).join('/')}`);
  return [...new Set(filled)];
}

function wordsOf(verbs: readonly Verb[]): string[] {
  return (Object.keys(pveshVerbs) as PveshVerb[]).filter((word) => verbs.includes(pveshVerbs[word]));
}

/** Runs `pvesh <verb> <path> --param value`. */
export async function runPvesh(
  session: Session,
  word: PveshVerb,
  path: string,
  parsed: ParsedArguments,
): Promise<number> {
  const match = methodAt(session, word, path);
  const { transport } = match.method;
  if (transport === 'events') throw new UsageError(`'${path}' is a stream: use 'ryokan events'`);
  if (transport === 'websocket')
    throw new UsageError(`'${path}' is a WebSocket: use the Web UI or 'qm terminal'`);
  const spec = pathSpec(session, word, path, match);
  requireAll(spec, parsed);
  const params = await readParams(session, spec, parsed);
  const { data } = await session.api.call(match.method.verb, encodedPath(session, match), params);
  // Shown by its schema, never in the form of the command that the method also has.
  const { command: _command, columns: _columns, ...method } = match.method;
  return showAnswer(session, method, data, undefined, { ...params, ...match.values });
}

/** Parses the options after the path. */
export function parsePvesh(
  session: Pick<Session, 'manifest'>,
  word: PveshVerb,
  path: string,
  argv: readonly string[],
): ParsedArguments {
  return parseArguments(pathSpec(session, word, path, methodAt(session, word, path)), argv);
}

function encodedPath(session: Session, match: PathMatch): string {
  return match.method.path.replace(/\{([^}]+)\}/g, (_, name: string) => {
    const value = match.values[name] ?? '';
    return encodeURIComponent(name === 'node' && value === 'localhost' ? session.localNode : value);
  });
}

export interface Child {
  readonly name: string;
  /** `Dr-cd`: directory, get, set, create, delete. */
  readonly capabilities: string;
}

/** What stands below a path: fixed words from the registry, the rest from the API's own lists. */
export async function childrenOf(session: Session, path: string, signal?: AbortSignal): Promise<Child[]> {
  const segments = pathSegments(path);
  const below = session.manifest.methods.filter((method) => isBelow(method, segments));
  const next = new Set(below.map((method) => pathSegments(method.path)[segments.length] as string));
  const names = new Set<string>();
  for (const part of next) {
    if (!part.startsWith('{')) names.add(part);
    else for (const name of await listed(session, path, part.slice(1, -1), signal)) names.add(name);
  }
  return [...names]
    .sort()
    .map((name) => ({ name, capabilities: capabilities(session, [...segments, name]) }));
}

/** Does the method's template begin with these segments and go on? */
function isBelow(method: CliMethod, segments: readonly string[]): boolean {
  const parts = pathSegments(method.path);
  return (
    parts.length > segments.length &&
    segments.every((segment, i) => parts[i] === segment || parts[i]?.startsWith('{'))
  );
}

/** Names under which a list's rows carry the path parameter, beside the parameter's own name. */
const otherNames: Readonly<Record<string, readonly string[]>> = {
  volume: ['volid'],
  userid: ['userid'],
  snapname: ['name'],
};

async function listed(
  session: Session,
  path: string,
  param: string,
  signal?: AbortSignal,
): Promise<string[]> {
  const match = methodsAt(session.manifest, path).find((one) => one.method.verb === 'GET');
  if (match?.method.result.kind !== 'list') return [];
  const { data } = await session.api.call('GET', encodedPath(session, match), {}, signal ? { signal } : {});
  const keys = [param, ...(otherNames[param] ?? []), 'id', 'name', 'subdir'];
  return (Array.isArray(data) ? data : []).filter(isRecord).flatMap((row) => {
    const key = keys.find((one) => row[one] !== undefined);
    return key === undefined ? [] : [String(row[key])];
  });
}

function capabilities(session: Session, segments: readonly string[]): string {
  const verbs = methodsAt(session.manifest, segments.join('/')).map((one) => one.method.verb);
  const isFolder = session.manifest.methods.some((method) => isBelow(method, segments));
  const flag = (verb: Verb, letter: string) => (verbs.includes(verb) ? letter : '-');
  return `${isFolder ? 'D' : '-'}${flag('GET', 'r')}${flag('PUT', 'w')}${flag('POST', 'c')}${flag('DELETE', 'd')}`;
}

/** `pvesh ls <path>`. */
export async function runLs(session: Session, path: string): Promise<number> {
  const { system, output } = session;
  const known = methodsAt(session.manifest, path).length > 0;
  const children = await childrenOf(session, path);
  if (!known && children.length === 0) throw new ApiError(501, `there is no path '${path}' in the API`);
  const rows = output.limit === undefined ? children : children.slice(0, output.limit);
  const machine = await machineText(rows, output.format, system.loadYaml);
  system.out(machine ?? rows.map((row) => `${pad(row.capabilities, 10)} ${row.name}\n`).join(''));
  return exitCode.ok;
}
