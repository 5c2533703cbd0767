/**
 * The log of packets. Rules hand them to the node's own NFLOG group; an ulogd writes what it gets there as JSON, one line a
 * packet, to DATA/log/firewall.json. It runs without rights, is a daemon of its own and outlives ours, as the rules do.
 */
import { createHash } from 'node:crypto';
import { chownSync, closeSync, existsSync, openSync, statSync, truncateSync } from 'node:fs';
import { copyFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ExecError, run } from '../../host/exec.ts';
import { readTextIfPresent } from '../../host/files.ts';
import { commandLine, isAlive } from '../../host/procfs.ts';
import { findUser } from '../../host/users.ts';

interface LogPaths {
  readonly paths: { readonly root: string; readonly run: string };
}

/** Bytes of the log from which on it is kept as the one before, and a new one begins. */
const longLog = 8 * 1024 * 1024;
/** The system user of Debian's ulogd. */
const logUser = 'ulog';

/** The node's NFLOG group: nodes that share a network namespace have different ones. 0 is everybody's. */
export function logGroup(dataDir: string): number {
  return (createHash('sha1').update(dataDir).digest().readUInt16BE(0) % 65_535) + 1;
}

export const packetLogFile = (dataDir: string): string => join(dataDir, 'log', 'firewall.json');

/**
 * Has a logger run when rules log, and none when none does. Resolves with what keeps it from that; never rejects, because
 * rules hold without a log too.
 */
export async function keepPacketLog(host: LogPaths, rules: string): Promise<string | undefined> {
  const pidFile = join(host.paths.run, 'firewall', 'ulogd.pid');
  const pid = loggerPid(pidFile);
  const wanted = / log prefix /.test(rules);
  try {
    if (!wanted && pid !== undefined) process.kill(pid, 'SIGTERM');
    if (wanted) await rotate(packetLogFile(host.paths.root));
    if (wanted && pid === undefined) await startLogger(host, pidFile);
    return undefined;
  } catch (error) {
    const reason = error instanceof ExecError ? error.message : String(error);
    return `packets are not logged: ${reason}; is the package ulogd2-json installed?`;
  }
}

async function startLogger({ paths }: LogPaths, pidFile: string): Promise<void> {
  const folder = join(paths.run, 'firewall');
  const config = join(folder, 'ulogd.conf');
  const log = packetLogFile(paths.root);
  const messages = join(paths.root, 'log', 'ulogd.log');
  const user = findUser(logUser);
  for (const file of [log, messages]) {
    closeSync(openSync(file, 'a', 0o640));
    if (user) chownSync(file, user.uid, user.gid);
  }
  await writeFile(config, loggerConfig(logGroup(paths.root), log, messages));
  // It goes to the background once it listens; until then errors are its exit code.
  await run('ulogd', ['-d', '-c', config, '-p', pidFile, ...(user ? ['-u', logUser] : [])]);
}

const loggerConfig = (group: number, log: string, messages: string): string => `[global]
logfile="${messages}"
loglevel=7
stack=packets:NFLOG,base:BASE,interfaces:IFINDEX,addresses:IP2STR,hardware:HWHDR,file:JSON
[packets]
group=${group}
[file]
file="${log}"
sync=1
`;

function loggerPid(pidFile: string): number | undefined {
  const pid = Number.parseInt(readTextIfPresent(pidFile) ?? '', 10);
  return pid > 0 && isAlive(pid) && commandLine(pid).includes(pidFile) ? pid : undefined;
}

/** The logger appends, so that it goes on in the emptied file. */
async function rotate(log: string): Promise<void> {
  if ((statSync(log, { throwIfNoEntry: false })?.size ?? 0) < longLog) return;
  await copyFile(log, `${log}.1`);
  truncateSync(log);
}

export interface LogQuery {
  /** 0: the node itself; undefined: all. */
  readonly vmid?: number | undefined;
  /** Seconds since the epoch, both included. */
  readonly since?: number | undefined;
  readonly until?: number | undefined;
}

/** A line of the log: time in seconds since the epoch, text in the form of Proxmox VE's firewall log. */
export interface LogLine {
  readonly time: number;
  readonly text: string;
}

