/**
 * Client of the QEMU guest agent (https://www.qemu.org/docs/master/interop/qemu-ga-ref.html): one call a connection,
 * since QEMU lets one client at a time onto the agent's channel; others wait in its queue.
 */
import type { Socket } from 'node:net';
import { RyokanError } from '@ryokan/api/errors.ts';
import { connectUnix, readLines } from './json-socket.ts';
import { type JsonValue, limited, type QmpArguments, QmpError } from './qmp-client.ts';

interface AgentMessage {
  readonly return?: JsonValue;
  readonly error?: { readonly class: string; readonly desc: string };
}

/** Commands that answer only when they fail. */
const silentOnSuccess = new Set([
  'guest-shutdown',
  'guest-suspend-disk',
  'guest-suspend-ram',
  'guest-suspend-hybrid',
]);

/** How long a command without answer may take to say that it failed. */
const failureGrace = 1_000;

/** How long the agent may take to answer the first handshake; an agent that is there does so in a few ms. */
const syncTimeout = 3_000;

/**
 * Runs one agent command and returns its `return` member (`null` for those that answer nothing).
 * Rejects with RyokanError 'state' "QEMU guest agent is not running", QmpError when the agent refuses, 'failed' when the
 * command itself takes longer than `timeout` ms.
 */
export async function agentCommand(
  socketPath: string,
  command: string,
  args: QmpArguments = {},
  timeout = 10_000,
  signal?: AbortSignal,
): Promise<JsonValue> {
  const started = Date.now();
  let socket: Socket;
  try {
    socket = await connectUnix(socketPath, { timeout, signal });
  } catch (cause) {
    throw cause instanceof RyokanError && cause.code === 'unavailable' ? notRunning(cause) : cause;
  }
  try {
    const channel = new AgentChannel(socket);
    await channel.sync(Math.min(syncTimeout, timeout), signal);
    return await channel.call(command, args, Math.max(1, timeout - (Date.now() - started)), signal);
  } finally {
    socket.destroy();
  }
}

function notRunning(cause: unknown): RyokanError {
  return new RyokanError('state', 'QEMU guest agent is not running', { cause });
}

class AgentChannel {
  private synced = false;
  private receiver: ((message: AgentMessage) => void) | undefined;
  private readonly ended: Promise<void>;
  private readonly socket: Socket;

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
      throw notRunning(cause);
    }
  }

  async call(command: string, args: QmpArguments, timeout: number, signal?: AbortSignal): Promise<JsonValue> {
    const answered = this.receive(() => true);
    this.socket.write(encode(command, args));
    const silent = silentOnSuccess.has(command);
    const what = `guest agent command '${command}' did not finish`;
    const message = silent
      ? await Promise.race([
          answered.catch((): AgentMessage => ({ return: null })),
          silence(Math.min(failureGrace, timeout)),
        ])
      : await limited(answered, { timeout, signal }, what);
    if (message.error) throw new QmpError(command, message.error.class, message.error.desc);
    return message.return ?? null;
  }

  /** The next message that fits; rejects when the connection ends first. */
  private receive(fits: (message: AgentMessage) => boolean): Promise<AgentMessage> {
    const found = new Promise<AgentMessage>((resolve, reject) => {
      this.receiver = (message) => {
        if (fits(message)) resolve(message);
      };
      void this.ended.then(() => reject(notRunning(undefined)));
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
