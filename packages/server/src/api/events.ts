/** Live changes for the Web UI and the CLI: what the daemon publishes, and one stream per listener. */
import type { Call } from './handler-table.ts';
import type { StreamSource } from './reply.ts';

export interface LiveEvent {
  /** resource, task, config, log, warning. */
  readonly type: string;
  /** What this caller is told; undefined when it is none of theirs. */
  readonly dataFor: (call: Call) => unknown;
  /** Only for streams that follow this task. */
  readonly upid?: string;
}

/** Milliseconds. */
const keepAliveEvery = 25_000;

type Listener = (event: LiveEvent) => void;

export class EventHub {
  private readonly listeners = new Set<Listener>();

  /** True when somebody listens: building an event can be spared otherwise. */
  get active(): boolean {
    return this.listeners.size > 0;
  }

  publish(event: LiveEvent): void {
    for (const listener of this.listeners) listener(event);
  }

  subscribe(listener: Listener): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /**
   * text/event-stream for one caller; with `upid` also that task's log lines. It ends with the caller's login: a ticket
   * that has run out, a user who was disabled or removed.
   */
  stream(call: Call, upid: string | undefined): StreamSource {
    return (send, signal) =>
      new Promise<void>((resolve) => {
        if (signal.aborted) return resolve();
        const write = (type: string, data: unknown) =>
          send(`event: ${type}\ndata: ${JSON.stringify(data)}\n\n`);
        const end = () => {
          clearInterval(keepAlive);
          unsubscribe();
          signal.removeEventListener('abort', end);
          resolve();
        };
        const unsubscribe = this.subscribe((event) => {
          if (event.upid !== undefined && event.upid !== upid) return;
          if (!call.isLoggedIn()) return end();
          const data = event.dataFor(call);
          if (data !== undefined) write(event.type, data);
        });
        // Proxies and browsers drop a silent connection; a comment line keeps it.
        const keepAlive = setInterval(
          () => (call.isLoggedIn() ? send(': alive\n\n') : end()),
          keepAliveEvery,
        );
        signal.addEventListener('abort', end);
        write('hello', {});
      });
  }

  /** Ends the streams whose callers are no longer logged in; after a change of users or tokens. */
  checkLogins(): void {
    this.publish({ type: 'login', dataFor: () => undefined });
  }
}
