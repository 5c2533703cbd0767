/**
 * QEMU's stream of a guest's state between a socket and a volume. QEMU itself runs without the right to open the volume
 * of a state that is none of its disks, and before version 8.2 could not write into one; so the task copies.
 */
import { chown, type FileHandle, open, rm } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { RyokanError } from '@ryokan/api/errors.ts';
import type { Owner } from '../../../host/files.ts';
import { readableSize } from '../../../storage/image-names.ts';
import { connectUnix } from '../json-socket.ts';

/** Bytes that are read from a volume at a time. */
const piece = 1024 * 1024;

/** Takes the stream of one QEMU and writes it into a volume. */
export class StateReceiver {
  readonly #server: Server;
  readonly #done: Promise<void>;
  readonly #path: string;
  #bytes = 0;
  #socket: Socket | undefined;

  private constructor(server: Server, path: string, file: FileHandle, room: number) {
    this.#server = server;
    this.#path = path;
    this.#done = this.#receive(file, room);
    // Whoever waits hears of it; QEMU may fail before anyone does.
    this.#done.catch(() => {});
  }

  /** Listens on `socketPath` for QEMU, which runs as `user`; `room` is the size of the volume in bytes. */
  static async open(
    socketPath: string,
    user: Owner,
    volumePath: string,
    room: number,
  ): Promise<StateReceiver> {
    await rm(socketPath, { force: true });
    const file = await open(volumePath, 'r+');
    const server = createServer();
    try {
      await new Promise<void>((resolve, reject) => {
        server.once('error', reject).listen(socketPath, resolve);
      });
      await chown(socketPath, user.uid, user.gid);
    } catch (error) {
      server.close();
      await file.close();
      throw error;
    }
    return new StateReceiver(server, socketPath, file, room);
  }

  /** Bytes that are written. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Resolves when QEMU has ended the stream and all of it is on disk. Rejects when it could not be written. */
  get done(): Promise<void> {
    return this.#done;
  }

  /** Ends it, wherever it is: QEMU's saving fails then. */
  async close(): Promise<void> {
    this.#server.close();
    this.#socket?.destroy();
    await this.#done.catch(() => {});
    await rm(this.#path, { force: true });
  }

  async #receive(file: FileHandle, room: number): Promise<void> {
    try {
      const socket = await this.#connection();
      for await (const chunk of socket as AsyncIterable<Buffer>) {
        if (this.#bytes + chunk.length > room) throw tooLarge(room);
        await file.write(chunk, 0, chunk.length, this.#bytes);
        this.#bytes += chunk.length;
      }
      await file.datasync();
    } catch (error) {
      throw writeError(error);
    } finally {
      this.#socket?.destroy();
      await file.close();
    }
  }

  /** The first that connects is QEMU; nobody else is let in. */
  #connection(): Promise<Socket> {
    return new Promise((resolve, reject) => {
      this.#server.once('connection', (socket) => {
        this.#socket = socket;
        this.#server.close();
        resolve(socket);
      });
      this.#server.once('close', () => reject(new RyokanError('failed', 'saving the memory was ended')));
    });
  }
}

const tooLarge = (room: number) =>
  new RyokanError('no-space', `the state of the guest does not fit into ${readableSize(room)}`);

function writeError(error: unknown): unknown {
  return (error as NodeJS.ErrnoException).code === 'ENOSPC'
    ? new RyokanError('no-space', 'the storage for the memory is full: make room, or set vmstatestorage', {
        cause: error,
      })
    : error;
}

/** Sends a saved state to a QEMU that listens on `socketPath`. Resolves when QEMU has read what it wants. */
export async function sendState(volumePath: string, socketPath: string, signal: AbortSignal): Promise<void> {
  const file = await open(volumePath, 'r');
  try {
    const socket = await connectUnix(socketPath, { timeout: 10_000, waitForSocket: true, signal });
    try {
      await pump(file, socket, signal);
    } finally {
      socket.destroy();
    }
  } finally {
    await file.close();
  }
}

/** The volume is larger than the state: QEMU knows where it ends, and closes there. */
async function pump(file: FileHandle, socket: Socket, signal: AbortSignal): Promise<void> {
  let closed = false;
  const ended = new Promise<void>((resolve) => socket.once('close', () => resolve()));
  void ended.then(() => {
    closed = true;
  });
  socket.on('error', () => {});
  const buffers = [Buffer.allocUnsafe(piece), Buffer.allocUnsafe(piece)];
  for (let number = 0; !closed; number++) {
    signal.throwIfAborted();
    const buffer = buffers[number % 2] as Buffer;
    const { bytesRead } = await file.read(buffer, 0, piece, number * piece);
    if (bytesRead === 0) return;
    const written = new Promise<void>((resolve) =>
      socket.write(buffer.subarray(0, bytesRead), () => resolve()),
    );
    await Promise.race([written, ended]);
  }
}
