/** What daemon and workers tell each other over run/worker.sock: one JSON text a line. */

export interface Job {
  readonly upid: string;
  readonly method: string;
  readonly params: Readonly<Record<string, unknown>>;
  readonly user: string;
}

export type ToWorker =
  | { readonly type: 'job'; readonly job: Job }
  /** End the task and take back what it began. */
  | { readonly type: 'stop' };

export type ToDaemon =
  /** First message on a connection; `upid` when the worker is in the middle of a task (the daemon was restarted). */
  | { readonly type: 'hello'; readonly pid: number; readonly pstart: number; readonly upid?: string }
  | { readonly type: 'log'; readonly upid: string; readonly n: number; readonly line: string }
  | {
      readonly type: 'progress';
      readonly upid: string;
      readonly fraction: number;
      readonly note?: string | undefined;
    }
  | { readonly type: 'end'; readonly upid: string; readonly status: string }
  /** The task ended well. The worker takes another one, or ends when the daemon closes the connection. */
  | { readonly type: 'idle' };

/** Calls back for each complete line of a stream of JSON lines. */
export function jsonLines<T>(onMessage: (message: T) => void): (chunk: Buffer) => void {
  let rest: Buffer = Buffer.alloc(0);
  return (chunk) => {
    rest = rest.length > 0 ? Buffer.concat([rest, chunk]) : chunk;
    for (let end = rest.indexOf(10); end >= 0; end = rest.indexOf(10)) {
      const line = rest.subarray(0, end).toString('utf8');
      rest = rest.subarray(end + 1);
      if (line !== '') onMessage(JSON.parse(line) as T);
    }
  };
}
