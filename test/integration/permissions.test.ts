/**
 * The permission matrix: every method of the registry as nobody, as a user without rights, with exactly the rights of its
 * record (each way there is), and with a token that has one privilege less than its user. What follows from the record is
 * generated; what does not stands in permissions-expected.ts. Rights are given without propagation, so that a rule is met
 * on its own path and nowhere else; whoever may act does so by a dry run, whoever may not does it for real.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { allMethods, type Method } from '../../packages/api/src/method.ts';
import '../../packages/api/src/methods/index.ts';
import { type ApiSession, logIn, tokenSession } from '../lib/api-session.ts';
import { type Answer, jsonOf, type Parameters } from '../lib/http-client.ts';
import { startNode, type TestNode } from '../lib/node.ts';
import {
  eachLess,
  type Grant,
  isForWorld,
  isOpen,
  less,
  sampleParameters,
  type Way,
  waysOf,
} from '../lib/permission-ways.ts';
import {
  alsoAsked,
  otherRefusals,
  ownSamples,
  parameterRows,
  withoutRights,
} from './permissions-expected.ts';

let node: TestNode;
let admin: ApiSession;
let nobody: ApiSession;
/** Has what `give` gave last. */
let exact: ApiSession;
/** A token of the same user, with separated privileges. */
let token: ApiSession;
const password = 'a-long-password';
/** Stands in everything that a login without rights must not be shown. */
const secret = 'top-secret';

/** Names of things that exist, so that a call is not refused for its form or for what it is about. */
const samples: Record<string, string> = {
  vmid: '100',
  newid: '110',
  storage: 'local',
  userid: 'member@pve',
  tokenid: 'tok',
  groupid: 'team',
  groups: 'team',
  roleid: 'own',
  realm: 'pve',
  poolid: 'p1',
  pool: 'p1',
  volume: 'iso/x.iso',
  command: 'info version',
  path: '/vms/100',
  snapname: 'current',
  privilege: 'VM.Audit',
  schedule: 'daily',
};
const methods = allMethods().filter(({ transport }) => transport !== 'events');

beforeAll(async () => {
  node = await startNode();
  samples.node = node.name;
  admin = await node.admin();
  const guest = { vmid: 100, name: secret, memory: 64, scsi0: 'local:1' };
  samples.upid = (await admin.run('POST', `${node.path}/qemu`, guest)).upid;
  await admin.call('POST', '/access/roles', { roleid: 'own', privs: 'VM.Audit' });
  await admin.call('POST', '/access/groups', { groupid: 'team', comment: secret });
  await admin.call('POST', '/access/users', { userid: 'member@pve', groups: 'team', comment: secret });
  await admin.call('POST', '/pools', { poolid: 'p1', comment: secret });
  await admin.call('POST', '/cluster/jobs/realm-sync/job1', {
    realm: 'pve',
    schedule: 'daily',
    comment: secret,
  });
  samples.id = 'job1';
  for (const userid of ['nobody@pve', 'exact@pve'])
    await admin.call('POST', '/access/users', { userid, password });
  nobody = await logIn(node.url, 'nobody@pve', password);
  exact = await logIn(node.url, 'exact@pve', password);
  const made = await admin.call<{ value: string }>('POST', '/access/users/exact@pve/token/less', {
    privsep: 1,
  });
  token = tokenSession(node.url, `exact@pve!less=${made.value}`);
});
afterAll(async () => {
  for (const session of [nobody, exact, token]) session?.close();
  await node?.stop();
});

const roles = new Map<string, string>();
async function roleFor(privs: readonly string[]): Promise<string> {
  const key = [...privs].sort().join(',');
  const known = roles.get(key);
  if (known !== undefined) return known;
  const roleid = `T${roles.size}`;
  await admin.call('POST', '/access/roles', { roleid, privs: key });
  roles.set(key, roleid);
  return roleid;
}

