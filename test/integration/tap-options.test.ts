/** Rate, VLAN options, owner and MTU of taps, in a namespace of their own with what this machine's kernel can. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Lab, openLab } from './network-lab.ts';

let lab: Lab;
const tap = 'tap100i0';
const uid = 12_345;
const port = { bridge: 'br0', uid };

beforeAll(async () => {
  lab = await openLab();
  await lab.addNamespace('node');
  await lab.inside('node', 'ip', 'link', 'add', 'br0', 'address', '02:00:00:00:00:01', 'type', 'bridge');
  await lab.inside('node', 'ip', 'link', 'set', 'br0', 'mtu', '1400', 'up');
  await lab.inside('node', 'ip', 'link', 'add', 'br1', 'type', 'bridge');
});

afterAll(() => lab.close());

/** Queueing disciplines of a device, by kind. */
async function disciplines(device: string): Promise<Record<string, { rate?: number; burst?: number }>> {
  const text = await lab.inside('node', 'tc', '-json', 'qdisc', 'show', 'dev', device);
  const found = JSON.parse(text) as { kind: string; options: object }[];
  return Object.fromEntries(found.map((one) => [one.kind, one.options]));
}

const links = () => lab.inside('node', 'ip', '-br', 'link');

test('without an MTU of its own a tap has that of the bridge', async () => {
  await lab.call('node', 'createTap', tap, port);
  expect(await lab.inside('node', 'ip', 'link', 'show', tap)).toContain('mtu 1400');
  await lab.call('node', 'createTap', tap, { ...port, mtu: 1 });
  expect(await lab.inside('node', 'ip', 'link', 'show', tap)).toContain('mtu 1400');
  expect(await lab.inside('node', 'ip', 'link', 'show', 'br0')).toContain('mtu 1400');
});

test('a rate limits both directions, changes and goes', async () => {
  await lab.call('node', 'createTap', tap, { ...port, rate: 2 });
  // tc counts bytes.
  expect(await disciplines(tap)).toMatchObject({ tbf: { rate: 2 * 1024 ** 2 }, ingress: {} });
  expect(await disciplines('ifb100i0')).toMatchObject({ tbf: { rate: 2 * 1024 ** 2 } });
  await lab.call('node', 'configureTap', tap, { bridge: 'br0', rate: 0.5 });
  expect(await disciplines(tap)).toMatchObject({ tbf: { rate: 512 * 1024 } });
  await lab.call('node', 'configureTap', tap, { bridge: 'br0' });
  expect(await disciplines(tap)).not.toHaveProperty('tbf');
  expect(await links()).not.toContain('ifb100i0');
});

test('another bridge', async () => {
  await lab.call('node', 'configureTap', tap, { bridge: 'br1', rate: 1 });
  expect(await lab.inside('node', 'ip', '-br', 'link', 'show', 'master', 'br1')).toContain(tap);
  await expect(lab.call('node', 'configureTap', tap, { bridge: 'br9' })).rejects.toMatchObject({
    code: 'not-found',
    message: expect.stringContaining("bridge 'br9' does not exist"),
  });
});

test('the limit goes with the tap', async () => {
  await lab.call('node', 'removeTap', tap);
  expect(await links()).not.toMatch(/tap100i0|ifb100i0/);
});

test('a VLAN needs a way out of the node, and says so', async () => {
  const call = lab.call('node', 'createTap', tap, { ...port, tag: 5 });
  await expect(call).rejects.toMatchObject({
    code: 'unsupported',
    message: expect.stringContaining("bridge 'br0' has no physical port to send VLAN 5 through"),
  });
  const trunks = lab.call('node', 'createTap', tap, { ...port, trunks: '2;3' });
  await expect(trunks).rejects.toMatchObject({
    code: 'unsupported',
    message: expect.stringContaining('trunks=2;3'),
  });
  expect(await links()).not.toContain('tap100i0');
});

test('with an uplink a VLAN gets a bridge of its own, or the kernel’s lack is named', async () => {
  await lab.addNamespace('outside');
  await lab.connect('node', 'eno1', 'outside', 'eno1');
  await lab.inside('node', 'ip', 'link', 'set', 'eno1', 'master', 'br0');
  const call = lab.call('node', 'createTap', tap, { ...port, tag: 5 });
  const hasVlans =
    (await lab.exitCode(
      'node',
      'ip',
      'link',
      'add',
      'link',
      'lo',
      'name',
      'v',
      'type',
      'vlan',
      'id',
      '2',
    )) === 0;
  if (hasVlans) {
    await call;
    expect(await lab.inside('node', 'ip', '-br', 'link', 'show', 'master', 'br0v5')).toMatch(
      /tap100i0[\s\S]*eno1\.5/,
    );
    await lab.call('node', 'removeTap', tap);
  } else {
    await expect(call).rejects.toMatchObject({
      code: 'unsupported',
      message: expect.stringContaining('this kernel has no VLAN devices (module 8021q)'),
    });
  }
  expect(await links()).not.toMatch(/br0v5|tap100i0/);
});

test("another node's device in use is neither replaced nor removed", async () => {
  await lab.call('node', 'createTap', tap, { ...port, uid: 0, dataDir: '/srv/other' });
  expect(await lab.inside('node', 'ip', 'link', 'show', tap)).toContain('ryokan /srv/other');
  // A process that has the tap open, as QEMU has.
  const namespace = (await lab.inside('node', 'ip', 'netns', 'identify')).trim();
  const guest = spawn(
    'ip',
    [
      'netns',
      'exec',
      namespace,
      'qemu-system-x86_64',
      '-S',
      '-nodefaults',
      '-machine',
      'none',
      '-display',
      'none',
      '-monitor',
      'stdio',
      '-netdev',
      `tap,id=n,ifname=${tap},script=no,downscript=no`,
    ],
    { stdio: ['pipe', 'pipe', 'inherit'] },
  );
  try {
    await once(guest.stdout, 'data');
    const call = lab.call('node', 'createTap', tap, port);
    await expect(call).rejects.toMatchObject({
      code: 'state',
      message: expect.stringContaining('node with data folder /srv/other'),
    });
    await lab.call('node', 'removeTap', tap);
    expect(await links()).toContain(tap);
  } finally {
    guest.kill('SIGKILL');
    await once(guest, 'exit');
  }
  // What the other node left behind unused is no obstacle.
  await lab.call('node', 'createTap', tap, port);
  expect(await lab.inside('node', 'ip', 'link', 'show', tap)).toContain(`ryokan ${lab.dataDir}`);
  await lab.call('node', 'removeTap', tap);
  expect(await links()).not.toContain(tap);
});
