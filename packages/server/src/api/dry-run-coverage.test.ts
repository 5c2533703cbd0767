/** Every changing method answers a dry run with more than its rights and parameters, or stands here with the reason. */
import { expect, test } from 'vitest';
import { sharedHandlers } from '../composition.ts';
import type { DaemonServices } from '../daemon-services.ts';
import { type Entry, HandlerTable } from './handler-table.ts';
import { daemonHandlers } from './handlers/index.ts';

/** Stands for any object: registration only makes closures, nothing of it is ever used. */
const anything: unknown = new Proxy(() => {}, {
  get: (_target, key) => (key === Symbol.toPrimitive ? () => '' : anything),
  apply: () => anything,
  construct: () => anything as object,
});

const login = 'a login is what it gives: there is nothing to try out but the login itself';

const exceptions: Readonly<Record<string, string>> = {
  'access.login': login,
  'access.openidAuthUrl': login,
  'access.openidLogin': login,
  'access.sessionRenew': login,
  'access.checkConsoleTicket': 'changes nothing: it asks whether a ticket is good',
};

const isTried = (entry: Entry): boolean =>
  entry.kind === 'task'
    ? entry.handler.check !== undefined || entry.handler.plan !== undefined
    : entry.method.dryRun === 'documents' || entry.plan !== undefined;

test('every changing method can be tried out, except for those with a reason', () => {
  const table = new HandlerTable();
  sharedHandlers(table, anything as DaemonServices);
  daemonHandlers(table, anything as DaemonServices);
  const changing = table
    .all()
    .filter(({ method }) => method.verb !== 'GET' && !('dry-run' in method.params.properties));
  expect(changing.length).toBeGreaterThan(150);
  const untried = changing.filter((entry) => !isTried(entry)).map(({ method }) => method.id);
  expect(untried.sort()).toEqual(Object.keys(exceptions).sort());
});
