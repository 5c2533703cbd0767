/**
 * A dnsmasq for one bridge: DHCP and DNS for guests, unprivileged after its start, without any of the host's
 * configuration. It is a daemon of its own and outlives ours. Options: dnsmasq(8).
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { RyokanError } from '@ryokan/api/errors.ts';
import { ExecError, run } from '../host/exec.ts';
import { readTextIfPresent } from '../host/files.ts';
import { commandLine, isAlive } from '../host/procfs.ts';
import { findUser } from '../host/users.ts';

export interface DhcpServerSpec {
  /** Folder for pid file and leases, and the one for the log. */
  readonly folder: string;
  readonly logFolder: string;
  readonly bridge: string;
  /** First and last address given out. */
  readonly start: string;
  readonly end: string;
  readonly prefix: number;
}

export interface DhcpServer extends DhcpServerSpec {
  readonly pidFile: string;
  readonly leaseFile: string;
  readonly logFile: string;
}

/** An address that a guest has. */
export interface Lease {
  readonly mac: string;
  readonly address: string;
  /** As the guest named itself. */
  readonly hostname?: string;
  /** Seconds since the epoch. */
  readonly expires: number;
}

export function dhcpServer(spec: DhcpServerSpec): DhcpServer {
  return {
    ...spec,
    pidFile: join(spec.folder, `dnsmasq-${spec.bridge}.pid`),
    leaseFile: join(spec.folder, `dnsmasq-${spec.bridge}.leases`),
    logFile: join(spec.logFolder, `dnsmasq-${spec.bridge}.log`),
  };
}

/** Starts the server when it does not run. Returns once it answers requests. */
export async function startDhcp(server: DhcpServer): Promise<void> {
  if (serverPid(server) !== undefined) return;
  try {
    // dnsmasq goes to the background when its sockets are open; until then errors are its exit code.
    await run('dnsmasq', dnsmasqArguments(server));
  } catch (cause) {
    const text = cause instanceof ExecError ? cause.stderr.trim() : String(cause);
    const hint = text.includes('in use') ? '; another DNS or DHCP server listens on all addresses' : '';
    throw new RyokanError('failed', `DHCP on ${server.bridge} could not be started: ${text}${hint}`, {
      cause,
    });
  }
}

function dnsmasqArguments(server: DhcpServer): string[] {
  return [
    '--conf-file=/dev/null',
    `--user=${findUser('dnsmasq') ? 'dnsmasq' : 'nobody'}`,
    `--pid-file=${server.pidFile}`,
    `--log-facility=${server.logFile}`,
    // Only this bridge, never the loopback that it would add by itself.
    `--interface=${server.bridge}`,
    '--except-interface=lo',
    '--bind-interfaces',
    `--dhcp-range=${server.start},${server.end},${netmask(server.prefix)},12h`,
    `--dhcp-leasefile=${server.leaseFile}`,
    '--dhcp-authoritative',
    // The check for a second user of an address costs 3 s at a guest's first start.
    '--no-ping',
    '--quiet-dhcp',
    '--no-hosts',
    '--domain-needed',
    '--bogus-priv',
  ];
}

/** Ends the server and waits for its end. */
export async function stopDhcp(server: DhcpServer): Promise<void> {
  const pid = serverPid(server);
  if (pid === undefined) return;
  process.kill(pid, 'SIGTERM');
  for (let waited = 0; waited < 3000; waited += 20) {
    if (!isAlive(pid)) return;
    await sleep(20);
  }
  process.kill(pid, 'SIGKILL');
}

/** The running server's pid: the pid file's, when that process really is this server. */
export function serverPid(server: DhcpServer): number | undefined {
  const pid = Number.parseInt(readTextIfPresent(server.pidFile) ?? '', 10);
  if (!(pid > 0) || !isAlive(pid)) return undefined;
  return commandLine(pid).includes(`--pid-file=${server.pidFile}`) ? pid : undefined;
}

/** Reads dnsmasq's lease file: `<expiry> <mac> <address> <hostname or *> <client id>`, one lease a line. */
export function readLeases(leaseFile: string): Lease[] {
  if (!existsSync(leaseFile)) return [];
  return (readTextIfPresent(leaseFile) ?? '')
    .split('\n')
    .map((line) => line.split(' '))
    .filter((fields) => fields.length >= 4 && /^\d+$/.test(fields[0] ?? ''))
    .map(([expires, mac = '', address = '', hostname]) => ({
      mac: mac.toUpperCase(),
      address,
      ...(hostname && hostname !== '*' ? { hostname } : {}),
      expires: Number(expires),
    }));
}

function netmask(prefix: number): string {
  return [0, 1, 2, 3].map((byte) => 256 - 2 ** (8 - Math.min(8, Math.max(0, prefix - byte * 8)))).join('.');
}