/** Oldest first; what was logged before the last 8 to 16 MiB is gone. */
export async function readPacketLog(dataDir: string, query: LogQuery): Promise<LogLine[]> {
  const log = packetLogFile(dataDir);
  const texts = await Promise.all(
    [`${log}.1`, log].map((file) => (existsSync(file) ? readFile(file, 'utf8') : '')),
  );
  return texts
    .flatMap((text) => text.split('\n'))
    .flatMap((line) => {
      const parsed = parsePacket(line);
      if (!parsed || (query.vmid !== undefined && parsed.vmid !== query.vmid)) return [];
      if (query.since !== undefined && parsed.time < query.since) return [];
      if (query.until !== undefined && parsed.time > query.until) return [];
      return [parsed];
    });
}

/** What ulogd writes about a packet; only what is read here. */
type Packet = Readonly<Record<string, string | number | undefined>>;

/** Undefined for what is no packet of a rule: a line broken off, another program's. */
export function parsePacket(line: string): (LogLine & { vmid: number }) | undefined {
  let packet: Packet;
  try {
    packet = JSON.parse(line) as Packet;
  } catch {
    return undefined;
  }
  const [, vmid, level, chain, what] =
    /^:(\d+):(\d):([\w-]+): (.*?):? *$/.exec(String(packet['oob.prefix'] ?? '')) ?? [];
  if (vmid === undefined || level === undefined || chain === undefined || what === undefined)
    return undefined;
  const time = packet['oob.time.sec'] ?? Math.floor(Date.parse(String(packet.timestamp)) / 1000);
  const text = `${vmid} ${level} ${chain} ${formatTime(Number(time))} ${what}: ${packetText(packet)}`;
  return { vmid: Number(vmid), time: Number(time), text };
}

const months = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** `21/Nov/2026:15:56:06 +0000`, in UTC. */
function formatTime(seconds: number): string {
  const date = new Date(seconds * 1000);
  const two = (number: number) => String(number).padStart(2, '0');
  const day = `${two(date.getUTCDate())}/${months[date.getUTCMonth()]}/${date.getUTCFullYear()}`;
  return `${day}:${two(date.getUTCHours())}:${two(date.getUTCMinutes())}:${two(date.getUTCSeconds())} +0000`;
}

const protocolNames: Readonly<Record<string, string>> = { 1: 'ICMP', 6: 'TCP', 17: 'UDP', 58: 'ICMPv6' };

/** `IN=tap100i0 OUT=… SRC=… DST=… LEN=… PROTO=TCP SPT=… DPT=… SYN`, what is known of it. */
function packetText(packet: Packet): string {
  const protocol = packet['ip.protocol'] ?? packet['ip6.nexthdr'];
  const fields: readonly (readonly [string, string | number | undefined])[] = [
    ['IN', packet['oob.in']],
    ['OUT', packet['oob.out']],
    ['MAC', packet['mac.str']],
    ['SRC', packet.src_ip ?? packet['arp.saddr.str']],
    ['DST', packet.dest_ip ?? packet['arp.daddr.str']],
    ['LEN', packet['ip.totlen'] ?? packet['ip6.payloadlen']],
    ['TOS', packet['ip.tos']],
    ['TTL', packet['ip.ttl'] ?? packet['ip6.hoplimit']],
    ['ID', packet['ip.id']],
    ['PROTO', protocol === undefined ? undefined : (protocolNames[protocol] ?? protocol)],
    ['SPT', packet.src_port ?? packet['tcp.sport'] ?? packet['udp.sport']],
    ['DPT', packet.dest_port ?? packet['tcp.dport'] ?? packet['udp.dport']],
    ['TYPE', packet['icmp.type'] ?? packet['icmpv6.type']],
    ['CODE', packet['icmp.code'] ?? packet['icmpv6.code']],
  ];
  const flags = ['syn', 'ack', 'fin', 'rst', 'psh', 'urg'].filter((flag) => packet[`tcp.${flag}`] === 1);
  return [
    ...fields.flatMap(([name, value]) => (value === undefined || value === '' ? [] : [`${name}=${value}`])),
    ...flags.map((flag) => flag.toUpperCase()),
  ].join(' ');
}
