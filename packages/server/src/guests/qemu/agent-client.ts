/**
 * Client of the QEMU guest agent (https://www.qemu.org/docs/master/interop/qemu-ga-ref.html). QEMU lets one client at a
 * time onto the agent's channel, so a session lasts for what belongs together and no longer; agent.ts queues them.
 */
import type { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { RyokanError } from '@ryokan/api/errors.ts';
import { connectUnix, readLines } from './json-socket.ts';
import { type JsonValue, limited, type QmpArguments } from './qmp-client.ts';

/** The agent refused a command. `agentClass` is `CommandNotFound`, `GenericError`, … */
export class AgentError extends RyokanError {
  readonly command: string;
  readonly agentClass: string;
  constructor(command: string, agentClass: string, description: string) {
    const missing = agentClass === 'CommandNotFound' || agentClass === 'CommandDisabled';
    super(missing ? 'unsupported' : 'failed', `Agent error: ${description}`, {
      context: { command, class: agentClass },
    });
    this.name = 'AgentError';
    this.command = command;
    this.agentClass = agentClass;
  }
}

export interface AgentCallOptions {
  /** Milliseconds; default 10 s. The agent may still carry the command out after that. */
  readonly timeout?: number;
  readonly signal?: AbortSignal;
}

export interface AgentSocketOptions extends AgentCallOptions {
  /** A command that an agent which does not answer shall find when it comes to it. */
  readonly leave?: string;
}

/** A connection that is in step with the agent. */
export interface AgentSession {
  /**
   * Runs one command and returns its `return` member (`null` for those that answer nothing). Rejects with AgentError,
   * 'state' when the agent goes away, 'failed' when the command takes too long; the session is over after the latter two.
   */
  call<T = JsonValue>(command: string, args?: QmpArguments, options?: AgentCallOptions): Promise<T>;
  /** Sends a command and waits for nothing: the agent works on it when it comes to it. */
  send(command: string, args?: QmpArguments): void;
}

interface AgentMessage {
  readonly return?: JsonValue;
  readonly error?: { readonly class: string; readonly desc: string };
}

/** Commands that answer only when they fail, and how long they may take to say so (ms): suspending asks around first. */
const silentOnSuccess: ReadonlyMap<string, number> = new Map([
  ['guest-shutdown', 1_000],
  ['guest-suspend-disk', 5_000],
  ['guest-suspend-ram', 5_000],
  ['guest-suspend-hybrid', 5_000],
]);

/** How long the agent may take to answer the first handshake (ms); an agent that is there does so in a few. */
const syncTimeout = 3_000;

const defaultTimeout = 10_000;

/**
 * Connects to the agent's socket and runs `work`. `timeout` (ms) is for connection and handshake. Rejects with
 * RyokanError 'state' "QEMU guest agent is not running" when there is no socket or nobody answers.
 */
export async function withAgentSocket<T>(
  socketPath: string,
  work: (agent: AgentSession) => Promise<T>,
  { timeout = defaultTimeout, signal, leave }: AgentSocketOptions = {},
): Promise<T> {
  let socket: Socket;
  try {
    socket = await connectUnix(socketPath, { timeout, signal });
  } catch (cause) {
    throw cause instanceof RyokanError && cause.code === 'unavailable' ? agentNotRunning({ cause }) : cause;
  }
  const channel = new AgentChannel(socket);
  try {
    await channel.sync(Math.min(syncTimeout, timeout), signal).catch((error: unknown) => {
      if (leave !== undefined) channel.send(leave);
      throw error;
    });
    return await work(channel);
  } finally {
    if (channel.owesAnswer) await sleep(lingerTime);
    // Ends it behind what was sent last; a connection that the other side has given up is gone already.
    socket.destroySoon();
  }
}

/**
 * How long a connection stays after a command whose answer nobody waits for (ms): QEMU hands the bytes on as fast as the
 * guest takes them, and drops the rest when the connection ends.
 */
const lingerTime = 1_000;

/** The text that clients match on, with what is known beyond it. */
export function agentNotRunning({ detail, cause }: { detail?: string; cause?: unknown } = {}): RyokanError {
  return new RyokanError('state', `QEMU guest agent is not running${detail ? `: ${detail}` : ''}`, { cause });
}

class AgentChannel implements AgentSession {
  private synced = false;
  private receiver: ((message: AgentMessage) => void) | undefined;
  /** Why no further command can be sent: the answer to an earlier one is still to come. */
  private outOfStep: string | undefined;
  private readonly ended: Promise<void>;
  private readonly socket: Socket;
  private sent = 0;
  private answered = 0;

  constructor(socket: Socket) {
    this.socket = socket;
    socket.on('error', () => {});
    this.ended = new Promise((resolve) => socket.once('close', () => resolve()));
    readLines(socket, (line) => {
      // The 0xFF before the answer to the handshake ends whatever was left over from an earlier client.
      const text = this.synced ? line : line.slice(line.lastIndexOf('\uFFFD') + 1);
      try {
        this.receiver?.(JSON.parse(text) as AgentMessage);
      } catch {
        // A rest of an answer that an earlier client did not wait for.
      }
    });
  }

  /** Brings both sides to the start of a message: a 0xFF makes the agent drop half a command, the id marks the answer. */
  async sync(timeout: number, signal?: AbortSignal): Promise<void> {
    const id = 1 + Math.floor(Math.random() * 0x7fffffff);
    const answered = this.receive((message) => message.return === id);
    this.socket.write(Buffer.concat([Buffer.of(0xff), encode('guest-sync-delimited', { id })]));
    try {
      await limited(answered, { timeout, signal }, 'no answer from the guest agent');
      this.synced = true;
    } catch (cause) {
      if (signal?.aborted) throw cause;
      throw agentNotRunning({ detail: `no answer within ${timeout} ms, it may be busy or hang`, cause });
    }
  }

  async call<T>(command: string, args: QmpArguments = {}, options: AgentCallOptions = {}): Promise<T> {
    if (this.outOfStep !== undefined) throw new RyokanError('failed', this.outOfStep);
    const { timeout = defaultTimeout, signal } = options;
    const answered = this.receive(() => true);
    this.send(command, args);
    const what = `guest agent command '${command}' did not finish`;
    try {
      const grace = silentOnSuccess.get(command);
      const message =
        grace !== undefined
          ? await this.unlessFailed(answered, Math.min(grace, timeout))
          : await limited(answered, { timeout, signal }, what);
      this.answered = this.sent;
      if (message.error) throw new AgentError(command, message.error.class, message.error.desc);
      return (message.return ?? null) as T;
    } catch (error) {
      if (!(error instanceof AgentError)) this.outOfStep = what;
      throw error;
    }
  }

  /** The last command has had no answer, and its receiver is there. */
  get owesAnswer(): boolean {
    return this.sent > this.answered && !this.socket.destroyed;
  }

  send(command: string, args: QmpArguments = {}): void {
    this.sent++;
    this.socket.write(encode(command, args));
  }

  /** No answer, or an end of the connection, is success here. */
  private unlessFailed(answered: Promise<AgentMessage>, grace: number): Promise<AgentMessage> {
    return Promise.race([answered.catch((): AgentMessage => ({ return: null })), silence(grace)]);
  }

  /** The next message that fits; rejects when the connection ends first. */
  private receive(fits: (message: AgentMessage) => boolean): Promise<AgentMessage> {
    const found = new Promise<AgentMessage>((resolve, reject) => {
      this.receiver = (message) => {
        if (fits(message)) resolve(message);
      };
      void this.ended.then(() => reject(agentNotRunning()));
    });
    // A silent command may end before anyone waits for this.
    found.catch(() => {});
    return found;
  }
}

const silence = (ms: number): Promise<AgentMessage> =>
  new Promise((resolve) => setTimeout(() => resolve({ return: null }), ms));

function encode(command: string, args: QmpArguments): Buffer {
  return Buffer.from(`${JSON.stringify({ execute: command, arguments: args })}\n`);
}
