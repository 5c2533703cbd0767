/** Live changes for the Web UI and the CLI: what the daemon publishes, and one stream per listener. */
import type { Call } from './handler-table.ts';
import type { StreamSource } from './reply.ts';

export interface LiveEvent {
  /** resource, task, config, log, warning. */
  readonly type: string;
  readonly data: unknown;
  /** False: this caller must not see it. */
  readonly visibleTo: (call: Call) => boolean;
  /** Only for streams that follow this task. */
  readonly upid?: string;
}

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

  /** text/event-stream for one caller; with `upid` also that task's log lines. */
  stream(call: Call, upid: string | undefined): StreamSource {
    return (send, signal) =>
      new Promise<void>((resolve) => {
        const write = (type: string, data: unknown) =>
          send(`event: ${type}\ndata: ${JSON.stringify(data)}\n\n`);
        write('hello', {});
        const unsubscribe = this.subscribe((event) => {
          if (event.upid !== undefined && event.upid !== upid) return;
          if (event.visibleTo(call)) write(event.type, event.data);
        });
        // Proxies and browsers drop a silent connection; a comment line keeps it.
        const keepAlive = setInterval(() => send(': alive\n\n'), 25_000);
        signal.addEventListener('abort', () => {
          clearInterval(keepAlive);
          unsubscribe();
          resolve();
        });
      });
  }
}
