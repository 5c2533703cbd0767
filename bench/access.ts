/**
 * What access control costs: rights on many objects, a login without its password's hash, and calls with an API token
 * while the node has one core.
 */
import { heldOn } from '@ryokan/server/access/permissions.ts';
import { parseUserConfig } from '@ryokan/server/access/user-config.ts';
import { run } from '@ryokan/server/host/exec.ts';
import type { ApiSession } from '../test/lib/api-session.ts';
import { tokenSession } from '../test/lib/api-session.ts';
import type { TestNode } from '../test/lib/node.ts';
import { Helper } from './lib/children.ts';
import { asDifference, type BenchContext, type Measured, quantile, single, spread } from './lib/figure.ts';
import { firstVmid, nodeWithGuests } from './lib/guests.ts';
import { nodeProcesses } from './lib/processes.ts';
import type { LoadRequest, LoadResult } from './load.ts';

const resources = 10_000;
const entries = 200;
/** Most milliseconds for one check of all resources. */
const wantedCheck = 20;
const checkRounds = 15;
/** Most milliseconds for a login. */
const wantedLogin = 10;
const logins = 200;
/** Requests a second with a token, and most milliseconds of 99 in 100 of them. */
const wantedRate = 500;
const wantedLatency = 50;
const connections = 8;
/** Milliseconds before the first measurement: V8 compiles what is hot only after some thousand calls. */
const warmUpTime = 3000;
const loadTime = 8000;

export async function access(context: BenchContext): Promise<Measured[]> {
  context.note(`rights on ${resources} objects`);
  const checks = checkFigures();
  const node = await nodeWithGuests(resources);
  const load = new Helper('load');
  try {
    const admin = await node.admin();
    context.note('logins');
    const login = await loginFigure(node, admin);
    context.note('calls with a token');
    return [...checks, login, ...(await tokenFigures(node, admin, load))];
  } finally {
    await load.stop();
    await node.stop();
  }
}

/** A user with rules of all kinds: on single guests, for groups, on pools, some that take away. */
function userConfigText(): string {
  const lines = ['user:ann@pve:1:0:::::', 'group:ops:ann@pve:', 'group:dev:ann@pve:'];
  const pools = 20;
  const perPool = resources / 2 / pools;
  for (let pool = 0; pool < pools; pool++) {
    const vmids = Array.from({ length: perPool }, (_, i) => firstVmid + pool * perPool + i);
    lines.push(`pool:pool${pool}::${vmids.join(',')}::`, `acl:1:/pool/pool${pool}:ann@pve:PVEVMUser:`);
  }
  lines.push('acl:1:/:@ops:PVEAuditor:', 'acl:1:/vms:@dev:PVEVMUser:');
  for (let i = 0; i < entries - pools - 2; i++) {
    const role = ['PVEVMAdmin', 'NoAccess', 'PVETemplateUser'][i % 3];
    lines.push(`acl:1:/vms/${firstVmid + i * 37}:${i % 2 === 0 ? '@ops' : 'ann@pve'}:${role}:`);
  }
  return `${lines.join('\n')}\n`;
}

/** First after a change of user.cfg, when nothing is remembered, then again. */
function checkFigures(): Measured[] {
  const text = userConfigText();
  const first: number[] = [];
  const again: number[] = [];
  for (let round = 0; round < checkRounds + 3; round++) {
    const config = parseUserConfig(text);
    const check = () => {
      const begun = performance.now();
      let seen = 0;
      for (let i = 0; i < resources; i++) {
        if (heldOn(config, 'ann@pve', `/vms/${firstVmid + i}`).set.has('VM.Audit')) seen++;
      }
      const took = performance.now() - begun;
      if (seen < resources / 2 || seen === resources) throw new Error(`${seen} of ${resources} seen`);
      return took;
    };
    const times = [check(), check()] as const;
    // The first rounds are V8's.
    if (round < 3) continue;
    first.push(times[0]);
    again.push(times[1]);
  }
  const name = `rights on ${resources.toLocaleString('en')} guests, user with ${entries} rules`;
  const { median } = spread(first);
  const target = { text: `at most ${wantedCheck} ms`, met: median <= wantedCheck };
  return [
    { name: `${name}, just after a change`, unit: 'ms', ours: spread(first), target },
    { name: '  again', unit: 'ms', ours: spread(again) },
  ];
}

/** A ticket in place of the password: all of a login but the hash. Beside it, a call that does nothing. */
async function loginFigure(node: TestNode, admin: ApiSession): Promise<Measured> {
  const username = 'admin@pve';
  const { ticket } = await admin.call<{ ticket: string }>('POST', '/access/ticket', {
    username,
    password: await node.adminPassword(),
  });
  const timed = async (call: () => Promise<unknown>) => {
    const begun = performance.now();
    await call();
    return performance.now() - begun;
  };
  const login: number[] = [];
  const nothing: number[] = [];
  for (let i = 0; i < logins; i++) {
    login.push(await timed(() => admin.call('POST', '/access/ticket', { username, password: ticket })));
    nothing.push(await timed(() => admin.get('/access/ticket')));
  }
  const [ours, raw] = [spread(login), spread(nothing)];
  return {
    name: 'login, without the hash of the password',
    unit: 'ms',
    ours,
    raw,
    comparison: asDifference(ours.median - raw.median, 'ms'),
    target: { text: `at most ${wantedLogin} ms`, met: ours.median <= wantedLogin },
  };
}

/** A token of a user with a few rules asks for one guest; daemon and gateway share one core. */
async function tokenFigures(node: TestNode, admin: ApiSession, load: Helper): Promise<Measured[]> {
  await admin.call('POST', '/access/users', { userid: 'robot@pve' });
  await admin.call('PUT', '/access/acl', { path: '/vms', roles: 'PVEAuditor', users: 'robot@pve' });
  const { value } = await admin.call<{ value: string }>('POST', '/access/users/robot@pve/token/bench', {
    privsep: 0,
  });
  const robot = tokenSession(node.url, `robot@pve!bench=${value}`);
  const { headers } = robot;
  robot.close();
  for (const pid of nodeProcesses(await node.daemonPid())) await run('taskset', ['-acp', '0', String(pid)]);
  const path = `/api2/json${node.path}/qemu/${firstVmid}/config`;
  const common = { port: node.port, path, headers, connections };
  const ask = (request: Partial<LoadRequest>) =>
    load.ask<LoadResult>({ ...common, duration: loadTime, ...request } satisfies LoadRequest);
  await ask({ duration: warmUpTime });
  const steady = await ask({ rate: wantedRate });
  const most = await ask({});
  const rate = (steady.latencies.length / steady.elapsed) * 1000;
  const p99 = quantile(
    [...steady.latencies].sort((a, b) => a - b),
    0.99,
  );
  const met = rate >= wantedRate * 0.99 && p99 <= wantedLatency;
  return [
    {
      name: `p99 of ${wantedRate}/s with an API token, node on one core`,
      unit: 'ms',
      ours: single(p99),
      target: { text: `at most ${wantedLatency} ms`, met },
    },
    { name: '  rate reached', unit: '1/s', ours: single(rate) },
    { name: '  most it can', unit: '1/s', ours: single((most.latencies.length / most.elapsed) * 1000) },
  ];
}
