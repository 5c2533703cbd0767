import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { newConfigFile } from './config-file.ts';
import { failed, problemsOf, waits } from './live-outcome.ts';
import { noteWaiting, waitingReasons } from './waiting-reasons.ts';

let folder: string;
let path: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ryokan-waiting-'));
  path = join(folder, '100.waiting');
});
afterEach(() => rm(folder, { recursive: true }));

const waitingFor = (properties: Record<string, string>, removed: readonly string[] = []) => ({
  ...newConfigFile({ net0: 'a' }),
  pending: { properties, delete: Object.fromEntries(removed.map((key) => [key, { force: false }])) },
});

it('tells why what waits now waits, until it is tried again or goes', async () => {
  const file = waitingFor({ net0: 'b', memory: '64' }, ['mp0']);
  const outcomes = {
    net0: failed(new Error('no bridge')),
    mp0: failed(new Error('busy')),
    memory: waits(''),
  };
  await noteWaiting(path, file, ['net0', 'mp0', 'memory'], outcomes);
  expect(problemsOf(outcomes)).toEqual({ net0: 'no bridge', mp0: 'busy' });
  expect(waitingReasons(path, file)).toEqual({ net0: 'no bridge', mp0: 'busy' });
  // Another value than the one that was tried, and a key that does not wait any more.
  expect(waitingReasons(path, waitingFor({ net0: 'c' }))).toEqual({});
  await noteWaiting(path, waitingFor({ net0: 'b' }), ['mp0'], {});
  expect(waitingReasons(path, file)).toEqual({ net0: 'no bridge' });
  await noteWaiting(path, waitingFor({}), ['net0'], {});
  expect(existsSync(path)).toBe(false);
});

it('knows no reasons of a file that is none', async () => {
  await writeFile(path, '{"net0":');
  expect(waitingReasons(path, waitingFor({ net0: 'b' }))).toEqual({});
});
