/** Rules of guests in the kernel: put in place, kept when a document is broken, gone with the last guest. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Lab, openLab } from './network-lab.ts';

let lab: Lab;
const card = { key: 'net0', ifname: 'tap100i0', mac: 'BC:24:11:00:00:01' };
const rules = () => lab.inside('node', 'nft', 'list', 'ruleset');
const write = (path: string, text: string | null) => lab.call('node', 'writeDocument', path, text);

beforeAll(async () => {
  lab = await openLab();
  await lab.addNamespace('node');
  await lab.inside('node', 'nft', 'add', 'table', 'bridge', 'somebody');
});

afterAll(() => lab.close());

test('nothing is loaded while the datacenter’s firewall is off', async () => {
  await write('firewall/100.fw', '[OPTIONS]\nenable: 1\n[RULES]\nIN ACCEPT -p tcp -dport 8080\n');
  await lab.call('node', 'guardGuest', 100, [card]);
  expect(await rules()).not.toContain('tap100i0');
});

test('switched on, a guest’s cards have their rules', async () => {
  await write('firewall/cluster.fw', '[OPTIONS]\nenable: 1\n');
  await lab.call('node', 'applyFirewall');
  expect(await rules()).toMatch(/chain tap100i0-in[\s\S]*tcp dport 8080 accept/);
});

test('a broken document keeps its guest’s rules and is named; others go on', async () => {
  await write('firewall/100.fw', '[OPTIONS]\nenable: 1\n[RULES]\nIN ACCEPT -p tcp -dport 90000\n');
  expect(await lab.call('node', 'applyFirewall')).toMatchObject({
    problems: [{ vmid: 100, kept: true, text: expect.stringContaining('firewall/100.fw line 4') }],
  });
  expect(await rules()).toContain('tcp dport 8080 accept');
  await write('firewall/101.fw', '[OPTIONS]\nenable: 1\n');
  await lab.call('node', 'guardGuest', 101, [{ ...card, ifname: 'tap101i0' }]);
  expect(await rules()).toContain('tap101i0-in');
  await lab.call('node', 'guardGuest', 101, []);
});

test('a guest whose rules never could be read is not let go unprotected', async () => {
  await write('firewall/102.fw', '[OPTIONS]\nenable: 1\n[RULES]\nIN ACCEPT -source nobody\n');
  const start = lab.call('node', 'guardGuest', 102, [{ ...card, ifname: 'tap102i0' }]);
  await expect(start).rejects.toMatchObject({
    code: 'failed',
    message: expect.stringContaining("firewall/102.fw rule 0: there is no alias 'nobody'"),
  });
  expect(await rules()).not.toContain('tap102i0');
});

test('a broken datacenter document means what it meant before', async () => {
  const before = await rules();
  await write('firewall/cluster.fw', '[OPTIONS]\nenable: 1\n[RULES]\nIN NONSENSE\n');
  expect(await lab.call('node', 'applyFirewall')).toMatchObject({
    problems: expect.arrayContaining([expect.objectContaining({ vmid: 0, kept: true })]),
  });
  expect(await rules()).toBe(before);
  await write('firewall/cluster.fw', '[OPTIONS]\nenable: 1\n');
});

test('rules that somebody has flushed come back', async () => {
  await lab.inside('node', 'nft', 'flush', 'ruleset');
  await lab.call('node', 'checkFirewall');
  expect(await rules()).toContain('tap100i0-in');
  await lab.inside('node', 'nft', 'add', 'table', 'bridge', 'somebody');
});

test('corrected it holds; nothing of it is left after the last guest, and others’ tables stay', async () => {
  await write('firewall/100.fw', '[OPTIONS]\nenable: 1\npolicy_in: ACCEPT\n');
  await lab.call('node', 'applyFirewall');
  expect(await rules()).not.toContain('8080');
  expect(await rules()).toContain('tap100i0-in');
  await lab.call('node', 'guardGuest', 100, []);
  // What is left belongs to the node itself, whose switch is still on.
  expect(await rules()).not.toContain('tap100i0');
  await write('firewall/cluster.fw', '[OPTIONS]\nenable: 0\n');
  await lab.call('node', 'applyFirewall');
  expect(await lab.inside('node', 'nft', 'list', 'tables')).toBe('table bridge somebody\n');
});
