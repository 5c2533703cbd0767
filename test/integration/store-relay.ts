/**
 * A TCP relay between a store and etcd that can fail in the ways of a network.
 */
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';

export interface FaultyRelay {
  /** URL to use in place of the target's. */
  readonly endpoint: string;
  /** Ends all connections; new ones are ended at once until `restore`. */
  cut(): void;
  /** Relays again, to another target if one is given. */
  restore(target?: string): void;
  /** The next answer to a request whose text contains `part` is lost together with its connection. */
  loseAnswerTo(part: string): void;
  /** How many answers were lost. */
  readonly lost: () => number;
  close(): void;
}

export async function startRelay(target: string): Promise<FaultyRelay> {
  const relay = new Relay(new URL(target));
  await once(relay.server, 'listening');
  const { port } = relay.server.address() as { port: number };
  return {
    endpoint: `http://127.0.0.1:${port}`,
    cut: () => relay.cut(),
    restore: (other) => relay.restore(other),
    loseAnswerTo: (part) => relay.loseAnswerTo(part),
    lost: () => relay.lost,
    close: () => {
      relay.cut();
      relay.server.close();
    },
  };
}

class Relay {
  readonly server: Server;
  lost = 0;
  readonly #sockets = new Set<Socket>();
  #target: URL;
  #open = true;
  #losing: string | undefined;

  constructor(target: URL) {
    this.#target = target;
    this.server = createServer((client) => this.#relay(client)).listen(0, '127.0.0.1');
  }

  cut(): void {
    this.#open = false;
    for (const socket of this.#sockets) socket.destroy();
  }

  restore(target?: string): void {
    if (target) this.#target = new URL(target);
    this.#open = true;
  }

  loseAnswerTo(part: string): void {
    this.#losing = part;
  }

  #relay(client: Socket): void {
    if (!this.#open) {
      client.destroy();
      return;
    }
    const server = connect(Number(this.#target.port), this.#target.hostname);
    let losing = false;
    client.on('data', (data) => {
      if (this.#losing !== undefined && data.includes(this.#losing)) {
        losing = true;
        this.#losing = undefined;
      }
      server.write(data);
    });
    server.on('data', (data) => {
      if (!losing) {
        client.write(data);
        return;
      }
      this.lost++;
      client.destroy();
    });
    for (const [socket, other] of [[client, server] as const, [server, client] as const]) {
      this.#sockets.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => {
        this.#sockets.delete(socket);
        other.destroy();
      });
    }
  }
}
