/** Kernel side of the NAT bridge: an nftables table of its own and forwarding switches of single interfaces. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { ExecError, run } from '../host/exec.ts';

const tablePrefix = 'ryokan_nat_';

const tableOf = (bridge: string) => `${tablePrefix}${bridge}`;

export interface NatRules {
  readonly bridge: string;
  /** `10.77.0.0/24` */
  readonly subnet: string;
  /**
   * Interfaces whose forwarding is on only for this bridge: through them nothing new may be routed elsewhere, as
   * before. What the host itself translates (ports published by container engines) still passes.
   */
  readonly guarded: readonly string[];
}

/** Puts the table in place in one transaction, replacing an earlier one. */
export async function applyRules(rules: NatRules): Promise<void> {
  await run('nft', ['-f', '-'], { input: rulesText(rules) });
}

/** The table as nft(8) text. Declared, deleted, made: the delete must not fail when there is none yet. */
export function rulesText({ bridge, subnet, guarded }: NatRules): string {
  const table = `table ip ${tableOf(bridge)}`;
  const guards = guarded.map(
    (uplink) => `iifname "${uplink}" oifname != "${bridge}" ct state new ct status & dnat == 0 drop`,
  );
  return `${table} {}
delete ${table}
${table} {
  chain postrouting {
    type nat hook postrouting priority srcnat; policy accept;
    ip saddr ${subnet} oifname != "${bridge}" masquerade
  }
  chain forward {
    type filter hook forward priority filter; policy accept;
    iifname "${bridge}" oifname "${bridge}" accept
    ct state established,related accept
    iifname "${bridge}" ip saddr != ${subnet} drop
    oifname "${bridge}" iifname != "${bridge}" drop
    ${guards.join('\n    ')}
  }
}
`;
}

export async function removeRules(bridge: string): Promise<void> {
  const table = `table ip ${tableOf(bridge)}`;
  await run('nft', ['-f', '-'], { input: `${table} {}\ndelete ${table}\n` });
}

/** Whether another node's NAT bridge still works in this network namespace. */
export async function otherRulesExist(): Promise<boolean> {
  const { stdout } = await run('nft', ['list', 'tables']);
  return stdout.includes(` ${tablePrefix}`);
}

/**
 * Other programs' rules that forbid forwarding by default: an accept in our table does not overrule them, so guests
 * have no way out. Each with what to do; rules of iptables-legacy are not visible here.
 */
export async function forwardObstacles(bridge: string): Promise<string[]> {
  const { stdout } = await run('nft', ['-j', 'list', 'chains']);
  const listed = JSON.parse(stdout) as { nftables: Array<{ chain?: Chain }> };
  return listed.nftables
    .map((item) => item.chain)
    .filter((chain) => chain?.hook === 'forward' && chain.policy === 'drop' && chain.family !== 'ip6')
    .map(
      (chain) =>
        `the firewall table '${chain?.family} ${chain?.table}' drops forwarded packets by default: guests on ${bridge} reach only this node until it accepts packets from ${bridge}`,
    );
}

/** A chain in nft's JSON; only what is read here. */
interface Chain {
  family: string;
  table: string;
  hook?: string;
  policy?: string;
}

const forwardingSwitch = (device: string) => `/proc/sys/net/ipv4/conf/${device}/forwarding`;

/** `all` asks for the host as a whole: it was made a router by somebody. */
export function isForwarding(device: string): boolean {
  return (
    existsSync(forwardingSwitch(device)) && readFileSync(forwardingSwitch(device), 'utf8').trim() === '1'
  );
}

/** Nothing when the interface is gone. */
export function setForwarding(device: string, on: boolean): void {
  if (!existsSync(forwardingSwitch(device)) || isForwarding(device) === on) return;
  try {
    writeFileSync(forwardingSwitch(device), on ? '1' : '0');
  } catch (cause) {
    throw new ExecError('forwarding', -1, '', `could not be switched on for ${device}: ${String(cause)}`);
  }
}

export function disableIpv6(device: string): void {
  const file = `/proc/sys/net/ipv6/conf/${device}/disable_ipv6`;
  if (existsSync(file)) writeFileSync(file, '1');
}