type Given = {
  readonly path: string;
  readonly roles: string;
  readonly users?: string;
  readonly tokens?: string;
};
let given: Given[] = [];

/** The user holds `held` and nothing else, its token (of it) `heldByToken`. */
async function give(held: readonly Grant[], heldByToken: readonly Grant[] = []): Promise<void> {
  for (const rule of given) await admin.call('PUT', '/access/acl', { ...rule, delete: 1 });
  given = [];
  const add = async ({ path, privs }: Grant, who: { users: string } | { tokens: string }) => {
    const rule = { path, roles: await roleFor(privs), ...who };
    await admin.call('PUT', '/access/acl', { ...rule, propagate: 0 });
    given.push(rule);
  };
  for (const grant of held) await add(grant, { users: 'exact@pve' });
  for (const grant of heldByToken) await add(grant, { tokens: 'exact@pve!less' });
}

const pathOf = (method: Method, values: Readonly<Record<string, string>>) =>
  method.path.replace(/\{([^}]+)\}/g, (_all, name: string) => encodeURI(values[name] ?? 'x1'));

interface Target {
  readonly method: Method;
  readonly path: string;
  readonly body: Parameters;
}

function targetOf(method: Method, other: Readonly<Record<string, string>> = {}): Target {
  const { values, body } = sampleParameters(method, { ...samples, ...ownSamples[method.id], ...other });
  return { method, path: pathOf(method, values), body };
}

const call = (session: ApiSession, { method, path, body }: Target) => session.answer(method.verb, path, body);

/** Refused for want of rights? A changing call is tried out only. */
async function isRefused(session: ApiSession, { method, path, body }: Target): Promise<string | undefined> {
  if (method.verb === 'GET') return refusal(await session.answer('GET', path, body));
  return refusal(await session.answer(method.verb, path, { ...body, 'dry-run': 1 }));
}

function refusal(answer: Answer): string | undefined {
  if (answer.status === 401 || answer.status === 403) return `${answer.status} ${answer.reason}`;
  if (answer.status !== 200) return undefined;
  if (!/json/.test(answer.headers['content-type'] ?? '')) return undefined;
  const { data } = jsonOf<{ blocked?: { code: string; message: string }[] } | null>(answer);
  return data?.blocked?.find?.(({ code }) => code === 'forbidden' || code === 'unauthenticated')?.message;
}

/** `work` for all of them, some at a time; what it says is wrong. */
async function problems<T>(
  all: readonly T[],
  work: (one: T) => Promise<string | undefined>,
  together = 8,
): Promise<string[]> {
  const found: string[] = [];
  const queue = [...all];
  const worker = async () => {
    for (let one = queue.shift(); one !== undefined; one = queue.shift()) {
      const problem = await work(one);
      if (problem !== undefined) found.push(problem);
    }
  };
  await Promise.all(Array.from({ length: together }, worker));
  return found.sort();
}

test('nobody: 401 from everything but the methods for the world', async () => {
  expect(methods.length).toBeGreaterThan(300);
  const wrong = await problems(
    methods,
    async (method) => {
      const { status } = await nobody.client.send(`/api2/json${targetOf(method).path}`, {
        method: method.verb,
      });
      return isForWorld(method) === (status !== 401) ? undefined : `${method.id}: ${status}`;
    },
    // The answer waits for seconds, so that nobody can try out tickets.
    methods.length,
  );
  expect(wrong).toEqual([]);
});

test('a user without rights: 403, or an answer without what is not theirs to see', async () => {
  const wrong = await problems(
    methods.filter((method) => !isForWorld(method)),
    async (method) => {
      const answer = await call(nobody, targetOf(method));
      const text = `${method.id}: ${answer.status} ${answer.reason}`;
      if (answer.body.toString().includes(secret)) return `${text} shows what is secret`;
      const byRule = isOpen(method.permission) && method.verb === 'GET' ? 200 : 403;
      const expected = withoutRights[method.id];
      if (expected && expected.status === byRule) return `${method.id}: the exception is not needed`;
      return answer.status === (expected?.status ?? byRule) ? undefined : text;
    },
  );
  expect(wrong).toEqual([]);
  expect(await admin.get(`${node.path}/qemu/100/status/current`)).toMatchObject({
    name: secret,
    status: 'stopped',
  });
});

