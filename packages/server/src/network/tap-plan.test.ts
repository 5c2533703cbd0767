import { expect, test } from 'vitest';
import {
  portVlanCommands,
  shapeCommands,
  shaperName,
  unshapeCommands,
  vlanBridgeCommands,
  vlanBridgeName,
  vlanDevice,
} from './tap-plan.ts';

test('VLANs of a port: tag, trunks, both, neither', () => {
  expect(portVlanCommands('tap100i0', { tag: 5 })).toEqual([
    'vlan del dev tap100i0 vid 1-4094',
    'vlan add dev tap100i0 vid 5 pvid untagged',
  ]);
  expect(portVlanCommands('tap100i0', { trunks: '2;5-10' })).toEqual([
    'vlan del dev tap100i0 vid 1-4094',
    'vlan add dev tap100i0 vid 2',
    'vlan add dev tap100i0 vid 5-10',
    'vlan add dev tap100i0 vid 1 pvid untagged',
  ]);
  expect(portVlanCommands('tap100i0', { tag: 7, trunks: '8' })).toEqual([
    'vlan del dev tap100i0 vid 1-4094',
    'vlan add dev tap100i0 vid 8',
    'vlan add dev tap100i0 vid 7 pvid untagged',
  ]);
  expect(portVlanCommands('tap100i0', {})).toEqual([
    'vlan del dev tap100i0 vid 1-4094',
    'vlan add dev tap100i0 vid 2-4094',
    'vlan add dev tap100i0 vid 1 pvid untagged',
  ]);
});

test('a limit holds in both directions', () => {
  const tbf = 'tbf rate 10485760bit burst 131072b latency 100ms';
  expect(shapeCommands('tap100i0', 1.25)).toEqual([
    `qdisc replace dev tap100i0 root ${tbf}`,
    `qdisc replace dev ifb100i0 root ${tbf}`,
    'qdisc add dev tap100i0 handle ffff: ingress',
    'filter add dev tap100i0 parent ffff: protocol all prio 1 u32 match u32 0 0 action mirred egress redirect dev ifb100i0',
  ]);
  expect(shapeCommands('tap100i0', 1000)[0]).toContain('rate 8388608000bit burst 20971520b');
  expect(shapeCommands('tap100i0', 1e-9)[0]).toContain('rate 8bit');
  expect(unshapeCommands('tap100i0')).toEqual([
    'qdisc del dev tap100i0 root',
    'qdisc del dev tap100i0 handle ffff: ingress',
  ]);
  expect(shaperName('tap999999999i31')).toBe('ifb999999999i31');
});

test('a bridge for one VLAN', () => {
  const facts = { uplinks: ['eno1', 'enp129s0f0np0'], mtu: 9000, alias: 'ryokan vlan 42 of vmbr0' };
  expect(vlanBridgeCommands('vmbr0', 42, facts)).toEqual([
    'link add name vmbr0v42 mtu 9000 type bridge stp_state 0 forward_delay 0',
    'link set dev vmbr0v42 alias "ryokan vlan 42 of vmbr0"',
    'link add link eno1 name eno1.42 type vlan id 42',
    'link set dev eno1.42 master vmbr0v42 up',
    'link add link enp129s0f0np0 name enp129s0f0np.42 type vlan id 42',
    'link set dev enp129s0f0np.42 master vmbr0v42 up',
    'link set dev vmbr0v42 up',
  ]);
  expect(vlanBridgeName('vmbr0', 4094)).toBe('vmbr0v4094');
  expect(vlanBridgeName('a-long-bridge', 42)).toBeUndefined();
  expect(vlanDevice('enp129s0f0np0', 4094)).toHaveLength(15);
});
