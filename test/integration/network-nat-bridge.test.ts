/**
 * The NAT bridge in a network of namespaces:
 *   guest --veth--> node (vmbr0, NAT) --uplink--> outside; `other` is a second network that the node can reach.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { NatBridge, NatBridgeResult } from '@ryokan/server/network/nat-bridge.ts';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Lab, openLab } from './network-lab.ts';

let lab: Lab;

beforeAll(async () => {
  lab = await openLab();
  for (const name of ['node', 'outside', 'other', 'guest']) await lab.addNamespace(name);
  await lab.connect('node', 'uplink', 'outside', 'eth0');
  await lab.inside('node', 'ip', 'address', 'add', '198.51.100.2/24', 'dev', 'uplink');
  await lab.inside('node', 'ip', 'route', 'add', 'default', 'via', '198.51.100.1');
  await lab.inside('outside', 'ip', 'address', 'add', '198.51.100.1/24', 'dev', 'eth0');
  await lab.connect('node', 'side', 'other', 'eth0');
  await lab.inside('node', 'ip', 'address', 'add', '203.0.113.1/24', 'dev', 'side');
  await lab.inside('other', 'ip', 'address', 'add', '203.0.113.2/24', 'dev', 'eth0');
  await lab.inside('other', 'ip', 'route', 'add', 'default', 'via', '203.0.113.1');
  // Answers of `other` find their way back: only the rules stand between it and the outside.
  await lab.inside('node', 'sh', '-c', 'echo 1 > /proc/sys/net/ipv4/conf/side/forwarding');
  await lab.connect('node', 'guestport', 'guest', 'eth0');
});

afterAll(async () => {
  await lab.call('node', 'removeNatBridge').catch(() => {});
  await lab.close();
});

/** All that the bridge could change on the node, as text: addresses, routes, rules, forwarding. IPv6 settles by itself. */
async function hostState(): Promise<string> {
  const links = await lab.inside('node', 'ip', '-4', '-o', 'address');
  const routes = await lab.inside('node', 'ip', '-4', 'route', 'show', 'table', 'all');
  const rules = await lab.inside('node', 'nft', 'list', 'ruleset');
  const forwarding = await lab.inside('node', 'sh', '-c', 'grep . /proc/sys/net/ipv4/conf/*/forwarding');
  // Lifetimes and states of addresses change by themselves.
  return [links.replace(/ (tentative|valid_lft.*)/g, ''), routes, rules, forwarding].join('\n---\n');
}

/** Processes whose arguments name the data folder. */
function dnsmasqProcesses(): number[] {
  return readdirSync('/proc')
    .map(Number)
    .filter((pid) => pid > 0)
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(lab.dataDir);
      } catch {
        return false;
      }
    });
}

const ping = (from: string, to: string) => lab.exitCode(from, 'busybox', 'ping', '-c', '1', '-W', '1', to);

