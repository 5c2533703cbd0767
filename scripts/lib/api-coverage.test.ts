import type { Method } from '@ryokan/api/method.ts';
import { Type } from '@ryokan/api/schema/types.ts';
import { expect, test } from 'vitest';
import { apiCoverage, handledMethods } from './api-coverage.ts';

const method = (id: string, verb: Method['verb'], path: string): Method => ({
  id,
  verb,
  path,
  description: `${id}.`,
  params: Type.Object({}),
  returns: Type.Null(),
  permission: { user: 'all' },
});

const version = method('version', 'GET', '/version');
const start = method('qemu.start', 'POST', '/nodes/{node}/qemu/{vmid}/status/start');
const stop = method('qemu.stop', 'POST', '/nodes/{node}/qemu/{vmid}/status/stop');
const own = method('events', 'GET', '/events');

test('an operation counts when it has a handler, whatever its path parameters are called', () => {
  const operations = [
    'GET /version',
    'POST /nodes/{node}/qemu/{id}/status/start',
    'POST /nodes/{node}/qemu/{vmid}/status/stop',
  ];
  const page = apiCoverage(
    operations,
    [version, start, stop, own],
    new Set(['version', 'qemu.start', 'events']),
  );
  expect(page).toContain('2 of the 3 public operations');
  expect(page).toContain('| nodes/qemu | 1 | 2 |');
  expect(page).toContain('| version | 1 | 1 |');
  expect(page).toContain('| all | 2 | 3 |');
  expect(page).toContain('- `GET /events`: events.');
  expect(page.split('## Not there yet')[1]).toBe(
    '\n\n### nodes/qemu\n\n- `POST /nodes/{node}/qemu/{vmid}/status/stop`\n',
  );
});

test('handlers are found by calling their registration, which may look at its services', () => {
  const modules = [
    {
      versionHandlers: (table: { on: (one: Method) => void }, services: { settings: { node: string } }) => {
        expect(services.settings.node).toBeDefined();
        table.on(version);
      },
      helper: () => {
        throw new Error('not a registration');
      },
    },
    { qemuHandlers: (table: { onTask: (one: Method) => void }) => table.onTask(start), limit: 5 },
  ];
  expect([...handledMethods(modules)]).toEqual(['version', 'qemu.start']);
});
