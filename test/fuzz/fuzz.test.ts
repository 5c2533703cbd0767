/**
 * Calls of every method with made-up parameters against a running node: no crash, no hang, no error but those that the
 * API documents, no file outside of the data folder, and all documents can be read afterwards. 2,000 calls of a seed that
 * changes every day; `./ryokan test fuzz` makes 20,000. RYOKAN_FUZZ_SEED repeats a run, RYOKAN_FUZZ_CALLS sets its length.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { allMethods, type Method } from '../../packages/api/src/method.ts';
import '../../packages/api/src/methods/index.ts';
import { run } from '../../packages/server/src/host/exec.ts';
import type { ApiSession } from '../lib/api-session.ts';
import type { Answer } from '../lib/http-client.ts';
import { projectRoot, startNode, type TestNode } from '../lib/node.ts';
import { waitFor } from '../lib/wait.ts';
import { type FuzzCall, fuzzCall, fuzzedMethods, isLogin } from './calls.ts';
import { Random } from './random.ts';
import type { Surroundings } from './values.ts';

const seed = Number(process.env.RYOKAN_FUZZ_SEED ?? Math.floor(Date.now() / 86_400_000));
const count = Number(process.env.RYOKAN_FUZZ_CALLS ?? 2000);
/** Longest time of an answer (ms). */
const patience = 5000;
/** And one that waits for a task to be done with a guest, as in the public API, and then says which one it is (ms). */
const lockPatience = 12_000;
/** One login in so many calls: their answers are slow on purpose. */
const loginEvery = 400;

let node: TestNode;
let admin: ApiSession;
let around: Surroundings;

beforeAll(async () => {
  node = await startNode({ natBridge: true });
  admin = await node.admin();
  const folder = join(node.dataDir, 'fuzz');
  await mkdir(folder);
  around = { node: node.name, folder, mark: `ryfz${seed.toString(36)}` };
  await admin.call('POST', '/access/users', { userid: 'victim@pve', password: 'victim-1234' });
  await admin.call('POST', '/access/groups', { groupid: 'g1' });
  await admin.call('POST', '/access/roles', { roleid: 'r1', privs: 'VM.Audit' });
  for (const vmid of [100, 101, 102])
    await admin.run('POST', `${node.path}/qemu`, { vmid, memory: 16, scsi0: 'local:1' });
});
afterAll(() => node?.stop());

const send = (call: FuzzCall): Promise<Answer> =>
  admin.client.send(`/api2/json${call.target}`, {
    method: call.method.verb,
    headers: { ...admin.headers, ...(call.contentType ? { 'Content-Type': call.contentType } : {}) },
    ...(call.body === undefined ? {} : { body: call.body }),
    timeout: 60_000,
  });

/** The answer, or why there is none; milliseconds. */
async function timed(call: FuzzCall): Promise<{ answer: Answer | string; time: number }> {
  const begin = performance.now();
  // A connection that the server had just closed says nothing; a second one must bring an answer.
  const answer = await send(call).catch(() =>
    send(call).catch((error: unknown) => `no answer: ${String(error)}`),
  );
  return { answer, time: performance.now() - begin };
}

const limitOf = (answer: Answer | string): number =>
  typeof answer !== 'string' && answer.body.includes('"code":"locked"') ? lockPatience : patience;

/** What is wrong with an answer; undefined when it is one that the API documents. */
function complaint(answer: Answer, method: Method): string | undefined {
  if (answer.status === 401) return isLogin(method) ? undefined : 'the session is over';
  if (answer.status < 400) return undefined;
  const text = answer.body.toString();
  // Limits of the transport are answered before any method is looked for.
  if (answer.status === 501 && text.includes('for data too large')) return undefined;
  if ([414, 431].includes(answer.status)) return undefined;
  return text.includes('"code":"') ? undefined : `status ${answer.status}: ${text.slice(0, 300)}`;
}

const shown = (call: FuzzCall): string =>
  `${call.method.id}: ${call.method.verb} ${call.target} ${call.body ?? ''}`.slice(0, 1500);

