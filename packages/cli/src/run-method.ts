/** Calls one API method with parsed parameters and shows its answer. */
import { type ParamValues, type ParsedArguments, requireAll } from './arguments.ts';
import type { CommandSpec } from './command.ts';
import { commandOf } from './command.ts';
import { exitCode, UsageError } from './errors.ts';
import type { CliMethod } from './manifest.ts';
import { type Presenter, presenterOf } from './presenters.ts';
import { machineText, resultText } from './render.ts';
import type { Session } from './session.ts';
import { followAndReport, upidNode } from './task-follow.ts';

/** Runs a method as a command; `parsed` belongs to commandOf(method). Returns the exit code. */
export async function runMethod(
  session: Session,
  method: CliMethod,
  parsed: ParsedArguments,
): Promise<number> {
  const spec = commandOf(session.manifest, method);
  requireAll(spec, parsed);
  const params = await readParams(session, spec, parsed);
  fillImplied(session, spec, params);
  const { path, rest } = fillPath(method.path, params, spec.words);
  const { data } = await session.api.call(method.verb, path, rest);
  return showAnswer(session, method, data, presenterOf(method.command ?? ''), params);
}

/** Parameters as they are sent: secrets asked for, keys read from their files. */
export async function readParams(
  session: Session,
  spec: CommandSpec,
  parsed: ParsedArguments,
): Promise<ParamValues> {
  const params: ParamValues = { ...parsed.params };
  for (const name of parsed.prompts) params[name] = await session.system.askSecret(`${name}: `);
  const keys = params.sshkeys;
  // The API takes keys percent-encoded; people have them in a file.
  if (typeof keys === 'string' && spec.params.sshkeys?.format === 'urlencoded') {
    const text = session.system.readText(keys);
    if (text !== undefined) params.sshkeys = encodeURIComponent(text.trim());
    else if (keys.includes('/')) throw new UsageError(`--sshkeys: cannot read ${keys}`, spec.words);
  }
  return params;
}

/** The local node, and the storage that a volume id names. */
function fillImplied(session: Session, spec: CommandSpec, params: ParamValues): void {
  if (spec.implied.includes('node') && (params.node === undefined || params.node === 'localhost')) {
    params.node = session.localNode;
  }
  if (spec.implied.includes('storage') && params.storage === undefined) {
    const colon = typeof params.volume === 'string' ? params.volume.indexOf(':') : -1;
    if (colon < 1) {
      throw new UsageError(
        `'${String(params.volume)}' is no volume id: write <storage>:<name>, or give --storage`,
        spec.words,
      );
    }
    params.storage = (params.volume as string).slice(0, colon);
  }
}

/** Puts parameters into the path; `rest` goes as query or form. */
export function fillPath(
  template: string,
  params: ParamValues,
  words: string,
): { path: string; rest: ParamValues } {
  const rest = { ...params };
  const path = template.replace(/\{([^}]+)\}/g, (_, name: string) => {
    const value = params[name];
    if (typeof value !== 'string' || value === '') throw new UsageError(`<${name}> must not be empty`, words);
    delete rest[name];
    return encodeURIComponent(value);
  });
  return { path, rest };
}

/** Follows the task that was started, or prints the result. */
export async function showAnswer(
  session: Session,
  method: CliMethod,
  answer: unknown,
  presenter: Presenter | undefined,
  params: ParamValues,
): Promise<number> {
  const { system, output, given } = session;
  const data = limited(answer, method, output.limit);
  if (method.task && upidNode(data) !== undefined && given.detach !== '1') {
    return followTaskOf(session, data as string, method.command === undefined);
  }
  if (output.quiet) return exitCode.ok;
  const machine = await machineText(data, output.format, system.loadYaml);
  if (machine !== undefined) {
    // A change without a result says nothing, in JSON as in text.
    if (method.verb === 'GET' || data !== null) system.out(machine);
    return exitCode.ok;
  }
  const text =
    presenter?.(data, { session, params, method }) ?? resultText(data, method.result, method.columns, output);
  if (text !== '') system.out(text);
  return exitCode.ok;
}

/** `--limit` for lists whose method has no such parameter of its own. */
function limited(data: unknown, method: CliMethod, limit: number | undefined): unknown {
  return limit === undefined || !Array.isArray(data) || 'limit' in method.params
    ? data
    : data.slice(0, limit);
}

/** In text the log goes to stdout; in the machine formats stdout is for the result alone. */
async function followTaskOf(session: Session, upid: string, printUpid: boolean): Promise<number> {
  const { system, output } = session;
  const isText = output.format === 'text';
  const write = output.quiet ? () => {} : isText ? system.out : system.err;
  const code = await followAndReport(session, upid, write);
  if (output.quiet) return code;
  const machine = await machineText(upid, output.format, system.loadYaml);
  if (machine !== undefined) system.out(machine);
  else if (printUpid) system.out(`${upid}\n`);
  return code;
}
