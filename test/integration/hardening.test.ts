/** What protects a node from the network, and the node from its own gateway; docs/guide/security.md says why. */
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { request } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { run } from '../../packages/server/src/host/exec.ts';
import { type ApiSession, logIn } from '../lib/api-session.ts';
import { startNode, type TestNode } from '../lib/node.ts';
import { checkTls } from '../lib/tls-check.ts';

let node: TestNode;
let admin: ApiSession;
let gatewayPid: number;

beforeAll(async () => {
  node = await startNode();
  admin = await node.admin();
  const { stdout } = await run('pgrep', ['-P', String(await node.daemonPid()), '-f', 'gateway.mjs']);
  gatewayPid = Number(stdout.trim().split('\n')[0]);
});
afterAll(() => node?.stop());

test('TLS that a scanner has nothing against', async () => {
  const report = await checkTls(node.port);
  expect(report.findings).toEqual([]);
  expect(report.protocols).toEqual(['TLSv1.3', 'TLSv1.2']);
  // All of those for the key that the node has, and no others.
  expect(report.ciphers.toSorted()).toEqual([
    'ECDHE-ECDSA-AES128-GCM-SHA256',
    'ECDHE-ECDSA-AES256-GCM-SHA384',
    'ECDHE-ECDSA-CHACHA20-POLY1305',
  ]);
  expect(report.certificate.names).toContain('IP Address:127.0.0.1');
});

const headersOf = async (path: string, headers: Record<string, string> = {}) =>
  (await admin.client.send(path, { method: 'GET', headers })).headers;

test('pages carry a policy without anything inline', async () => {
  for (const path of ['/', '/datacenter/summary', '/theme.js', '/assets/none.js']) {
    const headers = await headersOf(path);
    const policy = headers['content-security-policy'] ?? '';
    expect(policy, path).toContain("default-src 'self'");
    expect(policy, path).not.toMatch(/(script|style|connect)-src|unsafe|\*/);
    expect(policy).toContain("frame-ancestors 'none'");
    expect(headers['x-content-type-options']).toBe('nosniff');
    expect(headers['x-frame-options']).toBe('DENY');
    expect(headers['referrer-policy']).toBe('no-referrer');
  }
  expect((await headersOf('/api2/json/version', admin.headers))['x-content-type-options']).toBe('nosniff');
});

test('HSTS as the datacenter says, on pages and calls, from the next answer on', async () => {
  const told = async () => [
    (await headersOf('/'))['strict-transport-security'],
    (await headersOf('/api2/json/version', admin.headers))['strict-transport-security'],
  ];
  // A browser that insists on a certificate it trusts would be locked out by the one that a new node has.
  expect(await told()).toEqual([undefined, undefined]);
  for (const [options, header] of [
    [{ hsts: 31_536_000 }, 'max-age=31536000'],
    [{ hsts: 0 }, 'max-age=0'],
    [{ delete: 'hsts' }, undefined],
  ] as const) {
    await admin.call('PUT', '/cluster/options', options);
    await expect.poll(told, { timeout: 10_000 }).toEqual([header, header]);
  }
});

/** What is answered to an upgrade to a WebSocket. */
function upgrade(path: string, headers: Record<string, string>): Promise<string> {
  return new Promise((resolve, reject) => {
    const call = request(`${node.url}${path}`, {
      rejectUnauthorized: false,
      headers: {
        Connection: 'Upgrade',
        Upgrade: 'websocket',
        'Sec-WebSocket-Version': '13',
        'Sec-WebSocket-Key': Buffer.alloc(16).toString('base64'),
        ...headers,
      },
    });
    call.on('response', (response) => resolve(response.statusMessage ?? ''));
    call.on('upgrade', (_response, socket) => {
      socket.destroy();
      resolve('upgraded');
    });
    call.on('error', reject);
    call.end();
  });
}

test('a page of another site cannot open a console with the cookie of this one', async () => {
  const path = `/api2/json${node.path}/vncwebsocket?port=5900&vncticket=x`;
  const refusal = 'this page may not open consoles here';
  const cookie = { Cookie: admin.headers.Cookie ?? '' };
  expect(await upgrade(path, { ...cookie, Origin: 'https://evil.example' })).toBe(refusal);
  expect(await upgrade(path, { ...cookie, Origin: 'null' })).toBe(refusal);
  // From its own page, and from a program that names no origin, the call gets to the ticket, which is no good here.
  expect(await upgrade(path, { ...cookie, Origin: node.url })).not.toBe(refusal);
  expect(await upgrade(path, cookie)).not.toBe(refusal);
});

