/**
 * Asks the parser process, which reads archives and descriptors in a sandbox (see import-parser.ts): one process a
 * question, so that nothing of one stranger's file is left for the next.
 */
import { fileURLToPath } from 'node:url';
import { type ErrorCode, RyokanError } from '@ryokan/api/errors.ts';
import { isPlainFileName } from '@ryokan/api/schema/volume-id.ts';
import { ExecError, run } from '../../host/exec.ts';
import { sandboxed } from '../../host/sandbox.ts';
import type { TarMember } from './tar-index.ts';

/** What can be asked: the first checks an archive, the others read the machine that an OVA or OVF describes. */
export type ParserQuestion =
  | { readonly ask: 'archive'; readonly only?: string }
  | { readonly ask: 'ova' }
  | { readonly ask: 'ovf' };

/** One line of JSON that the process writes; the last one is an answer or a problem. */
export type ParserLine =
  | { readonly progress: number }
  | { readonly answer: unknown }
  | { readonly problem: { readonly code: ErrorCode; readonly message: string } };

/** Where the file stands inside the sandbox. */
export const parserInput = '/input';

export interface ParserOptions {
  readonly signal?: AbortSignal;
  /** 0..1 */
  readonly onProgress?: (fraction: number) => void;
}

/** The bundle stands beside that of the daemon and the worker. */
const script = fileURLToPath(new URL('./import-parser.js', import.meta.url));

/** The answer, whose shape is for the caller to check. Rejects with what the process found wrong with the file. */
export async function askParser(
  question: ParserQuestion,
  path: string,
  { signal, onProgress }: ParserOptions = {},
): Promise<unknown> {
  const read = { '/program/node': process.execPath, '/program/parser.mjs': script, [parserInput]: path };
  const command = await sandboxed({ read }, '/program/node', [
    ...['--max-old-space-size=256', '/program/parser.mjs', JSON.stringify(question)],
  ]);
  let last: ParserLine | undefined;
  const onLine = (line: string, stream: 'stdout' | 'stderr') => {
    if (stream === 'stderr') return;
    last = parseLine(line);
    if (last && 'progress' in last) onProgress?.(Math.min(1, Math.max(0, Number(last.progress) || 0)));
  };
  try {
    await run(command.program, command.args, { ...(signal ? { signal, untilGone: true } : {}), onLine });
  } catch (error) {
    if (!(error instanceof ExecError) || signal?.aborted) throw error;
    throw new RyokanError('unsupported', 'the file cannot be read as OVA or OVF: it made the parser fail', {
      cause: error,
    });
  }
  const end = last as ParserLine | undefined;
  if (end && 'answer' in end) return end.answer;
  // Texts from in there may be those of the file: they only become the message of an error.
  const message = end && 'problem' in end ? String(end.problem.message) : 'the parser gave no answer';
  throw new RyokanError('unsupported', message.slice(0, 500));
}

/** Undefined for what is no line of ours. */
function parseLine(line: string): ParserLine | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null ? (value as ParserLine) : undefined;
  } catch {
    return undefined;
  }
}

/** Checks an OVA as a whole, or one member of it; gives its members. */
export async function inspectArchive(
  path: string,
  size: number,
  options: ParserOptions & { readonly only?: string } = {},
): Promise<TarMember[]> {
  const { only, ...rest } = options;
  const question = { ask: 'archive', ...(only === undefined ? {} : { only }) } as const;
  const { members } = (await askParser(question, path, rest)) as { members?: unknown };
  if (!Array.isArray(members)) throw new Error('the parser gave no list of members');
  return members.map((one) => checkedMember(one as Partial<TarMember>, size));
}

/** The parser may have been taken over by what it read: what it says is used as a place in a file. */
function checkedMember({ name, offset, size }: Partial<TarMember>, fileSize: number): TarMember {
  const isPlace = (value: number | undefined): value is number =>
    Number.isSafeInteger(value) && Number(value) >= 0;
  if (
    typeof name !== 'string' ||
    !isPlainFileName(name) ||
    !isPlace(offset) ||
    !isPlace(size) ||
    offset + size > fileSize
  ) {
    throw new Error('the parser gave a member that cannot be');
  }
  return { name, offset, size };
}
