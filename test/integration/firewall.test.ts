/** The firewall of a running guest, set through the API and seen on its packets. */
import { copyFile, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { openSqliteStore } from '@ryokan/server/cluster/sqlite-store.ts';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ApiSession, logIn } from '../lib/api-session.ts';
import { testCacheDir } from '../lib/asset-cache.ts';
import { accessibilityFindings, openBrowser, openPage } from '../lib/browser.ts';
import { openTerminal, type Terminal } from '../lib/console-client.ts';
import { startNode, type TestNode } from '../lib/node.ts';
import { buildTinyGuest } from '../lib/tiny-guest.ts';
import { waitFor } from '../lib/wait.ts';
import { logInByForm } from '../lib/web-ui.ts';

const vmid = 400;
let node: TestNode;
let admin: ApiSession;
let guest: Terminal;
let address = '';

const qemu = (path = '', id: number = vmid) => `${node.path}/qemu/${id}${path}`;
const firewall = (path: string) => qemu(`/firewall${path}`);
const ruleset = () => node.namespace.run('nft', 'list', 'ruleset');
/** Statements of one chain as the kernel has them, from its name to the next chain. */
const chain = async (name: string) =>
  (await ruleset()).split(/chain (?=[\w-]+ \{)/).find((text) => text.startsWith(`${name} {`)) ?? '';

interface Status {
  readonly guest: number;
  readonly cards: string[];
  readonly problems: string[];
}
const status = () => admin.get<Status>(firewall('/status'));

beforeAll(async () => {
  node = await startNode({ natBridge: true });
  admin = await node.admin();
  const tiny = await buildTinyGuest(testCacheDir());
  const folder = join(node.dataDir, 'storage/template/iso');
  await mkdir(folder, { recursive: true });
  await copyFile(tiny.iso, join(folder, 'tiny.iso'));
  await admin.run('POST', `${node.path}/qemu`, {
    ...{ vmid, memory: 128, serial0: 'socket', boot: 'order=ide2', ide2: 'local:iso/tiny.iso,media=cdrom' },
    net0: 'virtio=BC:24:11:00:04:00,bridge=vmbr0,firewall=1',
  });
}, 300_000);

afterAll(async () => {
  guest?.close();
  await node?.stop();
});

/** Does a ping of the guest from the node come back within a second? */
const pings = () =>
  node.namespace.run('busybox', 'ping', '-c', '1', '-W', '1', address).then(
    () => true,
    () => false,
  );

/** Does the guest's web server take a connection of the node within a second? */
const answers = () =>
  node.namespace.run(process.execPath, '-e', connect, address, '80').then(
    () => true,
    () => false,
  );
const connect =
  "const s=require('net').connect(process.argv[2],process.argv[1],()=>process.exit(0));s.on('error',()=>process.exit(1));setTimeout(()=>process.exit(2),1000)";

/** Changes hold a moment after the answer: the daemon gathers them. */
const becomes = (wanted: boolean, what: string, check: () => Promise<boolean>) =>
  waitFor(async () => ((await check()) === wanted ? true : undefined), { timeout: 60, what });

/** Rules as short texts, in order. */
async function rules(): Promise<string[]> {
  const rows = await admin.get<{ pos: number; action: string; macro?: string; enable: number }[]>(
    firewall('/rules'),
  );
  expect(rows.map(({ pos }) => pos)).toEqual(rows.map((_, i) => i));
  return rows.map(({ action, macro, enable }) => `${macro ?? ''} ${action} ${enable}`.trim());
}

/** Writes a document as a person with an editor would. */
async function writeByHand(path: string, text: string): Promise<void> {
  const store = openSqliteStore(join(node.dataDir, 'config.db'));
  await store.commit([], [{ path, text }]).finally(() => store.close());
}

/** What a command prints in the guest. The mark is put together there, so that the echo of the typing is none. */
const types = (command: string) => guest.answers(`${command}; echo en""d`, /[\r\n]end\b/, 60);

test('a guest starts with its rules: DHCP passes, nothing else comes in', async () => {
  await admin.call('PUT', '/cluster/firewall/options', { enable: 1 });
  await admin.call('PUT', firewall('/options'), { enable: 1, log_level_in: 'info' });
  await admin.run('POST', qemu('/status/start'));
  guest = await openTerminal(admin, qemu());
  await guest.shows(/\/ # /, 240);
  const shown = await types('httpd -h /; until ip -4 -o addr show eth0 | grep inet; do sleep 1; done');
  address = /inet ([\d.]+)/.exec(shown)?.[1] ?? '';
  expect(await pings()).toBe(false);
  expect(await answers()).toBe(false);
  expect(await status()).toMatchObject({ guest: 1, cards: ['net0'], problems: [] });
});

test('the node is protected by the same switch; answers to what the guest asks come back', async () => {
  expect(await types('ping -c 1 -W 1 10.77.0.1')).toMatch(/100% packet loss/);
  await admin.call('POST', '/cluster/firewall/rules', {
    type: 'in',
    action: 'ACCEPT',
    macro: 'Ping',
    enable: 1,
  });
  await becomes(true, 'the rule in the kernel', async () =>
    (await chain('host-in')).includes('icmp type echo-request accept'),
  );
  expect(await types('ping -c 1 -W 5 10.77.0.1')).toMatch(/1 packets received/);
});

test('what was dropped stands in the log', async () => {
  const lines = await waitFor(
    async () => {
      const found = await admin.get<{ n: number; t: string }[]>(firewall('/log'), { limit: 500 });
      return found.some(({ t }) => t.includes('TCP')) ? found : undefined;
    },
    { timeout: 30, what: 'the packet in the log' },
  );
  const ping = lines.find(({ t }) => t.includes('PROTO=ICMP'))?.t ?? '';
  expect(ping).toMatch(
    /^400 6 tap400i0-in \d\d\/\w{3}\/\d{4}:\d\d:\d\d:\d\d \+0000 policy DROP: .*SRC=10\.77\.0\.1 .*PROTO=ICMP TYPE=8/,
  );
  expect(ping).toContain(`DST=${address}`);
  expect(lines.map(({ n }) => n)).toEqual(lines.map((_, i) => i + 1));
  const later = Math.floor(Date.now() / 1000) + 60;
  expect(await admin.get(firewall('/log'), { since: later })).toEqual([]);
});

describe('rules', () => {
  test('a new rule is the first, and off unless said otherwise', async () => {
    await admin.call('POST', firewall('/rules'), { type: 'in', action: 'ACCEPT', macro: 'ping' });
    await admin.call('POST', firewall('/rules'), { type: 'in', action: 'ACCEPT', macro: 'Web', enable: 1 });
    expect(await rules()).toEqual(['Web ACCEPT 1', 'Ping ACCEPT 0']);
    await becomes(true, 'the web server to answer', answers);
    expect(await pings()).toBe(false);
    await admin.call('PUT', firewall('/rules/1'), { enable: 1, comment: 'monitoring' });
    await becomes(true, 'the ping to come back', pings);
  });

  test('they move, and the one above decides', async () => {
    await admin.call('POST', firewall('/rules'), { type: 'in', action: 'DROP', proto: 'icmp', enable: 1 });
    await becomes(false, 'the ping to be dropped', pings);
    await admin.call('PUT', firewall('/rules/0'), { moveto: 3 });
    expect(await rules()).toEqual(['Web ACCEPT 1', 'Ping ACCEPT 1', 'DROP 1']);
    await becomes(true, 'the ping to come back', pings);
    await admin.call('PUT', firewall('/rules/2'), { moveto: 0 });
    await admin.call('DELETE', firewall('/rules/0'));
    expect(await rules()).toEqual(['Web ACCEPT 1', 'Ping ACCEPT 1']);
  });

  test('two clients at once: the later one is told', async () => {
    const [{ digest = '' } = {}] = await admin.get<{ digest?: string }[]>(firewall('/rules'));
    await admin.call('PUT', firewall('/rules/0'), { comment: 'mine', digest });
    const late = await admin.answer('PUT', firewall('/rules/0'), { comment: 'late', digest });
    expect(late.reason).toMatch(/detected modified configuration/);
    expect(await admin.get(firewall('/rules/0'))).toMatchObject({ pos: '0', comment: 'mine' });
    expect((await admin.answer('GET', firewall('/rules/7'))).reason).toBe('no rule at position 7');
  });

  test.each([
    [{ type: 'in', action: 'ACCEPT', source: 'nobody' }, 'source', "there is no alias 'nobody'"],
    [{ type: 'in', action: 'ACCEPT', dport: '22' }, 'proto', 'ports need'],
    [{ type: 'group', action: 'nothing' }, 'action', "there is no security group 'nothing'"],
    [{ type: 'forward', action: 'DROP' }, 'type', 'not possible here'],
    [{ type: 'in', action: 'ACCEPT', iface: 'eth0' }, 'iface', 'no network card of a guest'],
  ])('%j is refused', async (rule, field, reason) => {
    const refused = admin.call('POST', firewall('/rules'), rule);
    await expect(refused).rejects.toMatchObject({
      status: 400,
      errors: { [field]: expect.stringContaining(reason) },
    });
  });
});

test('groups, aliases and IP sets of datacenter and guest', async () => {
  const cluster = '/cluster/firewall';
  await admin.call('POST', `${cluster}/aliases`, { name: 'router', cidr: '10.77.0.1', comment: 'the node' });
  await admin.call('POST', `${cluster}/groups`, { group: 'watch' });
  await admin.call('POST', `${cluster}/groups/watch`, {
    type: 'in',
    action: 'DROP',
    source: 'router',
    enable: 1,
  });
  await admin.call('POST', firewall('/rules'), { type: 'group', action: 'watch', iface: 'net0', enable: 1 });
  await becomes(false, 'the group to drop', pings);
  await admin.call('POST', firewall('/ipset'), { name: 'friends' });
  await admin.call('POST', firewall('/ipset/friends'), { cidr: '10.77.0.0/24' });
  await admin.call('POST', firewall('/ipset/friends'), { cidr: 'dc/router', nomatch: 1 });
  await admin.call('PUT', `${cluster}/groups/watch/0`, { action: 'ACCEPT', source: '10.77.0.0/30' });
  await becomes(true, 'the group to accept', pings);
  await admin.call('PUT', firewall('/rules/0'), {
    type: 'in',
    action: 'DROP',
    source: '+guest/friends',
    delete: 'iface',
  });
  expect(await admin.get(firewall('/ipset/friends'))).toMatchObject([
    { cidr: '10.77.0.0/24' },
    { cidr: 'dc/router', nomatch: 1 },
  ]);
  expect(await pings(), 'the router is taken out of the set').toBe(true);
  await admin.call('DELETE', firewall(`/ipset/friends/${encodeURIComponent('dc/router')}`));
  await becomes(false, 'the set to drop', pings);
  const refs = await admin.get<{ ref: string; scope: string }[]>(firewall('/refs'));
  expect(refs.map(({ ref, scope }) => `${scope} ${ref}`)).toEqual(['dc router', 'guest +friends']);
  expect((await admin.answer('DELETE', firewall('/ipset/friends'))).reason).toMatch(/is not empty/);
  await admin.call('DELETE', firewall('/rules/0'));
  await admin.call('DELETE', firewall('/ipset/friends'), { force: 1 });
  await admin.call('POST', `${cluster}/groups`, { group: 'guard', rename: 'watch' });
  expect(await admin.get(`${cluster}/groups`)).toMatchObject([{ group: 'guard' }]);
  await becomes(true, 'the ping to come back', pings);
});

test('in the Web UI: a rule is added, switched off and removed', async () => {
  const browser = await openBrowser();
  try {
    const { page } = await openPage(browser);
    await logInByForm(page, node);
    await page.goto(`${node.url}/qemu/${vmid}/firewall`);
    await page.getByRole('button', { name: 'Add a rule' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Action').selectOption('DROP');
    await dialog.getByLabel('Service').selectOption('Ping');
    await dialog.getByLabel('Note').fill('from the page');
    await dialog.getByRole('button', { name: 'Save' }).click();
    await dialog.waitFor({ state: 'detached' });
    await becomes(false, 'the ping to be dropped', pings);
    expect((await rules())[0]).toBe('Ping DROP 1');
    await page.getByText('from the page').waitFor();
    expect(await accessibilityFindings(page)).toEqual([]);
    await page.getByRole('checkbox', { name: 'Rule 0 is on' }).click();
    await becomes(true, 'the ping to come back', pings);
    await page.getByRole('button', { name: 'More for rule 0' }).click();
    await page.getByRole('menuitem', { name: 'Remove' }).click();
    await dialog.getByRole('button', { name: 'Remove' }).click();
    await page.getByText('from the page').waitFor({ state: 'detached' });
    expect(await rules()).toEqual(['Web ACCEPT 1', 'Ping ACCEPT 1']);
  } finally {
    await browser.close();
  }
});

test('what the guest sends is filtered too', async () => {
  await admin.call('PUT', firewall('/options'), { policy_out: 'DROP' });
  await becomes(true, 'the policy in the kernel', async () =>
    /\sdrop\s+\}\s*$/.test(await chain('tap400i0-out')),
  );
  expect(await types('ping -c 1 -W 1 10.77.0.1')).toMatch(/100% packet loss/);
  await admin.call('PUT', firewall('/options'), { delete: 'policy_out' });
});

test('a document edited into nonsense keeps the last rules, and is shown with its error until it is corrected', async () => {
  await writeByHand(
    'firewall/400.fw',
    '[OPTIONS]\nenable: 1\n\n[RULES]\nIN Ping(ACCEPT)\nIN ACCEPT -p tcp -dport web-ish\nwho knows\n',
  );
  const broken = await waitFor(
    async () => {
      const now = await status();
      return now.problems.length > 0 ? now : undefined;
    },
    { timeout: 30, what: 'the problem to be seen' },
  );
  expect(broken.problems.join('\n')).toMatch(/firewall\/400\.fw line 6: .*web-ish/);
  expect(await answers()).toBe(true);
  await waitFor(
    async () => {
      const warnings = await admin.get<{ text: string }[]>(`${node.path}/warnings`);
      return warnings.some(({ text }) => /400\.fw line 6.*still hold/s.test(text)) ? true : undefined;
    },
    { timeout: 30, what: 'the warning of the node' },
  );
  const rows = await admin.get<{ errors?: Record<string, string> }[]>(firewall('/rules'));
  expect(rows.map((row) => Object.keys(row.errors ?? {}))).toEqual([[], ['dport'], ['action']]);
  await admin.call('DELETE', firewall('/rules/2'));
  await admin.call('PUT', firewall('/rules/1'), { dport: '81' });
  await becomes(false, 'the corrected rules to hold', answers);
  expect((await status()).problems).toEqual([]);
});

test('cards change while the guest runs', async () => {
  await admin.call('PUT', firewall('/rules/0'), { enable: 0 });
  await becomes(false, 'the ping to be dropped', pings);
  const net0 = 'virtio=BC:24:11:00:04:00,bridge=vmbr0';
  await admin.call('PUT', qemu('/config'), { net0 });
  await becomes(true, 'the card to be left alone', pings);
  expect((await status()).cards).toEqual([]);
  await admin.call('PUT', qemu('/config'), {
    net0: `${net0},firewall=1`,
    net1: `virtio,bridge=vmbr0,firewall=1`,
  });
  await becomes(false, 'the card to be protected again', pings);
  expect((await status()).cards).toEqual(['net0', 'net1']);
  expect(await ruleset()).toContain('tap400i1-in');
  await admin.call('PUT', qemu('/config'), { delete: 'net1' });
  expect(await ruleset()).not.toContain('tap400i1-in');
});

test('packets are filtered while no daemon runs, and after the next one has started', async () => {
  process.kill(await node.daemonPid(), 'SIGKILL');
  expect(await pings()).toBe(false);
  await node.up();
  expect(await pings()).toBe(false);
  expect((await status()).cards).toEqual(['net0']);
});

test('a clone is as protected; a guest that ends or goes leaves nothing', async () => {
  guest.close();
  await admin.run('POST', qemu('/status/stop'));
  expect(await ruleset()).not.toContain('tap400i0');
  await admin.run('POST', qemu('/clone'), { newid: 401, full: 1 });
  const clone = await admin.get(qemu('/firewall/rules', 401));
  expect(clone).toEqual(await admin.get(firewall('/rules')));
  await admin.run('DELETE', qemu('', 401));
  await admin.run('POST', `${node.path}/qemu`, { vmid: 401, memory: 32 });
  expect(await admin.get(qemu('/firewall/rules', 401))).toEqual([]);
});

test('a guest without any rules that could be read does not start unprotected', async () => {
  await writeByHand('firewall/400.fw', '[OPTIONS]\nenable: 1\n[RULES]\nIN ACCEPT -source nobody\n');
  const start = admin.run('POST', qemu('/status/start'));
  await expect(start).rejects.toThrow("firewall/400.fw rule 0: there is no alias 'nobody'");
});

test('rights: look with VM.Audit, change with VM.Config.Network, read the log with VM.Console', async () => {
  const session = async (userid: string, roles: string) => {
    const password = 'a-long-password';
    await admin.call('POST', '/access/users', { userid, password });
    await admin.call('PUT', '/access/acl', { path: `/vms/${vmid}`, roles, users: userid });
    return logIn(node.url, userid, password);
  };
  const code = async (call: ReturnType<ApiSession['answer']>) => (await call).status;
  const auditor = await session('auditor@pve', 'PVEAuditor');
  const user = await session('user@pve', 'PVEVMUser');
  const operator = await session('operator@pve', 'PVEVMAdmin');
  const rule = { type: 'in', action: 'ACCEPT' };
  expect(await code(auditor.answer('GET', firewall('/rules')))).toBe(200);
  expect(await code(auditor.answer('GET', firewall('/log')))).toBe(403);
  expect(await code(user.answer('GET', firewall('/log')))).toBe(200);
  for (const [verb, path, params] of [
    ['POST', '/rules', rule],
    ['PUT', '/options', { enable: 0 }],
    ['POST', '/aliases', { name: 'ab', cidr: '192.0.2.1' }],
    ['POST', '/ipset', { name: 'ab' }],
  ] as const) {
    expect(await code(user.answer(verb, firewall(path), params)), path).toBe(403);
    expect(await code(operator.answer(verb, firewall(path), params)), path).toBe(200);
  }
  expect(await code(operator.answer('POST', '/cluster/firewall/rules', rule))).toBe(403);
  expect(await code(operator.answer('PUT', '/cluster/firewall/options', { enable: 0 }))).toBe(403);
  for (const one of [auditor, user, operator]) one.close();
});
