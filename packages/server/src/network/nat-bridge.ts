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
import { messageOf, RyokanError } from '@ryokan/api/errors.ts';
import { run } from '../host/exec.ts';
import { readTextIfPresent, writeFileAtomic } from '../host/files.ts';
import type { DataPaths } from '../host/paths.ts';
import type { TaskContext } from '../tasks/task.ts';
import type { UndoTable } from '../tasks/undo.ts';
import { bridgePorts, interfaceExists, routes } from './bridge.ts';
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

/** The node whose bridge it is, by its data folder. */
export interface NatHost {
  readonly paths: Pick<DataPaths, 'root' | 'run' | 'log'>;
}

/** Where steps are told; a task's context is one. */
export type NatReport = Pick<TaskContext, 'log' | 'warn' | 'undo'>;

export interface NatBridgeRequest {
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

/** Name of the undo, see tasks/undo.ts. */
const natUndo = 'nat-bridge.remove';

/** Addresses kept for fixed use at the start of the subnet, where it is large enough. */
const fixedAddresses = 50;

/** The node's NAT bridge, where it is the one asked for. Throws 'exists' for another, and for a name that cannot be. */
export function demandPossibleNatBridge(
  host: NatHost,
  { name = 'vmbr0', cidr }: NatBridgeRequest,
): NatBridge | undefined {
  const stored = natBridge(host);
  if (!stored) {
    checkName(name);
    return undefined;
  }
  const own = `${stored.address}/${stored.prefix}`;
  if (stored.name === name && (cidr === undefined || cidr === own)) return stored;
  throw new RyokanError('exists', `this node has the NAT bridge ${stored.name} (${own}); remove it first`);
}

/**
 * Makes the bridge, or completes the one that this node already has. Rejects with RyokanError: 'exists' when an
 * interface of that name is there and not ours, 'parameter' for an unusable name or subnet, 'failed' when a part
 * cannot be made. Nothing stays behind then.
 */
export async function createNatBridge(
  host: NatHost,
  request: NatBridgeRequest = {},
  report?: NatReport,
): Promise<NatBridgeResult> {
  const { name = 'vmbr0', cidr } = request;
  const stored = demandPossibleNatBridge(host, request);
  if (stored) return ensure(host, stored, report);
  const subnet = cidr === undefined ? await freeSubnet() : await checkSubnet(cidr);
  const bridge = { name, ...subnet, mac: randomMac(), forwardingEnabled: [] };
  report?.undo(natUndo, {});
  await store(host, bridge);
  try {
    return await ensure(host, bridge, report);
  } catch (cause) {
    await removeNatBridge(host);
    if (cause instanceof RyokanError) throw cause;
    throw new RyokanError('failed', `NAT bridge ${name} could not be made: ${messageOf(cause)}`, { cause });
  }
}

/** Brings this node's bridge back, after a boot or when a part was lost. Undefined when the node has none. */
export async function restoreNatBridge(host: NatHost): Promise<NatBridgeResult | undefined> {
  const stored = natBridge(host);
  return stored && ensure(host, stored);
}

/** The node's NAT bridge, if it has one. Throws 'not-found' when `name` is not its name. */
export function demandNatBridge(host: NatHost, name?: string): NatBridge | undefined {
  const stored = natBridge(host);
  if (name === undefined || stored?.name === name) return stored;
  throw new RyokanError('not-found', `'${name}' is not a NAT bridge of this node`);
}

/**
 * Takes everything away that createNatBridge made; guests on it lose their link. No error when there is nothing, but
 * RyokanError 'not-found' when `name` is given and not this node's NAT bridge.
 */
export async function removeNatBridge(host: NatHost, name?: string, report?: NatReport): Promise<void> {
  const stored = demandNatBridge(host, name);
  if (!stored) return;
  const ports = bridgePorts(stored.name);
  if (ports.length > 0) report?.warn(`these lose their link: ${ports.join(' ')}`);
  const server = serverOf(host, stored);
  await stopDhcp(server);
  for (const file of [server.pidFile, server.leaseFile, server.logFile]) rmSync(file, { force: true });
  await nat.removeRules(stored.name);
  if (!(await nat.otherRulesExist())) {
    for (const uplink of stored.forwardingEnabled) nat.setForwarding(uplink, false);
  }
  if (interfaceExists(stored.name)) await run('ip', ['link', 'delete', 'dev', stored.name]);
  rmSync(statePath(host), { force: true });
  report?.log(`removed NAT bridge ${stored.name}`);
}

/** Lets the daemon take back a bridge whose making died with its worker. */
export function networkUndos(undos: UndoTable, host: NatHost): void {
  undos.on(natUndo, () => removeNatBridge(host));
}

/** This node's NAT bridge as configured; undefined when it has none. */
export function natBridge(host: NatHost): NatBridge | undefined {
  const text = readTextIfPresent(statePath(host));
  return text === undefined ? undefined : (JSON.parse(text) as NatBridge);
}

/** Addresses that guests have now; empty without a NAT bridge. */
export function natLeases(host: NatHost): Lease[] {
  const bridge = natBridge(host);
  return bridge ? readLeases(serverOf(host, bridge).leaseFile) : [];
}

function statePath(host: NatHost): string {
  return join(host.paths.root, 'nat-bridge.json');
}

function store(host: NatHost, bridge: NatBridge): Promise<void> {
  return writeFileAtomic(statePath(host), `${JSON.stringify(bridge, null, 2)}\n`);
}

function serverOf(host: NatHost, bridge: NatBridge): DhcpServer {
  return dhcpServer({
    folder: host.paths.run,
    logFolder: host.paths.log,
    bridge: bridge.name,
    start: bridge.dhcpStart,
    end: bridge.dhcpEnd,
    prefix: bridge.prefix,
  });
}

/** Makes what is missing. Each part is looked at first, so a second call changes nothing. */
async function ensure(host: NatHost, wanted: NatBridge, report?: NatReport): Promise<NatBridgeResult> {
  const made = await ensureLink(wanted);
  if (made) report?.log(`made bridge ${wanted.name} with ${wanted.address}/${wanted.prefix}`);
  const { bridge, routedBefore } = await ensureForwarding(host, wanted);
  await nat.applyRules({
    bridge: bridge.name,
    subnet: `${subnetBase(bridge)}/${bridge.prefix}`,
    guarded: routedBefore ? [] : bridge.forwardingEnabled,
  });
  report?.log('address translation is in place');
  const server = serverOf(host, bridge);
  // A server that outlived its bridge listens on nothing.
  if (made) await stopDhcp(server);
  await startDhcp(server);
  report?.log(`DHCP gives out ${bridge.dhcpStart} to ${bridge.dhcpEnd}`);
  const warnings = await nat.forwardObstacles(bridge.name);
  for (const warning of warnings) report?.warn(warning);
  return { bridge, made, warnings };
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
  host: NatHost,
  wanted: NatBridge,
): Promise<{ bridge: NatBridge; routedBefore: boolean }> {
  nat.setForwarding(wanted.name, true);
  const uplinks = (await routes())
    .filter((route) => route.destination === 'default' && route.device !== undefined)
    .map((route) => route.device as string);
  const off = uplinks.filter((uplink) => !nat.isForwarding(uplink));
  const forwardingEnabled = [...new Set([...wanted.forwardingEnabled, ...off])];
  const bridge = { ...wanted, forwardingEnabled };
  if (forwardingEnabled.length > wanted.forwardingEnabled.length) await store(host, bridge);
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
