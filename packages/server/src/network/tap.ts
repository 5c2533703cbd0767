/**
 * Tap devices: the host's end of a guest's network card. Made for the guests' user, so that QEMU opens them without
 * any right of its own.
 */
import { chmodSync, existsSync, readFileSync, statSync } from 'node:fs';
import { RyokanError } from '@ryokan/api/errors.ts';
import { ExecError, run } from '../host/exec.ts';
import { interfaceExists, isBridge } from './bridge.ts';
import { demandOwnDevice, isOwnDevice, ownerAlias } from './tap-owner.ts';
import {
  portVlanCommands,
  shapeCommands,
  shaperName,
  type TapSettings,
  unshapeCommands,
} from './tap-plan.ts';
import { deviceMtu, ensureVlanBridge, removeUnusedVlanBridges } from './vlan-bridge.ts';

export type { TapSettings };

/** Longest interface name: IFNAMSIZ less its closing zero. */
const nameLimit = 15;

export interface TapOptions extends TapSettings {
  /** Who may open the device: the user of QEMU. */
  readonly uid: number;
  /** Data folder of the node that makes it; see tap-owner.ts. */
  readonly dataDir: string;
  /** Default and for 1: that of the bridge. */
  readonly mtu?: number | undefined;
  /** True: QEMU opens it several times, once a queue. */
  readonly multiQueue?: boolean | undefined;
}

/** `tap100i0` is the host's end of net0 of guest 100. */
export function tapName(vmid: number, index: number): string {
  const name = `tap${vmid}i${index}`;
  if (name.length > nameLimit) {
    throw new RyokanError('parameter', `VMID ${vmid} is too long for network card net${index}: ${name}`);
  }
  return name;
}

/**
 * Makes a tap, puts it into its bridge and VLAN, limits its rate and takes it up. A tap of that name left by a guest
 * that ended is replaced. Firewall rules for it have to be in place before. Rejects as makePort does.
 */
export async function createTap(name: string, options: TapOptions): Promise<void> {
  const { bridge, uid } = options;
  demandBridge(bridge);
  const mtu = options.mtu === undefined || options.mtu === 1 ? deviceMtu(bridge) : options.mtu;
  const make = [`tuntap add dev ${name} mode tap user ${uid}${options.multiQueue ? ' multi_queue' : ''}`];
  letEverybodyOpenTun();
  await makePort(name, { ...options, mtu, make });
}

export interface PortOptions extends TapSettings {
  /** Data folder of the node that makes it; see tap-owner.ts. */
  readonly dataDir: string;
  readonly mtu: number;
  /** Lines of `ip -batch` that make the device. */
  readonly make: readonly string[];
  /** Stays down: the cable is unplugged. */
  readonly down?: boolean;
}

/**
 * Makes the host's end of a card a port of its bridge: where the card has neither VLAN nor limit, by one process.
 * Rejects with RyokanError 'not-found' (no such bridge), 'state' (another node's guest has a device of that name),
 * 'unsupported' (what the kernel lacks) or 'failed'; nothing stays then.
 */
export async function makePort(name: string, options: PortOptions): Promise<void> {
  const { bridge, dataDir, mtu } = options;
  demandBridge(bridge);
  demandOwnDevice(name, dataDir);
  const port = await portOf(options);
  const simple = !port.vlanAware && !options.rate;
  const up = options.down ? '' : ' up';
  const lines = [
    ...[name, shaperName(name)].filter(interfaceExists).map((device) => `link delete dev ${device}`),
    ...options.make,
    `link set dev ${name} alias ${JSON.stringify(ownerAlias(dataDir))}`,
    `link set dev ${name} mtu ${mtu} master ${port.bridge}${simple ? up : ''}`,
  ];
  try {
    await batch('ip', lines);
    if (port.vlanAware) await batch('bridge', portVlanCommands(name, options));
    if (options.rate) await shape(name, options.rate);
    if (!simple && !options.down) await run('ip', ['link', 'set', 'dev', name, 'up']);
  } catch (cause) {
    await removeTap(name, dataDir);
    if (cause instanceof RyokanError) throw cause;
    throw new RyokanError(
      'failed',
      `network device ${name} on bridge ${bridge} could not be made: ${firstLine(cause)}`,
      {
        context: { bridge, tap: name },
        cause,
      },
    );
  }
}

/**
 * Changes bridge, VLANs and rate of a tap in use; the guest notices nothing but the new network. What is not given is
 * as for a new tap: no tag, no limit. Rejects as createTap does, and then the old settings may hold in part.
 */
