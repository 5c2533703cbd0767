/** Runs a short change inside the daemon with the same undo rules as a task. */
import type { ChangeContext } from '../guests/guest-services.ts';
import type { Services } from '../services.ts';
import type { Call } from './handler-table.ts';

export interface InlineServices extends Services {
  readonly runUndo: (name: string, args: Readonly<Record<string, string | number>>) => Promise<void>;
}

export async function withUndo(
  services: InlineServices,
  call: Call,
  work: (context: ChangeContext) => Promise<void>,
): Promise<void> {
  const undos: { name: string; args: Readonly<Record<string, string | number>> }[] = [];
  const log = (line: string) => services.log.info({ user: call.user }, line);
  // A change that has begun is finished, also when the client has gone meanwhile.
  const context: ChangeContext = {
    log,
    warn: log,
    undo: (name, args) => void undos.push({ name, args }),
    keep: () => void undos.splice(0),
    signal: new AbortController().signal,
  };
  try {
    await work(context);
  } catch (error) {
    for (const { name, args } of undos.reverse()) {
      await services
        .runUndo(name, args)
        .catch((cause) => services.log.error({ err: cause, name, args }, 'undo failed'));
    }
    throw error;
  }
}
