/** A real OpenLDAP server for tests: own configuration, data and certificates in a folder, as Debian's user openldap. */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createConnection } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'ldapts';
import { loadCertificate } from '../../packages/server/src/cluster/pki.ts';
import { run } from '../../packages/server/src/host/exec.ts';
import { freePort } from './node.ts';
import { waitFor } from './wait.ts';

export const slapdReason = existsSync('/usr/sbin/slapd') ? '' : "needs Debian's package slapd";

export const baseDn = 'dc=ryokan,dc=test';
export const users = `ou=people,${baseDn}`;
export const groups = `ou=groups,${baseDn}`;
export const adminDn = `cn=admin,${baseDn}`;
/** May read everything, page by page only. */
export const readerDn = `cn=reader,${baseDn}`;
/** May read no more than 500 entries in all. */
export const limitedDn = `cn=limited,${baseDn}`;
export const secret = 'Geh: "heim" $1 \\ ß東';

export interface TestUser {
  readonly uid: string;
  readonly mail?: string;
  readonly givenName?: string;
  readonly sn?: string;
  /** Default: the uid and `-password`. */
  readonly password?: string;
}

export interface DirectoryServer {
  /** ldap and StartTLS on 127.0.0.1. */
  readonly port: number;
  /** ldaps on 127.0.0.1. */
  readonly tlsPort: number;
  /** File of the authority that signed the server's certificate. */
  readonly ca: string;
  /** Makes, changes and removes entries as cn=admin. */
  change(work: (client: Client) => Promise<unknown>): Promise<void>;
  /** Stops answering, with its port still open; `resume` goes on. */
  pause(): void;
  resume(): void;
  stop(): Promise<void>;
}

/** Starts a server that has these users, with `<uid>-password`, and groups of them. */
export async function startDirectory(
  people: readonly TestUser[],
  teams: Readonly<Record<string, readonly string[]>>,
): Promise<DirectoryServer> {
  const folder = await mkdtemp(join(tmpdir(), 'ryn-ldap-'));
  const [port, tlsPort] = [await freePort(), await freePort()];
  const ca = await prepareFiles(folder);
  const conf = join(folder, 'slapd.conf');
  await writeFile(join(folder, 'all.ldif'), ldif(people, teams));
  await run('/usr/sbin/slapadd', ['-q', '-f', conf, '-l', join(folder, 'all.ldif')], { timeout: 60_000 });
  await run('/bin/chown', ['-R', 'openldap:openldap', folder]);
  const urls = `ldap://127.0.0.1:${port} ldaps://127.0.0.1:${tlsPort}`;
  const args = ['-f', conf, '-h', urls, '-u', 'openldap', '-g', 'openldap', '-d', '0'];
  const child = spawn('/usr/sbin/slapd', args, { stdio: ['ignore', 'ignore', 'pipe'] });
  const failure = collectErrors(child);
  await waitFor(() => answers(port), { timeout: 60, what: () => `slapd: ${failure()}` });
  return {
    port,
    tlsPort,
    ca,
    async change(work) {
      const client = new Client({ url: `ldap://127.0.0.1:${port}` });
      try {
        await client.bind(adminDn, secret);
        await work(client);
      } finally {
        await client.unbind();
      }
    },
    pause: () => void child.kill('SIGSTOP'),
    resume: () => void child.kill('SIGCONT'),
    async stop() {
      child.kill('SIGCONT');
      const ended = new Promise((resolve) => child.once('exit', resolve));
      if (child.exitCode === null && child.kill('SIGTERM')) await ended;
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function prepareFiles(folder: string): Promise<string> {
  const data = join(folder, 'data');
  await mkdir(data);
  await loadCertificate(join(folder, 'pki'), 'ldap');
  const ca = join(folder, 'ca.pem');
  await copyFile(join(folder, 'pki/ca.pem'), ca);
  const schemas = ['core', 'cosine', 'inetorgperson', 'nis'];
  const lines = [
    ...schemas.map((name) => `include /etc/ldap/schema/${name}.schema`),
    'modulepath /usr/lib/ldap',
    'moduleload back_mdb',
    `TLSCACertificateFile ${ca}`,
    `TLSCertificateFile ${join(folder, 'pki/node.pem')}`,
    `TLSCertificateKeyFile ${join(folder, 'pki/node.key')}`,
    'TLSVerifyClient try',
    'database mdb',
    'maxsize 268435456',
    `suffix "${baseDn}"`,
    `rootdn "${adminDn}"`,
    `rootpw "${secret.replace(/(["\\])/g, '\\$1')}"`,
    `directory ${data}`,
    'index objectClass,uid,cn eq',
    `limits dn.exact="${readerDn}" size.soft=500 size.hard=500 size.pr=500 size.prtotal=unlimited`,
    'access to attrs=userPassword by anonymous auth by * none',
    'access to * by * read',
  ];
  await writeFile(join(folder, 'slapd.conf'), `${lines.join('\n')}\n`);
  return ca;
}

function ldif(people: readonly TestUser[], teams: Readonly<Record<string, readonly string[]>>): string {
  const entries: Record<string, string | readonly string[]>[] = [
    { dn: baseDn, objectClass: ['dcObject', 'organization'], dc: 'ryokan', o: 'Test' },
    ...[users, groups].map((dn) => ({ dn, objectClass: 'organizationalUnit' })),
    ...[readerDn, limitedDn].map((dn) => ({
      dn,
      objectClass: ['organizationalRole', 'simpleSecurityObject'],
      userPassword: secret,
    })),
    ...people.map(({ uid, mail, givenName, sn, password }) => ({
      dn: userDn(uid),
      objectClass: 'inetOrgPerson',
      uid,
      cn: uid,
      sn: sn ?? uid,
      ...(mail === undefined ? {} : { mail }),
      ...(givenName === undefined ? {} : { givenName }),
      userPassword: password ?? `${uid}-password`,
    })),
    ...Object.entries(teams).map(([cn, members]) => ({
      dn: `cn=${cn},${groups}`,
      objectClass: 'groupOfNames',
      cn,
      member: members.map(userDn),
    })),
  ];
  return entries.map((entry) => `${Object.entries(entry).flatMap(attributeLines).join('\n')}\n`).join('\n');
}

const attributeLines = ([key, values]: [string, string | readonly string[]]): string[] =>
  [values].flat().map((value) => `${key}:: ${Buffer.from(value, 'utf8').toString('base64')}`);

/** The DN of a test user; what a DN escapes is escaped (RFC 4514). */
export const userDn = (uid: string): string => `uid=${uid.replace(/([,+"\\<>;=#])/g, '\\$1')},${users}`;

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

function collectErrors(child: ChildProcess): () => string {
  let text = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    text += chunk.toString();
  });
  return () => text;
}