interface Case {
  readonly target: Target;
  readonly way: Way;
}

function casesOf(method: Method): Case[] {
  const fill = (template: string) => {
    const values = sampleParameters(method, samples).values;
    return template.replace(/\{([^}]+)\}/g, (_all, name: string) => values[name] ?? 'x1');
  };
  return waysOf(method.permission, fill, { group: 'team', realm: 'pve' }).map((way) => {
    const more = alsoAsked[method.id]?.grants ?? [];
    const target = targetOf(method, way.self === undefined ? {} : { [way.self]: 'exact@pve' });
    return { target, way: { ...way, grants: [...way.grants, ...more] } };
  });
}

test('no exception without its method', () => {
  const named = [ownSamples, withoutRights, alsoAsked, otherRefusals].flatMap((list) => Object.keys(list));
  expect(named.filter((id) => !methods.some((method) => method.id === id))).toEqual([]);
});

/** What all those dry runs must leave as it is. */
const things = () =>
  Promise.all(
    [
      ...['/pools', '/storage', '/access/domains', '/access/users', '/access/groups', '/access/tfa'],
      ...['/cluster/jobs/realm-sync', `${node.path}/qemu/100/config`, `${node.path}/storage/local/content`],
    ].map((path) => admin.get(path)),
  );

test('exactly the rights of the record: no refusal; a token with one privilege less: 403', async () => {
  const closed = methods.filter(({ permission, transport }) => !isOpen(permission) && transport !== 'upload');
  const groups = new Map<string, Case[]>();
  for (const one of closed.flatMap(casesOf)) {
    const key = JSON.stringify(one.way.grants);
    groups.set(key, [...(groups.get(key) ?? []), one]);
  }
  const before = await things();
  const wrong: string[] = [];
  for (const cases of groups.values()) {
    const { grants } = cases[0]?.way ?? { grants: [] };
    await give(grants, less(grants));
    const found = await problems(cases, async ({ target, way }) => {
      const name = `${target.method.id} with ${JSON.stringify(way)}`;
      const refused = await isRefused(exact, target);
      const other = otherRefusals[target.method.id];
      const isRight = other ? refused === other.text : (refused !== undefined) === (way.root === true);
      if (!isRight) return `${name}: ${refused ?? 'not refused'}`;
      const { status, reason } = await call(token, target);
      return status === 403 ? undefined : `${name}, a token of less: ${status} ${reason}`;
    });
    wrong.push(...found);
  }
  expect(wrong).toEqual([]);
  expect(await things()).toEqual(before);
});

test('rules that look at parameters: all that they ask is enough, and one privilege less is not', async () => {
  const wrong: string[] = [];
  for (const { what, verb, path, params, needs } of parameterRows(node.path)) {
    if (needs === 'root') {
      const { status, reason } = await admin.answer(verb, path, params);
      if (status !== 403) wrong.push(`${what}, as an administrator: ${status} ${reason}`);
      continue;
    }
    await give(needs);
    const refused = refusal(
      await exact.answer(verb, path, { ...params, ...(verb === 'GET' ? {} : { 'dry-run': 1 }) }),
    );
    if (refused !== undefined) wrong.push(`${what}: ${refused}`);
    for (const { lacks, grants } of eachLess(needs)) {
      await give(grants);
      const { status, reason } = await exact.answer(verb, path, params);
      if (status !== 403) wrong.push(`${what}, without ${lacks}: ${status} ${reason}`);
    }
  }
  expect(wrong).toEqual([]);
});
