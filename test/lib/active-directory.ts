/**
 * A real Active Directory for tests: Samba's domain controller, as far as it is a directory (no Kerberos, SMB or DNS), on
 * 127.0.0.1. Its ports cannot be chosen: 389 and 636. Making the domain takes half a minute.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadCertificate } from '../../packages/server/src/cluster/pki.ts';
import { run } from '../../packages/server/src/host/exec.ts';
import { waitFor } from './wait.ts';

/** They are no packages of every test: where systemd runs, they start a file server that the network can reach. */
export const activeDirectoryReason =
  existsSync('/usr/sbin/samba') && existsSync('/usr/share/samba/setup/ad-schema')
    ? ''
    : "needs Debian's packages samba-ad-dc, samba-ad-provision and python3-markdown";

export const domain = 'corp.ryokan.test';
export const base = 'DC=corp,DC=ryokan,DC=test';

export interface ActiveDirectory {
  /** File of the authority that signed the server's certificate. */
  readonly ca: string;
  /** samba-tool on the directory's own data: `tool('user', 'create', …)`. */
  tool(...args: readonly string[]): Promise<void>;
  stop(): Promise<void>;
}

export async function startActiveDirectory(): Promise<ActiveDirectory> {
  const folder = await mkdtemp(join(tmpdir(), 'ryn-ad-'));
  if (await answers()) throw new Error('port 389 of 127.0.0.1 is taken: end the directory service there');
  await run(
    '/usr/bin/samba-tool',
    [
      ...['domain', 'provision', `--realm=${domain.toUpperCase()}`, '--domain=CORP', '--server-role=dc'],
      ...['--dns-backend=NONE', '--host-name=dc1', '--host-ip=127.0.0.1', `--targetdir=${folder}`],
      '--adminpass=Admin-1234!',
    ],
    { timeout: 600_000 },
  );
  const conf = join(folder, 'smb.conf');
  const ca = await prepare(folder, conf);
  const child = spawn('/usr/sbin/samba', ['-i', '-M', 'single', `--configfile=${conf}`], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const errors = textOf(child);
  await waitFor(answers, { timeout: 120, what: () => `samba: ${errors()}` });
  const data = ['-H', join(folder, 'private/sam.ldb'), `--configfile=${conf}`];
  return {
    ca,
    tool: async (...args) =>
      void (await run('/usr/bin/samba-tool', [...args, ...data], { timeout: 120_000 })),
    async stop() {
      const ended = new Promise((resolve) => child.once('exit', resolve));
      if (child.exitCode === null && child.kill('SIGTERM')) await ended;
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** A certificate for 127.0.0.1 in place of the one that Samba makes for itself, and only the directory of all services. */
async function prepare(folder: string, conf: string): Promise<string> {
  const pki = join(folder, 'pki');
  await loadCertificate(pki, 'dc1');
  for (const name of ['run', 'cache']) await mkdir(join(folder, name), { recursive: true });
  const settings = {
    'netbios name': 'DC1',
    workgroup: 'CORP',
    realm: domain.toUpperCase(),
    'server role': 'active directory domain controller',
    'server services': 'ldap',
    interfaces: 'lo',
    'bind interfaces only': 'yes',
    'log file': join(folder, 'log'),
    'private dir': join(folder, 'private'),
    'state directory': join(folder, 'state'),
    'lock directory': folder,
    'cache directory': join(folder, 'cache'),
    'pid directory': join(folder, 'run'),
    'ncalrpc dir': join(folder, 'run/ncalrpc'),
    'tls keyfile': join(pki, 'node.key'),
    'tls certfile': join(pki, 'node.pem'),
    'tls cafile': join(pki, 'ca.pem'),
  };
  const lines = Object.entries(settings).map(([key, value]) => `\t${key} = ${value}`);
  const shares = ['sysvol', 'netlogon'].map((name) => `[${name}]\n\tpath = ${join(folder, 'state/sysvol')}`);
  await writeFile(conf, `[global]\n${lines.join('\n')}\n${shares.join('\n')}\n`);
  return join(pki, 'ca.pem');
}

function answers(): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(389, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

function textOf(child: ChildProcess): () => string {
  let text = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    text += chunk.toString();
  });
  return () => text;
}
