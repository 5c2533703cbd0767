/** The moments at which tasks end, told by the node's event stream: asking again and again would be part of the figure. */
import { request } from 'node:https';
import type { ApiSession } from '../../test/lib/api-session.ts';

interface TaskEvent {
  readonly upid?: string;
  /** With `status`, how it ended, once it has. */
  readonly endtime?: number;
  readonly status?: string;
}

interface End {
  /** performance.now() when the event arrived. */
  readonly at: number;
  readonly status: string;
}

export class TaskEnds {
  readonly #session: ApiSession;
  readonly #ends = new Map<string, End>();
  readonly #waiting = new Map<string, (end: End) => void>();
  #close: () => void = () => {};

  private constructor(session: ApiSession) {
    this.#session = session;
  }

  /** Resolves when the stream has begun: no later end is missed. */
  static async open(session: ApiSession, url: string): Promise<TaskEnds> {
    const ends = new TaskEnds(session);
    await new Promise<void>((resolve, reject) => {
      const stream = request(`${url}/api2/json/cluster/events`, {
        rejectUnauthorized: false,
        headers: { ...session.headers },
      });
      let rest = '';
      stream.on('response', (response) => {
        response.setEncoding('utf8');
        response.on('data', (text: string) => {
          const blocks = (rest + text).split('\n\n');
          rest = blocks.pop() ?? '';
          for (const block of blocks) ends.#receive(block, resolve);
        });
        response.on('error', () => {});
      });
      stream.on('error', reject);
      stream.end();
      ends.#close = () => stream.destroy();
    });
    return ends;
  }

  /** Calls a method that starts a task; resolves with the time of the task's end, rejects unless that is OK. */
  async run(
    verb: 'POST' | 'PUT',
    path: string,
    params: Record<string, string | number> = {},
  ): Promise<number> {
    const upid = await this.#session.call<string>(verb, path, params);
    const { at, status } =
      this.#ends.get(upid) ?? (await new Promise<End>((resolve) => this.#waiting.set(upid, resolve)));
    if (status !== 'OK') throw new Error(`${verb} ${path}: ${status}`);
    return at;
  }

  close(): void {
    this.#close();
  }

  #receive(block: string, hello: () => void): void {
    const type = /^event: (.*)$/m.exec(block)?.[1];
    if (type === 'hello') return hello();
    if (type !== 'task') return;
    const { upid, endtime, status } = JSON.parse(/^data: (.*)$/m.exec(block)?.[1] ?? '{}') as TaskEvent;
    if (upid === undefined || endtime === undefined || status === undefined) return;
    const end = { at: performance.now(), status };
    this.#ends.set(upid, end);
    this.#waiting.get(upid)?.(end);
  }
}
