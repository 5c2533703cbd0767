/** Guest agent operations that are more than one command with its answer: processes, files, frozen file systems. */
import type { AgentSession } from './agent-client.ts';

/** Starts a program in the guest; returns its process id there. Its output is kept for `execStatus`. */
export async function execInGuest(
  agent: AgentSession,
  command: readonly string[],
  input: string | undefined,
): Promise<number> {
  const [path = '', ...args] = command;
  const { pid } = await agent.call<{ pid: number }>('guest-exec', {
    path,
    arg: args,
    'capture-output': true,
    ...(input === undefined ? {} : { 'input-data': Buffer.from(input).toString('base64') }),
  });
  return pid;
}

interface ExecAnswer {
  readonly exited: boolean;
  readonly exitcode?: number;
  readonly signal?: number;
  readonly 'out-data'?: string;
  readonly 'err-data'?: string;
  readonly 'out-truncated'?: boolean;
  readonly 'err-truncated'?: boolean;
}

/** As the public API has it: output decoded, booleans as 0 and 1. */
export interface ExecStatus {
  exited: 0 | 1;
  exitcode?: number;
  signal?: number;
  'out-data'?: string;
  'err-data'?: string;
  'out-truncated'?: 0 | 1;
  'err-truncated'?: 0 | 1;
}

/** How long an answer with output may take (ms): the agent keeps up to 16 MiB of each stream. */
const outputTimeout = 60_000;

/** State of a program started by execInGuest. The agent forgets an ended one after telling of it once. */
export async function execStatus(agent: AgentSession, pid: number): Promise<ExecStatus> {
  const answer = await agent.call<ExecAnswer>('guest-exec-status', { pid }, { timeout: outputTimeout });
  const status: ExecStatus = { exited: bit(answer.exited) };
  if (answer.exitcode !== undefined) status.exitcode = answer.exitcode;
  if (answer.signal !== undefined) status.signal = answer.signal;
  for (const stream of ['out', 'err'] as const) {
    const data = answer[`${stream}-data`];
    const truncated = answer[`${stream}-truncated`];
    if (data !== undefined) status[`${stream}-data`] = textOf(Buffer.from(data, 'base64'));
    if (truncated !== undefined) status[`${stream}-truncated`] = bit(truncated);
  }
  return status;
}

const bit = (value: boolean): 0 | 1 => (value ? 1 : 0);

/** Bytes of a guest as JSON text: UTF-8 where it is, else one character a byte, so that nothing is lost. */
export function textOf(bytes: Buffer): string {
  const text = bytes.toString('utf8');
  return Buffer.from(text).equals(bytes) ? text : bytes.toString('latin1');
}

/** Bytes that the agent is asked for at once. */
const chunkSize = 1024 * 1024;

export interface FileRange {
  readonly path: string;
  /** Bytes. */
  readonly offset: number;
  readonly count: number;
}

/** Reads a part of a file of the guest. `truncated`: there is more behind it. */
export async function readGuestFile(
  agent: AgentSession,
  { path, offset, count }: FileRange,
): Promise<{ content: Buffer; truncated: boolean }> {
  const handle = await agent.call<number>('guest-file-open', { path });
  try {
    if (offset > 0) await agent.call('guest-file-seek', { handle, offset, whence: 'set' });
    const chunks: Buffer[] = [];
    let left = count;
    let eof = false;
    while (left > 0 && !eof) {
      const chunk = await readChunk(agent, handle, Math.min(chunkSize, left));
      chunks.push(chunk.bytes);
      left -= chunk.bytes.length;
      eof = chunk.eof || chunk.bytes.length === 0;
    }
    // What ended with the last byte asked for has not said that it is at its end.
    const truncated = !eof && (await readChunk(agent, handle, 1)).bytes.length > 0;
    return { content: Buffer.concat(chunks), truncated };
  } finally {
    await closeQuietly(agent, handle);
  }
}

async function readChunk(
  agent: AgentSession,
  handle: number,
  count: number,
): Promise<{ bytes: Buffer; eof: boolean }> {
  const answer = await agent.call<{ 'buf-b64': string; eof: boolean }>('guest-file-read', { handle, count });
  return { bytes: Buffer.from(answer['buf-b64'], 'base64'), eof: answer.eof };
}

/** Replaces a file of the guest; `content` is base64. */
export async function writeGuestFile(agent: AgentSession, path: string, content: string): Promise<void> {
  const handle = await agent.call<number>('guest-file-open', { path, mode: 'wb' });
  try {
    await agent.call('guest-file-write', { handle, 'buf-b64': content });
  } catch (error) {
    await closeQuietly(agent, handle);
    throw error;
  }
  // Here the guest says that its disk is full.
  await agent.call('guest-file-close', { handle });
}

/** The error that matters has been said; a session that is out of step cannot close anything. */
async function closeQuietly(agent: AgentSession, handle: number): Promise<void> {
  await agent.call('guest-file-close', { handle }).catch(() => {});
}

/** How long freezing may take (ms): the guest writes out all that it holds in memory. */
export const freezeTimeout = 10 * 60_000;
/** Thawing is done at once on Linux; Windows takes its time. */
export const thawTimeout = 3 * 60_000;

export const thawCommand = 'guest-fsfreeze-thaw';

/**
 * Freezes the file systems of the guest; returns how many. When it fails or takes too long they are thawed again, as soon
 * as the agent comes to it: a guest is never left frozen by somebody who has given up on it.
 */
export async function freezeFileSystems(
  agent: AgentSession,
  options: { readonly timeout?: number; readonly signal?: AbortSignal } = {},
): Promise<number> {
  const { timeout = freezeTimeout, signal } = options;
  try {
    return await agent.call<number>('guest-fsfreeze-freeze', {}, { timeout, signal });
  } catch (error) {
    agent.send(thawCommand);
    throw error;
  }
}

/** Lets the guest write again; returns how many file systems were frozen. */
export function thawFileSystems(agent: AgentSession, timeout = thawTimeout): Promise<number> {
  return agent.call<number>(thawCommand, {}, { timeout });
}

/** How long it may take (ms): hashes of passwords are slow on purpose, more so in a busy guest. */
const passwordTimeout = 60_000;

/** Sets the password of a user of the guest; `crypted`: it is a crypt(3) hash already. */
export async function setGuestPassword(
  agent: AgentSession,
  { username, password, crypted }: { username: string; password: string; crypted: boolean },
): Promise<unknown> {
  const encoded = Buffer.from(password).toString('base64');
  const args = { username, password: encoded, crypted };
  return agent.call('guest-set-user-password', args, { timeout: passwordTimeout });
}
