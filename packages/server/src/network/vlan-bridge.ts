/**
 * VLANs of guests on a bridge that is not VLAN-aware: each gets a bridge of its own (`vmbr0v5`) on VLAN devices of the
 * physical ports. It is made with the first guest's card in that VLAN and goes with the last.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { RyokanError } from '@ryokan/api/errors.ts';
import { ExecError, run } from '../host/exec.ts';
import { bridgePorts, interfaceExists, isBridge } from './bridge.ts';
import { vlanBridgeCommands, vlanBridgeName, vlanDevice } from './tap-plan.ts';

const aliasOf = (bridge: string, tag: number) => `ryokan vlan ${tag} of ${bridge}`;

/** Name of the bridge for a VLAN, made when it is not there. Rejects with RyokanError 'unsupported' or 'failed'. */
export async function ensureVlanBridge(bridge: string, tag: number): Promise<string> {
  const name = vlanBridgeName(bridge, tag);
  if (name === undefined) {
    throw new RyokanError(
      'unsupported',
      `tag=${tag}: the name of bridge '${bridge}' is too long for a bridge of this VLAN; make the bridge VLAN-aware (bridge-vlan-aware yes)`,
    );
  }
  if (isBridge(name)) return name;
  const uplinks = bridgePorts(bridge).filter(isUplink);
  if (uplinks.length === 0) {
    throw new RyokanError(
      'unsupported',
      `tag=${tag}: bridge '${bridge}' has no physical port to send VLAN ${tag} through and is not VLAN-aware; ` +
        'make it VLAN-aware (bridge-vlan-aware yes), or take the tag away',
      { context: { bridge, tag } },
    );
  }
  const facts = { uplinks, mtu: deviceMtu(bridge), alias: aliasOf(bridge, tag) };
  try {
    await run('ip', ['-batch', '-'], { input: `${vlanBridgeCommands(bridge, tag, facts).join('\n')}\n` });
  } catch (cause) {
    // Another guest's start may have been quicker by a moment.
    if (isBridge(name) && bridgePorts(name).length === uplinks.length) return name;
    await removeParts(name, uplinks, tag);
    throw vlanError(bridge, tag, cause);
  }
  return name;
}

/** Removes bridges of VLANs that no guest uses any more. */
export async function removeUnusedVlanBridges(): Promise<void> {
  for (const name of readdirSync('/sys/class/net')) {
    const [, tag, bridge] = /^ryokan vlan (\d+) of (\S+)$/.exec(aliasText(name)) ?? [];
    if (tag === undefined || bridge === undefined || bridgePorts(name).some((port) => !isUplink(port)))
      continue;
    await removeParts(name, bridgePorts(bridge).filter(isUplink), Number(tag));
  }
}

async function removeParts(name: string, uplinks: readonly string[], tag: number): Promise<void> {
  for (const device of [...uplinks.map((uplink) => vlanDevice(uplink, tag)), name]) {
    if (interfaceExists(device)) await run('ip', ['link', 'delete', 'dev', device], { okCodes: [0, 1] });
  }
}

function vlanError(bridge: string, tag: number, cause: unknown): RyokanError {
  const reason = cause instanceof ExecError ? cause.stderr.trim().split('\n')[0] : String(cause);
  const missing = /Unknown device type|Operation not supported/.test(reason ?? '');
  return missing
    ? new RyokanError(
        'unsupported',
        `tag=${tag}: this kernel has no VLAN devices (module 8021q), which bridge '${bridge}' needs because it is not VLAN-aware`,
        { context: { bridge, tag }, cause },
      )
    : new RyokanError('failed', `the bridge for VLAN ${tag} of '${bridge}' could not be made: ${reason}`, {
        context: { bridge, tag },
        cause,
      });
}

/** A port that leads out of the node; all others are guests' ends. */
function isUplink(port: string): boolean {
  return !/^(tap|veth|fwpr|fwln|ifb)\d/.test(port);
}

export function deviceMtu(device: string): number {
  return Number(readFileSync(`/sys/class/net/${device}/mtu`, 'utf8'));
}

function aliasText(device: string): string {
  const file = `/sys/class/net/${device}/ifalias`;
  return existsSync(file) ? readFileSync(file, 'utf8').trim() : '';
}