test(`${count} calls of seed ${seed}`, async () => {
  const random = new Random(seed);
  const methods = fuzzedMethods(allMethods());
  const ordinary = methods.filter((method) => !isLogin(method));
  const logins = methods.filter(isLogin);
  const daemon = await node.daemonPid();
  const wrong: string[] = [];
  const late: Promise<void>[] = [];
  const check = async (call: FuzzCall) => {
    let { answer, time } = await timed(call);
    // A busy machine can hold up one answer, but not the same one twice.
    if (time > limitOf(answer)) ({ answer, time } = await timed(call));
    if (time > limitOf(answer)) wrong.push(`${Math.round(time)} ms: ${shown(call)}`);
    const problem = typeof answer === 'string' ? answer : complaint(answer, call.method);
    if (problem) wrong.push(`${problem} for ${shown(call)}`);
  };
  for (let i = 0; i < count; i++) {
    const isTurnOfLogin = i % loginEvery === loginEvery - 1 && logins.length > 0;
    const method = isTurnOfLogin
      ? random.pick(logins)
      : (ordinary[i % ordinary.length] as (typeof ordinary)[0]);
    const call = fuzzCall(random, method, around);
    if (isTurnOfLogin) late.push(check(call));
    else await check(call);
    if (wrong.length > 40) break;
  }
  await Promise.all(late);
  if (process.env.RYOKAN_FUZZ_REPORT) await writeFile(process.env.RYOKAN_FUZZ_REPORT, wrong.join('\n\n'));
  expect(wrong).toEqual([]);
  expect(await node.daemonPid()).toBe(daemon);
}, 1_500_000);

test('the log knows of no fault of the server', async () => {
  const faults = (await node.daemonLog())
    .split('\n')
    .filter((line) => line.includes('call failed') || line.includes('an error that nobody handled'));
  expect(faults.map((line) => line.slice(0, 1500))).toEqual([]);
});

test('no file outside of the data folder', async () => {
  // Where a hostile name could lead: the places that it names, and what is relative to where the daemon runs.
  const places = [
    '/',
    '/etc',
    '/root',
    '/run',
    '/tmp',
    '/usr',
    '/var',
    '/var/lib',
    projectRoot,
    join(projectRoot, 'dist'),
  ];
  const { stdout } = await run(
    'find',
    [
      ...places,
      '-maxdepth',
      '2',
      '-path',
      node.dataDir,
      '-prune',
      '-o',
      '-name',
      `*${around.mark}*`,
      '-print',
    ],
    { timeout: 120_000, okCodes: [0, 1] },
  );
  expect(stdout.trim()).toBe('');
});

test('after a restart every document can be read', async () => {
  await waitFor(
    async () =>
      (await admin.get<unknown[]>(`${node.path}/tasks`, { source: 'active' })).length === 0 || undefined,
    { timeout: 240, every: 1000, what: 'the end of all tasks' },
  );
  await node.down();
  await node.up();
  const session = await node.admin();
  const questions = allMethods().filter(
    (method) => method.verb === 'GET' && method.transport === undefined && !/\{(?!node\})/.test(method.path),
  );
  const wrong: string[] = [];
  const ask = async (path: string) => {
    const answer = await session.answer('GET', path);
    if (answer.status >= 500 && !answer.body.toString().includes('"code":"'))
      wrong.push(`${path}: ${answer.reason}`);
  };
  for (const method of questions.filter((one) =>
    (one.params.required ?? []).every((name) => name === 'node'),
  ))
    await ask(method.path.replace('{node}', node.name));
  const guests = await session.get<{ vmid: number; type: string; error?: string }[]>('/cluster/resources', {
    type: 'vm',
  });
  for (const { vmid, type, error } of guests) {
    if (error) wrong.push(`guest ${vmid}: ${error}`);
    const answer = await session.answer('GET', `${node.path}/${type}/${vmid}/config`);
    if (answer.status !== 200) wrong.push(`guest ${vmid}: ${answer.reason}`);
  }
  expect(wrong).toEqual([]);
});
