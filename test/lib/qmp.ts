/**
 * The few lines of QMP that tests need, written apart from the product's client on purpose: what a test claims about a
 * guest must not rest on the code under test. https://www.qemu.org/docs/master/interop/qmp-spec.html
 */
import { once } from 'node:events';
import { createConnection, type Socket } from 'node:net';
import { createInterface, type Interface } from 'node:readline';

interface QmpReply {
  readonly return?: unknown;
  readonly error?: { readonly class: string; readonly desc: string };
  readonly event?: string;
}

/** One connection to a QMP socket. A QEMU monitor serves one client at a time: close it soon. */
export class QmpConnection {
  readonly #socket: Socket;
  readonly #lines: AsyncIterator<string>;
  readonly #reader: Interface;

  private constructor(socket: Socket) {
    this.#socket = socket;
    this.#reader = createInterface({ input: socket });
    this.#lines = this.#reader[Symbol.asyncIterator]();
  }

  static async open(path: string): Promise<QmpConnection> {
    const socket = createConnection(path);
    await once(socket, 'connect');
    const connection = new QmpConnection(socket);
    await connection.#lines.next();
    await connection.execute('qmp_capabilities');
    return connection;
  }

  /** Runs a command and gives its return value; events in between are passed over. */
  async execute(command: string, args: Record<string, unknown> = {}): Promise<unknown> {
    this.#socket.write(`${JSON.stringify({ execute: command, arguments: args })}\n`);
    for (;;) {
      const { value, done } = await this.#lines.next();
      if (done) throw new Error(`QMP connection closed before the answer to ${command}`);
      const reply = JSON.parse(value) as QmpReply;
      if (reply.error) throw new Error(`${command}: ${reply.error.desc}`);
      if ('return' in reply) return reply.return;
    }
  }

  close(): void {
    this.#reader.close();
    this.#socket.destroy();
  }
}

/** One command on a socket of its own connection. */
export async function qmp(path: string, command: string, args?: Record<string, unknown>): Promise<unknown> {
  const connection = await QmpConnection.open(path);
  try {
    return await connection.execute(command, args);
  } finally {
    connection.close();
  }
}

/** Writes what the guest's screen shows now as a PNG file, by QEMU's own hand. */
export async function screendump(qmpPath: string, file: string): Promise<void> {
  await qmp(qmpPath, 'screendump', { filename: file, format: 'png' });
}