export async function configureTap(name: string, settings: TapSettings): Promise<void> {
  demandBridge(settings.bridge);
  if (!interfaceExists(name)) throw new RyokanError('not-found', `network device ${name} does not exist`);
  const port = await portOf(settings);
  try {
    // Down meanwhile: a new port of a bridge is in VLAN 1 at first, and no packet is to get into a VLAN not its own.
    await batch('ip', [`link set dev ${name} down`, `link set dev ${name} master ${port.bridge}`]);
    if (port.vlanAware) await batch('bridge', portVlanCommands(name, settings));
    await setTapLink(name, true);
    await unshape(name);
    if (settings.rate) await shape(name, settings.rate);
  } catch (cause) {
    if (cause instanceof RyokanError) throw cause;
    throw new RyokanError('failed', `network device ${name} could not be changed: ${firstLine(cause)}`, {
      context: { bridge: settings.bridge, tap: name },
      cause,
    });
  }
  await removeUnusedVlanBridges();
}

/** Unplugs or plugs the host's end: the guest's packets go nowhere while it is unplugged. */
export async function setTapLink(name: string, up: boolean): Promise<void> {
  await run('ip', ['link', 'set', 'dev', name, up ? 'up' : 'down']);
}

/** Removes a tap and what was made for it; no error when it is not there. Another node's tap stays. */
export async function removeTap(name: string, dataDir: string): Promise<void> {
  const devices = [name, shaperName(name)].filter(interfaceExists);
  if (devices.length === 0 || !isOwnDevice(name, dataDir)) return;
  for (const device of devices) {
    try {
      await run('ip', ['link', 'delete', 'dev', device]);
    } catch (error) {
      // Gone in the meantime: a QEMU that ended took it along.
      if (interfaceExists(device)) throw error;
    }
  }
  await removeUnusedVlanBridges();
}

/** Throws RyokanError 'not-found' when the node has no such bridge. */
export function demandBridge(bridge: string): void {
  if (isBridge(bridge)) return;
  const what = interfaceExists(bridge) ? 'is no bridge' : 'does not exist';
  throw new RyokanError(
    'not-found',
    `bridge '${bridge}' ${what} on this node: make it first, or put the card on another bridge`,
    { context: { bridge } },
  );
}

/** The bridge that the tap becomes a port of, and whether the port gets VLANs there. */
async function portOf(settings: TapSettings): Promise<{ bridge: string; vlanAware: boolean }> {
  const { bridge, tag, trunks } = settings;
  if (isVlanAware(bridge)) return { bridge, vlanAware: true };
  if (trunks) {
    throw new RyokanError(
      'unsupported',
      `trunks=${trunks}: bridge '${bridge}' does not tell VLANs apart; make it VLAN-aware (bridge-vlan-aware yes) or take trunks away`,
      { context: { bridge } },
    );
  }
  return { bridge: tag ? await ensureVlanBridge(bridge, tag) : bridge, vlanAware: false };
}

/** False too where the kernel has no VLAN filtering. */
function isVlanAware(bridge: string): boolean {
  const file = `/sys/class/net/${bridge}/bridge/vlan_filtering`;
  return existsSync(file) && readFileSync(file, 'utf8').trim() === '1';
}

async function shape(name: string, rate: number): Promise<void> {
  const shaper = shaperName(name);
  try {
    if (!interfaceExists(shaper)) await run('ip', ['link', 'add', 'name', shaper, 'type', 'ifb']);
    await run('ip', ['link', 'set', 'dev', shaper, 'up']);
    await batch('tc', shapeCommands(name, rate));
  } catch (cause) {
    throw new RyokanError(
      'unsupported',
      `rate=${rate}: this kernel cannot limit ${name} (it needs ifb, sch_tbf, sch_ingress, cls_u32 and act_mirred): ${firstLine(cause)}`,
      { context: { tap: name }, cause },
    );
  }
}

async function unshape(name: string): Promise<void> {
  const shaper = shaperName(name);
  if (!interfaceExists(shaper)) return;
  for (const line of unshapeCommands(name)) await run('tc', line.split(' '), { okCodes: [0, 1, 2] });
  await run('ip', ['link', 'delete', 'dev', shaper]);
}

async function batch(program: 'ip' | 'bridge' | 'tc', lines: readonly string[]): Promise<void> {
  await run(program, ['-batch', '-'], { input: `${lines.join('\n')}\n` });
}

function firstLine(cause: unknown): string {
  return (cause instanceof ExecError ? cause.stderr.trim().split('\n')[0] : undefined) ?? String(cause);
}

const tunDevice = '/dev/net/tun';

/**
 * The mode that udev gives this device on Debian. Without udev only root may open it, and QEMU is not root. Opening it
 * gives no rights: the kernel then hands over only interfaces that belong to the caller.
 */
function letEverybodyOpenTun(): void {
  const { mode } = statSync(tunDevice);
  if ((mode & 0o006) !== 0o006) chmodSync(tunDevice, 0o666);
}