describe.sequential('NAT bridge', () => {
  let before = '';
  let bridge: NatBridge;

  test('is made on a subnet that the host does not use', async () => {
    await lab.inside('node', 'ip', 'route', 'add', '10.77.0.0/23', 'via', '198.51.100.1');
    before = await hostState();
    const result = await lab.call<NatBridgeResult>('node', 'createNatBridge', {});
    bridge = result.bridge;
    expect(result.made).toBe(true);
    expect(result.warnings).toEqual([]);
    expect(bridge).toMatchObject({
      name: 'vmbr0',
      address: '10.77.2.1',
      prefix: 24,
      dhcpStart: '10.77.2.50',
    });
    // No IPv6: a guest's router advertisements must not reach the node.
    const addresses = await lab.inside('node', 'ip', '-br', 'address', 'show', 'vmbr0');
    expect(addresses.trim().split(/\s+/).slice(2)).toEqual(['10.77.2.1/24']);
  });

  test('a second call changes nothing', async () => {
    const state = await hostState();
    const pids = dnsmasqProcesses();
    expect(pids).toHaveLength(1);
    const result = await lab.call<NatBridgeResult>('node', 'createNatBridge', {});
    expect(result).toMatchObject({ made: false, bridge });
    expect(await hostState()).toBe(state);
    expect(dnsmasqProcesses()).toEqual(pids);
  });

  test('dnsmasq runs without root rights and listens on the bridge only', async () => {
    const [pid] = dnsmasqProcesses();
    const uid = /^Uid:\t(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    expect(Number(uid)).toBeGreaterThan(0);
    const sockets = await lab.inside('node', 'ss', '-Hlnptu');
    const addresses = sockets
      .trim()
      .split('\n')
      .map((line) => line.trim().split(/\s+/)[4]);
    expect([...new Set(addresses)].sort()).toEqual(['0.0.0.0%vmbr0:67', '10.77.2.1:53']);
  });

  test('a guest gets address, router and DNS server by DHCP and shows up as a lease', async () => {
    await lab.inside('node', 'ip', 'link', 'set', 'guestport', 'master', 'vmbr0');
    const script = join(lab.dataDir, '..', 'udhcpc.sh');
    const lines = [
      '#!/bin/sh',
      '[ "$1" = bound ] || exit 0',
      'ip address add "$ip/$mask" dev "$interface"',
      'ip route add default via "$router"',
      'echo "dns $dns"',
    ];
    await lab.inside(
      'guest',
      'sh',
      '-c',
      `printf '%s\\n' "$@" > ${script}; chmod +x ${script}`,
      'sh',
      ...lines,
    );
    const begin = performance.now();
    const out = await lab.inside(
      'guest',
      'busybox',
      'udhcpc',
      '-i',
      'eth0',
      '-n',
      '-q',
      '-s',
      script,
      '-x',
      'hostname:tester',
    );
    expect(out).toContain('dns 10.77.2.1');
    // The check for a second user of the address would take 3 s alone.
    expect(performance.now() - begin).toBeLessThan(2500);
    const leases = await lab.call<Array<{ mac: string; address: string; hostname?: string }>>(
      'node',
      'natLeases',
    );
    const mac = (await lab.inside('guest', 'cat', '/sys/class/net/eth0/address')).trim().toUpperCase();
    expect(leases).toHaveLength(1);
    expect(leases[0]).toMatchObject({ mac, hostname: 'tester' });
    expect(leases[0]?.address).toMatch(/^10\.77\.2\./);
    expect(await lab.inside('guest', 'ip', '-br', 'address')).toContain(leases[0]?.address);
  });

  test('the guest reaches the node and the outside, which sees only the node', async () => {
    expect(await ping('guest', '10.77.2.1')).toBe(0);
    // The outside has no route to the guest's subnet: an answer proves the translation.
    expect(await lab.inside('outside', 'ip', 'route')).not.toContain('10.77.2');
    expect(await ping('guest', '198.51.100.1')).toBe(0);
  });

  test('nobody reaches the guest from outside, and the node routes nothing else', async () => {
    const [lease] = await lab.call<Array<{ address: string }>>('node', 'natLeases');
    const guest = lease?.address ?? '';
    expect(await ping('node', guest)).toBe(0);
    await lab.inside('outside', 'ip', 'route', 'add', '10.77.2.0/24', 'via', '198.51.100.2');
    await lab.inside('outside', 'ip', 'route', 'add', '203.0.113.0/24', 'via', '198.51.100.2');
    expect(await ping('outside', '198.51.100.2')).toBe(0);
    expect(await ping('outside', guest)).not.toBe(0);
    expect(await ping('outside', '203.0.113.2')).not.toBe(0);
  });

  test('it comes back after a boot with the same addresses', async () => {
    const state = await hostState();
    const [pid = 0] = dnsmasqProcesses();
    process.kill(pid, 'SIGKILL');
    await lab.inside('node', 'ip', 'link', 'set', 'guestport', 'nomaster');
    await lab.inside('node', 'ip', 'link', 'delete', 'vmbr0');
    await lab.inside('node', 'nft', 'flush', 'ruleset');
    await lab.inside('node', 'sh', '-c', 'echo 0 > /proc/sys/net/ipv4/conf/uplink/forwarding');
    const result = await lab.call<NatBridgeResult>('node', 'restoreNatBridge');
    expect(result).toMatchObject({ made: true, bridge });
    await lab.inside('node', 'ip', 'link', 'set', 'guestport', 'master', 'vmbr0');
    const unnumbered = (text: string) =>
      text
        .replace(/^\d+: /gm, '')
        .split('\n')
        .sort()
        .join('\n');
    expect(unnumbered(await hostState())).toBe(unnumbered(state));
    expect(await ping('guest', '198.51.100.1')).toBe(0);
    const leases = await lab.call<unknown[]>('node', 'natLeases');
    expect(leases).toHaveLength(1);
  });

  test('a missing dnsmasq alone is started again', async () => {
    const [pid = 0] = dnsmasqProcesses();
    process.kill(pid, 'SIGKILL');
    expect(await lab.call<NatBridgeResult>('node', 'restoreNatBridge')).toMatchObject({ made: false });
    const [started] = dnsmasqProcesses();
    expect(started).toBeGreaterThan(0);
    expect(started).not.toBe(pid);
  });

  test('removal leaves nothing', async () => {
    await lab.inside('node', 'ip', 'link', 'set', 'guestport', 'nomaster');
    await lab.call('node', 'removeNatBridge', 'vmbr0');
    const unnumbered = (text: string) => text.replace(/^\d+: /gm, '');
    expect(unnumbered(await hostState())).toBe(unnumbered(before));
    expect(dnsmasqProcesses()).toEqual([]);
    expect(readdirSync(lab.dataDir, { recursive: true }).sort()).toEqual(['log', 'run']);
    await lab.call('node', 'removeNatBridge');
    await expect(lab.call('node', 'removeNatBridge', 'vmbr0')).rejects.toMatchObject({ code: 'not-found' });
  });
});

describe.sequential('NAT bridge, bad input and failures', () => {
  test('an existing interface is left alone', async () => {
    await lab.inside('node', 'ip', 'link', 'add', 'vmbr0', 'type', 'bridge');
    const state = await hostState();
    await expect(lab.call('node', 'createNatBridge', {})).rejects.toMatchObject({ code: 'exists' });
    await lab.call('node', 'removeNatBridge');
    expect(await hostState()).toBe(state);
    await lab.inside('node', 'ip', 'link', 'delete', 'vmbr0');
  });

  test.each([
    ['198.51.100.9/24', 'overlaps with 198.51.100.0/24'],
    ['10.200.0.1/30', 'no subnet for a NAT bridge'],
    ['10.200.0.0/24', 'names the network itself'],
    ['10.200.0.255/24', 'names the network itself'],
    ['fd00::1/64', 'no subnet for a NAT bridge'],
    ['10.200.0.1', 'no subnet for a NAT bridge'],
  ])('refuses the subnet %s', async (cidr, text) => {
    const state = await hostState();
    const call = lab.call('node', 'createNatBridge', { cidr });
    await expect(call).rejects.toMatchObject({ code: 'parameter', message: expect.stringContaining(text) });
    expect(await hostState()).toBe(state);
  });

  test.each(['a b', 'x"; drop', '../x', '', 'name-of-17-chars-x'])('refuses the name %j', async (name) => {
    await expect(lab.call('node', 'createNatBridge', { name })).rejects.toMatchObject({ code: 'parameter' });
  });

  test('takes everything back when DHCP cannot start', async () => {
    // Somebody else's DNS server listens on all addresses.
    const blocker = lab.inside(
      'node',
      'timeout',
      '20',
      'dnsmasq',
      '--no-daemon',
      '--conf-file=/dev/null',
      '--pid-file=',
    );
    await expect.poll(() => lab.inside('node', 'ss', '-Hlnu'), { timeout: 5000 }).toContain(':53');
    const state = await hostState();
    const call = lab.call('node', 'createNatBridge', { cidr: '10.200.0.1/24' });
    await expect(call).rejects.toMatchObject({ code: 'failed', message: expect.stringContaining('in use') });
    expect(await hostState()).toBe(state);
    expect(existsSync(join(lab.dataDir, 'nat-bridge.json'))).toBe(false);
    const pid = /pid=(\d+)/.exec(await lab.inside('node', 'ss', '-Hlnup'))?.[1];
    process.kill(Number(pid), 'SIGTERM');
    await blocker.catch(() => {});
  });

  test('warns when another firewall drops what is forwarded', async () => {
    const rules =
      'table inet strict { chain forward { type filter hook forward priority 0; policy drop; }; }';
    await lab.inside('node', 'nft', rules);
    const { warnings } = await lab.call<NatBridgeResult>('node', 'createNatBridge', { name: 'guests' });
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toContain("'inet strict'");
    await lab.call('node', 'removeNatBridge');
    await lab.inside('node', 'nft', 'delete', 'table', 'inet', 'strict');
  });
});
