/**
 * The NAT bridge: an isolated bridge with a private subnet, DHCP and DNS, so that guests have network on a machine
 * whose own network stays as it is. Made of a bridge, an nftables table, a dnsmasq and forwarding switched on for
 * exactly two sides: the bridge and the interfaces of the default route.
 *
 * DATA/nat-bridge.json says what there should be; it is written first, so that removeNatBridge can clean up after a
 * death at any point. A machine that boots has none of the parts: restoreNatBridge makes them again.
 */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { RyokanError } from '@ryokan/api/errors.ts';
import { run } from '../host/exec.ts';
import { readTextIfPresent, writeFileAtomic } from '../host/files.ts';
import { interfaceExists, routes } from './bridge.ts';
import { type DhcpServer, dhcpServer, type Lease, readLeases, startDhcp, stopDhcp } from './dhcp-server.ts';
import { formatIpv4, overlap, parseNetwork, size } from './ipv4.ts';
import * as nat from './nat-rules.ts';

export interface NatBridge {
  readonly name: string;
  /** The node's own address on the bridge: router, DHCP and DNS server of the guests. */
  readonly address: string;
  readonly prefix: number;
  /** Addresses given out; those of the subnet below are free for fixed use. */
  readonly dhcpStart: string;
  readonly dhcpEnd: string;
  readonly mac: string;
  /** Interfaces whose forwarding was off before and is switched off again at the end. */
  readonly forwardingEnabled: readonly string[];
}

export interface NatBridgeRequest {
  readonly dataDir: string;
  /** Default `vmbr0`. */
  readonly name?: string;
  /** Address of the bridge with the subnet's prefix (`10.77.0.1/24`); default: a free one. */
  readonly cidr?: string;
}

export interface NatBridgeResult {
  readonly bridge: NatBridge;
  /** False when the bridge was there and is ours. */
  readonly made: boolean;
  /** What a person should know: why guests may have no way out. */
  readonly warnings: readonly string[];
}

/** Addresses kept for fixed use at the start of the subnet, where it is large enough. */
const fixedAddresses = 50;

/**
 * Makes the bridge, or completes the one that this node already has. Rejects with RyokanError: 'exists' when an
 * interface of that name is there and not ours, 'parameter' for an unusable name or subnet, 'failed' when a part
 * cannot be made. Nothing stays behind then.
 */
export async function createNatBridge(request: NatBridgeRequest): Promise<NatBridgeResult> {
  const { dataDir, name = 'vmbr0' } = request;
  const stored = natBridge(dataDir);
  if (stored && stored.name !== name) {
    throw new RyokanError('exists', `this node has a NAT bridge already: ${stored.name}`);
  }
  if (stored && (request.cidr === undefined || request.cidr === `${stored.address}/${stored.prefix}`)) {
    return ensure(dataDir, stored);
  }
  if (stored) {
    throw new RyokanError(
      'exists',
      `NAT bridge ${name} has ${stored.address}/${stored.prefix}; remove it first`,
    );
  }
  checkName(name);
  const subnet = request.cidr === undefined ? await freeSubnet() : await checkSubnet(request.cidr);
  const bridge = { name, ...subnet, mac: randomMac(), forwardingEnabled: [] };
  await store(dataDir, bridge);
  try {
    return await ensure(dataDir, bridge);
  } catch (cause) {
    await removeNatBridge(dataDir);
    if (cause instanceof RyokanError) throw cause;
    throw new RyokanError('failed', `NAT bridge ${name} could not be made: ${String(cause)}`, { cause });
  }
}

/** Brings this node's bridge back, after a boot or when a part was lost. Undefined when the node has none. */
export async function restoreNatBridge(dataDir: string): Promise<NatBridgeResult | undefined> {
  const stored = natBridge(dataDir);
  return stored && ensure(dataDir, stored);
}

/** Takes everything away that createNatBridge made; no error when there is nothing. Guests on it lose their link. */
export async function removeNatBridge(dataDir: string): Promise<void> {
  const stored = natBridge(dataDir);
  if (!stored) return;
  const server = serverOf(dataDir, stored);
  await stopDhcp(server);
  for (const file of [server.pidFile, server.leaseFile, server.logFile]) rmSync(file, { force: true });
  await nat.removeRules(stored.name);
  if (!(await nat.otherRulesExist())) {
    for (const uplink of stored.forwardingEnabled) nat.setForwarding(uplink, false);
  }
  if (interfaceExists(stored.name)) await run('ip', ['link', 'delete', 'dev', stored.name]);
  rmSync(statePath(dataDir), { force: true });
}

/** This node's NAT bridge as configured; undefined when it has none. */
export function natBridge(dataDir: string): NatBridge | undefined {
  const text = readTextIfPresent(statePath(dataDir));
  return text === undefined ? undefined : (JSON.parse(text) as NatBridge);
}

/** Addresses that guests have now; empty without a NAT bridge. */
export function natLeases(dataDir: string): Lease[] {
  const bridge = natBridge(dataDir);
  return bridge ? readLeases(serverOf(dataDir, bridge).leaseFile) : [];
}

function statePath(dataDir: string): string {
  return join(dataDir, 'nat-bridge.json');
}

function store(dataDir: string, bridge: NatBridge): Promise<void> {
  return writeFileAtomic(statePath(dataDir), `${JSON.stringify(bridge, null, 2)}\n`);
}

function serverOf(dataDir: string, bridge: NatBridge): DhcpServer {
  return dhcpServer({
    folder: join(dataDir, 'run'),
    logFolder: join(dataDir, 'log'),
    bridge: bridge.name,
    start: bridge.dhcpStart,
    end: bridge.dhcpEnd,
    prefix: bridge.prefix,
  });
}