test('who may enter realms but does not administer the node sends it to no local service', async () => {
  let asked = 0;
  const service = createServer((_request, response) => {
    asked++;
    response.end('{}');
  });
  await new Promise<void>((resolve) => service.listen(0, '127.0.0.1', resolve));
  const { port } = service.address() as AddressInfo;
  await admin.call('POST', '/access/roles', { roleid: 'Realms', privs: 'Realm.Allocate' });
  await admin.call('POST', '/access/users', { userid: 'realms@pve', password: 'realms-1234' });
  await admin.call('PUT', '/access/acl', { path: '/access/realm', users: 'realms@pve', roles: 'Realms' });
  const session = await logIn(node.url, 'realms@pve', 'realms-1234');
  try {
    const settings = { realm: 'sso', type: 'openid', 'client-id': 'x' };
    for (const host of ['127.0.0.1', 'localhost']) {
      const answer = await session.answer('POST', '/access/domains', {
        ...settings,
        'issuer-url': `http://${host}:${port}/`,
      });
      expect(`${answer.status} ${answer.reason}`).toMatch(/^403 .*Sys.Modify/);
    }
    expect(asked).toBe(0);
    await admin.call('POST', '/access/domains', { ...settings, 'issuer-url': `http://127.0.0.1:${port}/` });
  } finally {
    session.close();
    service.close();
  }
});

test('nothing outside of the Web UI can be fetched', async () => {
  const paths = [
    '/../config.db',
    '/%2e%2e/%2e%2e/etc/shadow',
    '/assets/../../../config.db',
    '/assets/%2e%2e%2f%2e%2e%2fconfig.db',
  ];
  for (const path of paths) {
    const { body } = await admin.client.send(path, { method: 'GET', headers: {} });
    expect(body.toString(), path).not.toMatch(/SQLite format|root:/);
  }
});

test('the gateway runs without rights: own user, no capabilities, no way to get more', async () => {
  const status = await readFile(`/proc/${gatewayPid}/status`, 'utf8');
  const field = (name: string) => new RegExp(`^${name}:\\s*(.*)$`, 'm').exec(status)?.[1]?.trim() ?? '';
  const { stdout } = await run('id', ['-u', 'ryokan']);
  expect(field('Uid').split(/\s+/)).toEqual(Array.from({ length: 4 }, () => stdout.trim()));
  for (const set of ['CapInh', 'CapPrm', 'CapEff', 'CapAmb']) expect(field(set), set).toMatch(/^0+$/);
  expect(field('NoNewPrivs')).toBe('1');
  expect(
    field('Groups')
      .split(/\s+/)
      .filter(Boolean)
      .every((group) => group !== '0'),
  ).toBe(true);
});

test('a gateway that was taken over can read no secret and reach no guest', async () => {
  await admin.run('POST', `${node.path}/qemu`, { vmid: 100, memory: 64, scsi0: 'local:1' });
  const as = (script: string) =>
    run(
      'setpriv',
      ['--reuid', 'ryokan', '--regid', 'ryokan', '--clear-groups', '--no-new-privs', '/bin/sh', '-c', script],
      {
        okCodes: [0, 1, 2],
      },
    );
  const secrets = [
    'config.db',
    'config.db-wal',
    'node.db',
    'sessions.db',
    'initial-admin-password',
    'pki/ticket.key',
    'pki/csrf.key',
    'pki',
    'log/daemon.log',
    'log/audit',
    'log/tasks',
    'storage/images/100/vm-100-disk-0.qcow2',
    'run/qemu',
  ].map((path) => join(node.dataDir, path));
  for (const path of [...secrets, '/etc/shadow']) {
    const { stdout } = await as(
      `if [ -d '${path}' ]; then ls '${path}'; else cat '${path}'; fi 2>/dev/null | head -c 20`,
    );
    expect(stdout, path).toBe('');
  }
  for (const socket of ['run/daemon.sock', 'run/worker.sock']) {
    const path = join(node.dataDir, socket);
    const { stdout } = await as(
      `node -e "require('net').connect('${path}').on('connect',()=>{console.log('in');process.exit()}).on('error',()=>console.log('out'))"`,
    );
    expect(stdout.trim(), socket).toBe('out');
  }
}, 60_000);
