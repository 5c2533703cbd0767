/** Helper processes of the bench: this same program, started again in another role and spoken to over IPC. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';

export const childFlag = '--child';

/** A role answers every message it gets with one message. */
export type Role = (message: unknown) => Promise<unknown>;

/** Runs in the helper process until its parent closes the channel. */
export function serveRole(role: Role): void {
  process.on('message', (message) => {
    role(message).then(
      (answer) => process.send?.({ answer }),
      (error: unknown) => process.send?.({ error: String(error) }),
    );
  });
  process.on('disconnect', () => process.exit(0));
}

export class Helper {
  readonly #child: ChildProcess;

  constructor(role: string) {
    this.#child = fork(process.argv[1] ?? '', [childFlag, role], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      // Lists of thousands of latencies.
      serialization: 'advanced',
    });
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** One question at a time. */
  async ask<T>(message: object): Promise<T> {
    const ended = new AbortController();
    const onExit = () => ended.abort(new Error('a helper process of the bench ended'));
    this.#child.once('exit', onExit);
    try {
      this.#child.send(message);
      const [said] = (await once(this.#child, 'message', { signal: ended.signal })) as [
        { answer?: T; error?: string },
      ];
      if (said.error !== undefined) throw new Error(said.error);
      return said.answer as T;
    } finally {
      this.#child.off('exit', onExit);
    }
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exit = once(this.#child, 'exit');
    this.#child.disconnect();
    await exit;
  }
}
