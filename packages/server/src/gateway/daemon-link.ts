/** The gateway's connection to the daemon: one multiplexed socket for calls, a fresh one for each console. */
import { connect, type Socket } from 'node:net';
import type { RequestHead } from '../api/request.ts';
import { type Frame, FrameConnection, FrameType } from '../host/frames.ts';
import { type KeptMark, ReceivedBodies } from '../host/kept-bodies.ts';

/** The daemon's answer to a call. */
export interface ReplyHead {
  readonly status: number;
  readonly reason: string;
  readonly contentType?: string;
  readonly delayed?: boolean;
  readonly retryAfter?: number;
  readonly relay?: string;
  readonly fileName?: string;
  readonly setCookie?: string;
  /** Set when other answers have the same body, as the same buffer. */
  readonly kept?: KeptMark;
}

export interface PendingCall {
  /** With `more` the answer goes on with onData until onEnd. */
  onReply(head: ReplyHead, body: Buffer, more: boolean): void;
  onData(chunk: Buffer): void;
  onEnd(): void;
}

export class DaemonLink {
  private readonly frames: FrameConnection;
  private readonly calls = new Map<number, PendingCall>();
  private readonly bodies = new ReceivedBodies();
  private nextChannel = 1;

  private constructor(socket: Socket) {
    this.frames = new FrameConnection(socket, (frame) => this.receive(frame));
  }

  /** Connects; `onLost` is called once when the daemon goes away. */
  static open(path: string, onLost: () => void): Promise<DaemonLink> {
    return new Promise((resolve, reject) => {
      const socket = connect(path);
      socket.once('error', reject);
      socket.once('connect', () => {
        socket.off('error', reject);
        socket.on('error', () => socket.destroy());
        socket.once('close', onLost);
        resolve(new DaemonLink(socket));
      });
    });
  }

  /** Starts a call; the returned function cancels it. */
  call(head: RequestHead, body: Buffer, pending: PendingCall): () => void {
    const channel = this.nextChannel;
    this.nextChannel = channel === 0xffffffff ? 1 : channel + 1;
    this.calls.set(channel, pending);
    this.frames.send(channel, FrameType.request, head, body);
    return () => {
      if (this.calls.delete(channel)) this.frames.send(channel, FrameType.cancel);
    };
  }

  /** A call whose answer is complete in one piece; of one that goes on only the beginning is taken. */
  ask(head: RequestHead, body: Buffer): Promise<{ head: ReplyHead; body: Buffer }> {
    return new Promise((resolve) => {
      const cancel = this.call(head, body, {
        onReply(reply, bytes, more) {
          if (more) cancel();
          resolve({ head: reply, body: bytes });
        },
        onData: () => {},
        onEnd: () => {},
      });
    });
  }

  private receive(frame: Frame): void {
    const head = frame.head as ReplyHead | undefined;
    // Also for a call that was cancelled in between: the body may be repeated for others.
    const body = head?.kept ? this.bodies.resolve(head.kept, frame.body) : frame.body;
    const call = this.calls.get(frame.channel);
    if (!call) return;
    switch (frame.type) {
      case FrameType.response:
        this.calls.delete(frame.channel);
        call.onReply(head as ReplyHead, body, false);
        break;
      case FrameType.head:
        call.onReply(frame.head as ReplyHead, frame.body, true);
        break;
      case FrameType.data:
        call.onData(frame.body);
        break;
      case FrameType.end:
        this.calls.delete(frame.channel);
        call.onEnd();
        break;
      default:
    }
  }
}