/** Makes what is missing. Each part is looked at first, so a second call changes nothing. */
async function ensure(dataDir: string, wanted: NatBridge): Promise<NatBridgeResult> {
  const made = await ensureLink(wanted);
  const { bridge, routedBefore } = await ensureForwarding(dataDir, wanted);
  await nat.applyRules({
    bridge: bridge.name,
    subnet: `${subnetBase(bridge)}/${bridge.prefix}`,
    guarded: routedBefore ? [] : bridge.forwardingEnabled,
  });
  const server = serverOf(dataDir, bridge);
  // A server that outlived its bridge listens on nothing.
  if (made) await stopDhcp(server);
  await startDhcp(server);
  return { bridge, made, warnings: await nat.forwardObstacles(bridge.name) };
}

async function ensureLink(bridge: NatBridge): Promise<boolean> {
  const { name, mac, address, prefix } = bridge;
  if (interfaceExists(name)) return false;
  const lines = [
    // A fixed MAC: otherwise it changes with the first guest, and guests forget their router.
    `link add name ${name} address ${mac} type bridge stp_state 0 forward_delay 0`,
    `address add ${address}/${prefix} brd + dev ${name}`,
  ];
  await run('ip', ['-batch', '-'], { input: `${lines.join('\n')}\n` });
  // No IPv6 address on this side: a guest's router advertisements must not reconfigure the node.
  nat.disableIpv6(name);
  await run('ip', ['link', 'set', 'dev', name, 'up']);
  return true;
}

/** Forwarding works by the interface a packet comes in on: the bridge for what leaves, the uplink for answers. */
async function ensureForwarding(
  dataDir: string,
  wanted: NatBridge,
): Promise<{ bridge: NatBridge; routedBefore: boolean }> {
  nat.setForwarding(wanted.name, true);
  const uplinks = (await routes())
    .filter((route) => route.destination === 'default' && route.device !== undefined)
    .map((route) => route.device as string);
  const off = uplinks.filter((uplink) => !nat.isForwarding(uplink));
  const forwardingEnabled = [...new Set([...wanted.forwardingEnabled, ...off])];
  const bridge = { ...wanted, forwardingEnabled };
  if (forwardingEnabled.length > wanted.forwardingEnabled.length) await store(dataDir, bridge);
  for (const uplink of off) nat.setForwarding(uplink, true);
  return { bridge, routedBefore: nat.isForwarding('all') };
}

function checkName(name: string): void {
  // What all tools involved take without quoting: kernel, nftables, dnsmasq.
  if (!/^[a-zA-Z][a-zA-Z0-9_]{0,14}$/.test(name)) {
    throw new RyokanError(
      'parameter',
      `'${name}' cannot be a bridge: a letter, then up to 14 letters, digits or _`,
    );
  }
  if (interfaceExists(name)) {
    throw new RyokanError('exists', `network interface ${name} exists already`, { context: { name } });
  }
}

type Subnet = Pick<NatBridge, 'address' | 'prefix' | 'dhcpStart' | 'dhcpEnd'>;

/** The first of 10.77.0.0/24 to 10.77.255.0/24 that no route of this machine touches. */
async function freeSubnet(): Promise<Subnet> {
  const used = await usedNetworks();
  for (let third = 0; third < 256; third++) {
    const network = { base: (10 * 256 + 77) * 65_536 + third * 256, prefix: 24 };
    if (!used.some((other) => overlap(other, network))) return subnet(network.base + 1, network);
  }
  throw new RyokanError('failed', 'no free subnet in 10.77.0.0/16; name one for the NAT bridge');
}

async function checkSubnet(cidr: string): Promise<Subnet> {
  const network = parseNetwork(cidr);
  if (!network || network.prefix < 16 || network.prefix > 29) {
    throw new RyokanError('parameter', `'${cidr}' is no subnet for a NAT bridge: address/16 to address/29`);
  }
  const last = network.base + size(network.prefix) - 1;
  if (network.address === network.base || network.address === last) {
    throw new RyokanError(
      'parameter',
      `'${cidr}' names the network itself; give the address of the bridge in it`,
    );
  }
  const clash = (await usedNetworks()).find((other) => overlap(other, network));
  if (clash) {
    const taken = `${formatIpv4(clash.base)}/${clash.prefix}`;
    throw new RyokanError('parameter', `subnet ${cidr} overlaps with ${taken}, which this machine uses`);
  }
  return subnet(network.address, network);
}

/** Networks that this machine reaches by other ways than the default route. */
async function usedNetworks() {
  return (await routes())
    .map((route) => parseNetwork(route.destination))
    .filter((network) => network !== undefined && network.prefix > 0)
    .map((network) => network as NonNullable<typeof network>);
}

/** Gives out the part above the fixed addresses; in a small subnet everything but the bridge's address below it. */
function subnet(address: number, network: { base: number; prefix: number }): Subnet {
  const last = network.base + size(network.prefix) - 2;
  const first = network.base + (size(network.prefix) >= 4 * fixedAddresses ? fixedAddresses : 1);
  // dnsmasq never gives out its own address, wherever it stands in the range.
  return {
    address: formatIpv4(address),
    prefix: network.prefix,
    dhcpStart: formatIpv4(first),
    dhcpEnd: formatIpv4(last),
  };
}

function subnetBase(bridge: NatBridge): string {
  return formatIpv4(parseNetwork(`${bridge.address}/${bridge.prefix}`)?.base ?? 0);
}

/** A locally administered unicast address. */
function randomMac(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(6));
  bytes[0] = ((bytes[0] ?? 0) & 0xfc) | 0x02;
  return [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join(':');
}
