/** Every method of the registry, called by someone without any rights: no method may do anything for them. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { allMethods, type Method, type Permission } from '../../packages/api/src/method.ts';
import '../../packages/api/src/methods/index.ts';
import { type ApiSession, logIn } from '../lib/api-session.ts';
import { startNode, type TestNode } from '../lib/node.ts';

let node: TestNode;
let nobody: ApiSession;
let anonymous: ApiSession;

beforeAll(async () => {
  node = await startNode();
  const admin = await node.admin();
  await admin.call('POST', '/access/users', { userid: 'nobody@pve', password: 'nobody-1234' });
  await admin.run('POST', `${node.path}/qemu`, { vmid: 100, name: 'secret', memory: 64 });
  nobody = await logIn(node.url, 'nobody@pve', 'nobody-1234');
  anonymous = nobody;
});
afterAll(async () => {
  nobody?.close();
  anonymous?.close();
  await node?.stop();
});

/** Plausible values, so that a call is not refused for its form. */
const samples: Readonly<Record<string, string>> = {
  vmid: '100',
  storage: 'local',
  userid: 'admin@pve',
  tokenid: 't',
  groupid: 'g',
  roleid: 'Administrator',
  realm: 'pve',
  volume: 'iso/x.iso',
  command: 'info version',
  path: '/',
  upid: 'UPID:n:00000001:00000001:00000001:qmstart:100:root@pam:',
};

/** All parameters that are required or that the rule looks at, from samples or made up by their schema. */
function parametersOf(method: Method): Record<string, string> {
  const values: Record<string, string> = {};
  const ofRule = [...JSON.stringify(method.permission).matchAll(/\{(\w+)\}/g)].map(([, name]) =>
    String(name),
  );
  for (const key of new Set([...(method.params.required ?? []), ...ofRule])) {
    const schema = method.params.properties[key];
    if (method.path.includes(`{${key}}`)) continue;
    values[key] = samples[key] ?? String(schema?.enum?.[0] ?? schema?.minimum ?? 'x1');
  }
  return values;
}

const pathOf = (method: Method) =>
  method.path.replace(/\{(\w+)\}/g, (_all, name: string) =>
    name === 'node' ? node.name : encodeURI(samples[name] ?? 'x1'),
  );

/** Rules that let any login in: the handler then filters or looks closer. */
const open = (rule: Permission): boolean =>
  'user' in rule ? rule.user !== 'root' : 'or' in rule && rule.or.some(open);

const methods = allMethods();

test('every method has a rule', () => {
  expect(methods.length).toBeGreaterThan(80);
  for (const method of methods) expect(method.permission, method.id).toBeTypeOf('object');
});

test('closed methods answer 403 to a login without rights', async () => {
  const wrong: string[] = [];
  for (const method of methods.filter((one) => !open(one.permission) && one.transport === undefined)) {
    // A user may read and change some things about itself: those calls name somebody else here.
    const answer = await nobody.answer(method.verb, pathOf(method), parametersOf(method));
    if (answer.status !== 403) wrong.push(`${method.id}: ${answer.status} ${answer.reason}`);
  }
  expect(wrong).toEqual([]);
});

test('methods for any login show nothing and change nothing without rights', async () => {
  const harmless = new Set([400, 403, 500]);
  const wrong: string[] = [];
  for (const method of methods.filter((one) => open(one.permission) && one.transport === undefined)) {
    const answer = await nobody.answer(method.verb, pathOf(method), parametersOf(method));
    if (method.verb === 'GET') {
      if (answer.body.toString().includes('secret')) wrong.push(`${method.id} shows the guest's name`);
      if (![200, 400, 403, 500].includes(answer.status)) wrong.push(`${method.id}: ${answer.status}`);
    } else if (
      !harmless.has(answer.status) &&
      !method.path.startsWith('/access/ticket') &&
      !method.path.startsWith('/access/openid') &&
      !method.path.startsWith('/access/vncticket')
    ) {
      wrong.push(`${method.id}: ${answer.status} ${answer.reason}`);
    }
  }
  expect(wrong).toEqual([]);
  const admin = await node.admin();
  expect(await admin.get(`${node.path}/qemu/100/status/current`)).toMatchObject({
    name: 'secret',
    status: 'stopped',
  });
});

test('nothing but the login methods answers without a login', async () => {
  const client = nobody.client;
  const answers = await Promise.all(
    methods
      .filter((one) => one.transport === undefined)
      .map(async (method) => {
        const world = 'user' in method.permission && method.permission.user === 'world';
        const answer = await client.send(`/api2/json${pathOf(method)}`, { method: method.verb });
        return { id: method.id, world, status: answer.status };
      }),
  );
  expect(
    answers.filter((one) => one.world === (one.status === 401) && !(one.world && one.id.includes('ticket'))),
  ).toEqual([]);
});
