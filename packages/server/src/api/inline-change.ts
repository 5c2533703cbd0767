/** Short changes inside the daemon: the same undo rules as a task, and what the running guest did not take. */
import { ParameterError } from '@ryokan/api/errors.ts';
import type { ChangeContext } from '../guests/guest-services.ts';
import { hotplugProblem, type Problems } from '../guests/live-outcome.ts';
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

/** The change is stored, but whoever asked for it has to know that the running guest did not take it. */
export function demandHotplugged(problems: Problems): void {
  const errors = Object.entries(problems).map(([key, problem]) => [key, hotplugProblem(problem)] as const);
  if (errors.length > 0) throw new ParameterError(Object.fromEntries(errors));
}
