/** Connections to a directory: the second server when the first does not answer, TLS, time limits, the bind of bind_dn. */
import { connect as connectTcp, isIP } from 'node:net';
import { type ConnectionOptions, connect as connectTls, type SecureVersion } from 'node:tls';
import { RyokanError } from '@ryokan/api/errors.ts';
import { Client } from 'ldapts';
import { reachOptions } from '../../../host/network-reach.ts';
import { certificateAuthorities, readSetting } from '../certificate-files.ts';
import { explainDirectory } from './explain.ts';
import { type DirectorySettings, serverUrl } from './settings.ts';

export interface DirectoryLimits {
  /** Milliseconds for a connection to be made, TLS included, for each server. */
  readonly connect: number;
  /** Milliseconds for one answer. */
  readonly answer: number;
}

export interface DirectoryConnection {
  readonly client: Client;
  /** The server that answered: `ldaps://ldap.example:636`. */
  readonly url: string;
}

/**
 * Opens a connection, lets `work` use it and closes it. Throws RyokanError 'failed' that names each server and what to
 * do about it; what `work` throws is passed on.
 */
export async function withDirectory<T>(
  settings: DirectorySettings,
  limits: DirectoryLimits,
  work: (connection: DirectoryConnection) => Promise<T>,
): Promise<T> {
  const tls = settings.mode === 'ldap' ? undefined : await tlsOptions(settings);
  const { client, url } = await openFirst(settings, limits, tls);
  try {
    return await work({ client, url });
  } finally {
    await client.unbind().catch(() => {});
  }
}

/** Logs in as bind_dn, or stays anonymous without one. Throws RyokanError 'failed'. */
export async function bindService(
  { client, url }: DirectoryConnection,
  settings: DirectorySettings,
): Promise<void> {
  const { realm, bindDn, password = '' } = settings;
  if (bindDn === undefined) return;
  // A bind without a password succeeds with the rights of nobody, and the search after it finds nothing.
  if (password === '') {
    throw new RyokanError('failed', `realm '${realm}': bind_dn is set, but no password for it`);
  }
  try {
    await client.bind(bindDn, password);
  } catch (error) {
    throw directoryError(settings, url, error);
  }
}

/** An error of a directory as RyokanError 'failed'; what is one already stays as it is. */
export function directoryError({ realm }: DirectorySettings, url: string, error: unknown): RyokanError {
  if (error instanceof RyokanError) return error;
  return new RyokanError('failed', `realm '${realm}': ${explainDirectory(url, error)}`, { cause: error });
}

async function openFirst(
  settings: DirectorySettings,
  limits: DirectoryLimits,
  tls: ConnectionOptions | undefined,
): Promise<DirectoryConnection> {
  const failures: string[] = [];
  let cause: unknown;
  for (const server of settings.servers) {
    const url = serverUrl(settings, server);
    try {
      return { client: await open(settings, server, limits, tls), url };
    } catch (error) {
      if (error instanceof RyokanError) throw error;
      cause = error;
      failures.push(explainDirectory(url, error));
    }
  }
  throw new RyokanError('failed', `realm '${settings.realm}': ${failures.join('; ')}`, { cause });
}

async function open(
  settings: DirectorySettings,
  server: string,
  limits: DirectoryLimits,
  tls: ConnectionOptions | undefined,
): Promise<Client> {
  const url = serverUrl(settings, server);
  const reached = reachOptions(server, settings.reach);
  const own = tls && { ...tls, ...reached, host: server, ...(isIP(server) ? {} : { servername: server }) };
  const connectPlain = (port: number, host: string) => connectTcp({ port, host, ...reached });
  // The client would connect again by itself, without StartTLS, and send the next password in the open.
  const client = new Client({
    url,
    timeout: limits.answer,
    strictDN: false,
    createConnection: once(connectPlain as typeof connectTcp),
    createSecureConnection: once(connectTls),
    ...(settings.mode === 'ldaps' && own ? { tlsOptions: own } : {}),
  });
  try {
    await within(limits.connect, establish(client, settings.mode, own));
    return client;
  } catch (error) {
    await client.unbind().catch(() => {});
    throw error;
  }
}

/** The client connects with its first request: StartTLS, or a look at the root of the directory, which everybody may. */
async function establish(
  client: Client,
  mode: DirectorySettings['mode'],
  tls: ConnectionOptions | undefined,
): Promise<void> {
  if (mode === 'ldap+starttls') await client.startTLS(tls);
  else
    await client
      .search('', { scope: 'base', attributes: ['1.1'], filter: '(objectClass=*)' })
      .catch(unlessAnswered);
}

/** A server that refuses the look has answered all the same. */
function unlessAnswered(error: unknown): void {
  if (error instanceof Error && 'code' in error && typeof error.code === 'number') return;
  throw error;
}

function once<F extends (...args: never[]) => unknown>(connect: F): F {
  let used = false;
  return ((...args: Parameters<F>) => {
    if (used) throw new Error('the server closed the connection');
    used = true;
    return connect(...args);
  }) as F;
}

/** Rejects with ETIMEDOUT when `work` takes longer. */
async function within<T>(milliseconds: number, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<never>((_, reject) => {
    const error = Object.assign(new Error(`no connection within ${milliseconds / 1000} s`), {
      code: 'ETIMEDOUT',
    });
    timer = setTimeout(() => reject(error), milliseconds);
  });
  try {
    return await Promise.race([work, limit]);
  } finally {
    clearTimeout(timer);
    work.catch(() => {});
  }
}

const versions: Readonly<Record<string, SecureVersion>> = {
  tlsv1: 'TLSv1',
  tlsv1_1: 'TLSv1.1',
  tlsv1_2: 'TLSv1.2',
  tlsv1_3: 'TLSv1.3',
};

async function tlsOptions(settings: DirectorySettings): Promise<ConnectionOptions> {
  const { realm, verify, capath, cert, certkey, sslversion } = settings;
  const version = sslversion === undefined ? undefined : versions[sslversion];
  const read = (path: string, setting: string) => readSetting(realm, path, setting);
  return {
    rejectUnauthorized: verify,
    ...(verify ? { ca: await certificateAuthorities(realm, capath) } : {}),
    ...(cert === undefined ? {} : { cert: await read(cert, 'cert') }),
    ...(cert === undefined ? {} : { key: await read(certkey ?? cert, 'certkey') }),
    ...(version === undefined ? {} : { minVersion: version, maxVersion: version }),
  };
}
