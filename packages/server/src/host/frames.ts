/**
 * Multiplexed frames over one Unix socket, between gateway and daemon.
 *
 * Frame: u32 length of what follows, u32 channel, u8 type, u32 length of the JSON head, head, body bytes; big-endian.
 * A channel carries one call: `request`, answered by `response` (complete), or by `head` and any number of `data` and
 * one `end`. `cancel` from the caller ends it early.
 */
import type { Socket } from 'node:net';

export const FrameType = { request: 1, response: 2, head: 3, data: 4, end: 5, cancel: 6 } as const;
export type FrameType = (typeof FrameType)[keyof typeof FrameType];

export interface Frame {
  readonly channel: number;
  readonly type: FrameType;
  /** Parsed JSON head; undefined when empty. */
  readonly head: unknown;
  readonly body: Buffer;
}

const prefix = 13;
const none = Buffer.alloc(0);
/** Larger frames mean a broken peer: request bodies are limited to 512 KiB, replies are far smaller than this. */
const maxFrame = 256 * 1024 * 1024;

/** Bodies up to this size (bytes) are copied behind their head: one piece costs less to write than two. */
const copied = 16 * 1024;

/** Sends and receives frames on a connected socket. */
export class FrameConnection {
  private readonly socket: Socket;
  private chunks: Buffer[] = [];
  private buffered = 0;
  /** Frames of this turn of the event loop; they leave in one system call. */
  private outgoing: Buffer[] = [];

  constructor(socket: Socket, onFrame: (frame: Frame) => void) {
    this.socket = socket;
    socket.on('data', (chunk: Buffer) => this.receive(chunk, onFrame));
  }

  /** Queues a frame; false when the peer reads too slowly and the caller should wait for `drained`. */
  send(channel: number, type: FrameType, head?: unknown, body: Buffer = none): boolean {
    const text = head === undefined ? '' : JSON.stringify(head);
    const headLength = Buffer.byteLength(text);
    const inline = body.length <= copied ? body.length : 0;
    const start = Buffer.allocUnsafe(prefix + headLength + inline);
    start.writeUInt32BE(prefix - 4 + headLength + body.length, 0);
    start.writeUInt32BE(channel, 4);
    start.writeUInt8(type, 8);
    start.writeUInt32BE(headLength, 9);
    start.write(text, prefix);
    if (inline > 0) body.copy(start, prefix + headLength);
    if (this.outgoing.length === 0) setImmediate(() => this.flush());
    this.outgoing.push(start);
    if (body.length > inline) this.outgoing.push(body);
    return !this.socket.writableNeedDrain;
  }

  private flush(): void {
    const pieces = this.outgoing;
    this.outgoing = [];
    if (pieces.length === 1) {
      this.socket.write(pieces[0] as Buffer);
      return;
    }
    this.socket.cork();
    for (const piece of pieces) this.socket.write(piece);
    this.socket.uncork();
  }

  drained(): Promise<void> {
    return this.socket.writableNeedDrain
      ? new Promise((resolve) => {
          const done = () => {
            this.socket.off('drain', done);
            this.socket.off('close', done);
            resolve();
          };
          this.socket.once('drain', done);
          this.socket.once('close', done);
        })
      : Promise.resolve();
  }

  private receive(chunk: Buffer, onFrame: (frame: Frame) => void): void {
    this.chunks.push(chunk);
    this.buffered += chunk.length;
    while (this.buffered >= 4) {
      const length = this.peekLength();
      if (length > maxFrame || length < prefix - 4) {
        this.socket.destroy(new Error(`frame of ${length} bytes`));
        return;
      }
      if (this.buffered < length + 4) return;
      const all =
        this.chunks.length === 1 ? (this.chunks[0] as Buffer) : Buffer.concat(this.chunks, this.buffered);
      this.chunks = all.length > length + 4 ? [all.subarray(length + 4)] : [];
      this.buffered = all.length - length - 4;
      let frame: Frame;
      try {
        frame = decode(all.subarray(4, length + 4));
      } catch (error) {
        this.socket.destroy(error as Error);
        return;
      }
      onFrame(frame);
    }
  }

  private peekLength(): number {
    const first = this.chunks[0] as Buffer;
    if (first.length >= 4) return first.readUInt32BE(0);
    const all = Buffer.concat(this.chunks, this.buffered);
    this.chunks = [all];
    return all.readUInt32BE(0);
  }
}

function decode(bytes: Buffer): Frame {
  const headLength = bytes.readUInt32BE(5);
  const head = headLength > 0 ? JSON.parse(bytes.toString('utf8', 9, 9 + headLength)) : undefined;
  return {
    channel: bytes.readUInt32BE(0),
    type: bytes.readUInt8(4) as FrameType,
    head,
    body: bytes.subarray(9 + headLength),
  };
}
