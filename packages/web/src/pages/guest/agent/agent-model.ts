/**
 * What the guest agent answers (QEMU guest agent protocol), as far as the page shows it. A guest answers what it likes:
 * everything is taken as unknown, and what does not fit is left out.
 */

type Row = Readonly<Record<string, unknown>>;

const rowsOf = (result: unknown): Row[] =>
  Array.isArray(result) ? result.filter((one): one is Row => typeof one === 'object' && one !== null) : [];
const rowOf = (result: unknown): Row =>
  typeof result === 'object' && result !== null && !Array.isArray(result) ? (result as Row) : {};
const text = (value: unknown): string | undefined =>
  typeof value === 'string' && value !== '' ? value : undefined;
const number = (value: unknown): number | undefined =>
  typeof value === 'number' && Number.isFinite(value) ? value : undefined;

export interface AgentSystem {
  readonly name: string | undefined;
  readonly kernel: string | undefined;
  readonly machine: string | undefined;
}

/** `guest-get-osinfo`. */
export function systemOf(result: unknown): AgentSystem {
  const row = rowOf(result);
  return {
    name: text(row['pretty-name']) ?? text(row.name) ?? text(row.id),
    kernel: text(row['kernel-release']),
    machine: text(row.machine),
  };
}

/** `guest-get-host-name`. */
export function hostNameOf(result: unknown): string | undefined {
  return text(rowOf(result)['host-name']);
}

/** `guest-info`: version of the agent. */
export function agentVersionOf(result: unknown): string | undefined {
  return text(rowOf(result).version);
}

/** `guest-info`: whether the agent has a command and lets it be used. */
export function offers(result: unknown, command: string): boolean {
  return rowsOf(rowOf(result).supported_commands).some(
    (one) => one.name === command && one.enabled !== false,
  );
}

export interface AgentFileSystem {
  readonly mountpoint: string;
  readonly type: string;
  readonly device: string;
  /** Bytes; undefined when the agent does not say (before version 3.0, or a system without sizes). */
  readonly used: number | undefined;
  readonly total: number | undefined;
}

/** `guest-get-fsinfo`, by mount point. */
export function fileSystemsOf(result: unknown): AgentFileSystem[] {
  return rowsOf(result)
    .flatMap((row) => {
      const mountpoint = text(row.mountpoint);
      return mountpoint
        ? [
            {
              mountpoint,
              type: text(row.type) ?? '',
              device: text(row.name) ?? '',
              used: number(row['used-bytes']),
              total: number(row['total-bytes']),
            },
          ]
        : [];
    })
    .sort((a, b) => (a.mountpoint < b.mountpoint ? -1 : 1));
}

export interface AgentUser {
  readonly user: string;
  readonly domain: string | undefined;
  /** Seconds since the epoch. */
  readonly since: number | undefined;
}

/** `guest-get-users`: who is logged in. */
export function usersOf(result: unknown): AgentUser[] {
  return rowsOf(result).flatMap((row) => {
    const user = text(row.user);
    return user ? [{ user, domain: text(row.domain), since: number(row['login-time']) }] : [];
  });
}

export interface AgentCard {
  readonly name: string;
  readonly mac: string | undefined;
  /** With prefix length: `192.0.2.10/24`. */
  readonly addresses: readonly string[];
}

/** `guest-network-get-interfaces`, without the loopback one. */
export function cardsOf(result: unknown): AgentCard[] {
  return rowsOf(result).flatMap((row) => {
    const name = text(row.name);
    if (!name || name === 'lo' || /loopback/i.test(name)) return [];
    const addresses = rowsOf(row['ip-addresses']).flatMap((one) => {
      const address = text(one['ip-address']);
      const prefix = number(one.prefix);
      return address ? [prefix === undefined ? address : `${address}/${prefix}`] : [];
    });
    return [{ name, mac: text(row['hardware-address']), addresses }];
  });
}

export interface AgentAddress {
  readonly name: string;
  readonly address: string;
}

/** Addresses that others can reach the guest by, IPv4 first. */
export function addressesOf(result: unknown): AgentAddress[] {
  return reachable(
    cardsOf(result).flatMap((card) =>
      card.addresses.map((one) => ({ name: card.name, address: one.replace(/\/\d+$/, '') })),
    ),
  );
}

/** Without addresses that mean something on their own link only; IPv4 first. */
export function reachable(addresses: readonly AgentAddress[]): AgentAddress[] {
  return addresses
    .filter((one) => !/^(127\.|169\.254\.|fe80:|::1$)/i.test(one.address))
    .sort((a, b) => Number(a.address.includes(':')) - Number(b.address.includes(':')));
}

export type FreezeState = 'frozen' | 'thawed' | 'unknown';

/** `guest-fsfreeze-status`. */
export function freezeStateOf(result: unknown): FreezeState {
  return result === 'frozen' || result === 'thawed' ? result : 'unknown';
}

/** `guest-fstrim`: bytes that were freed, and the file systems that could not be trimmed, with why. */
export function trimOf(result: unknown): { freed: number; failed: readonly string[] } {
  const paths = rowsOf(rowOf(result).paths);
  return {
    freed: paths.reduce((sum, one) => sum + (number(one.trimmed) ?? 0), 0),
    failed: paths.flatMap((one) => (text(one.error) ? [`${text(one.path) ?? '?'}: ${one.error}`] : [])),
  };
}

/** Whether the configuration's `agent` text switches the agent on: `1`, `enabled=1,…`. */
export function agentEnabled(value: unknown): boolean {
  return /^(?:enabled=)?(?:1|on|yes|true)\b/i.test(String(value ?? ''));
}
