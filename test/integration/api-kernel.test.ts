/** What clients of the public API rely on, against a running node: client-contracts of transport, envelope and login. */
import { connect as connectPlain } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type ApiSession, logIn, tokenSession } from '../lib/api-session.ts';
import { HttpClient, jsonOf } from '../lib/http-client.ts';
import { startNode, type TestNode } from '../lib/node.ts';
import { openRaw, requestHead } from '../lib/rude-client.ts';

let node: TestNode;
let admin: ApiSession;
let client: HttpClient;

beforeAll(async () => {
  node = await startNode();
  admin = await node.admin();
  client = new HttpClient(node.url);
});
afterAll(async () => {
  client?.close();
  await node?.stop();
});

const form = { 'Content-Type': 'application/x-www-form-urlencoded' };

describe('transport', () => {
  test('headers and envelope of a success', async () => {
    const answer = await admin.answer('GET', '/version');
    expect(answer.status).toBe(200);
    expect(answer.headers['content-type']).toBe('application/json;charset=UTF-8');
    expect(answer.headers['cache-control']).toBe('max-age=0');
    expect(answer.headers.pragma).toBe('no-cache');
    expect(jsonOf<{ version: string }>(answer).data.version).toMatch(/^9\.\d+/);
  });

  test('TLS 1.2 and 1.3, HTTP/1.1 only', async () => {
    for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
      const socket = connectTls({
        port: node.port,
        host: '127.0.0.1',
        rejectUnauthorized: false,
        minVersion: version,
        maxVersion: version,
        ALPNProtocols: ['h2', 'http/1.1'],
      });
      await new Promise((resolve, reject) => socket.once('secureConnect', resolve).once('error', reject));
      expect(socket.getProtocol()).toBe(version);
      expect(socket.alpnProtocol).toBe('http/1.1');
      socket.destroy();
    }
    const old = connectTls({
      port: node.port,
      host: '127.0.0.1',
      rejectUnauthorized: false,
      minVersion: 'TLSv1.1',
      maxVersion: 'TLSv1.1',
      ciphers: 'DEFAULT:@SECLEVEL=0',
    });
    await expect(
      new Promise((resolve, reject) => old.once('secureConnect', resolve).once('error', reject)),
    ).rejects.toThrow();
  });

  test('the certificate names localhost, the node and its addresses', async () => {
    const socket = connectTls({ port: node.port, host: '127.0.0.1', rejectUnauthorized: false });
    await new Promise((resolve) => socket.once('secureConnect', resolve));
    const names = socket.getPeerCertificate().subjectaltname ?? '';
    socket.destroy();
    for (const name of ['DNS:localhost', `DNS:${node.name}`, 'IP Address:127.0.0.1'])
      expect(names).toContain(name);
  });

  test('plain HTTP on the TLS port is redirected', async () => {
    const ask = (method: string) =>
      new Promise<string>((resolve) => {
        const socket = connectPlain(node.port, '127.0.0.1');
        let text = '';
        socket.on('data', (chunk) => {
          text += chunk.toString();
        });
        socket.on('close', () => resolve(text));
        socket.write(
          `${method} /api2/json/version HTTP/1.1\r\nHost: box:8006\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`,
        );
      });
    expect(await ask('GET')).toMatch(
      /^HTTP\/1\.1 301 [\s\S]*location: https:\/\/box:8006\/api2\/json\/version/i,
    );
    expect(await ask('POST')).toMatch(/^HTTP\/1\.1 308 /);
  });

  test.each(['HEAD', 'OPTIONS', 'PATCH'])('%s is refused with 501', async (method) => {
    const answer = await client.send('/api2/json/version', { method });
    expect(answer.status).toBe(501);
    expect(answer.reason).toBe(`method '${method}' not available`);
  });

  test('chunked bodies and bodies of GET are refused with 501', async () => {
    const chunked = await openRaw(node.port);
    chunked.socket.write(
      `${requestHead('POST', '/api2/json/access/ticket', { 'Transfer-Encoding': 'chunked', ...form })}5\r\nab=cd\r\n0\r\n\r\n`,
    );
    expect(await chunked.closed(5)).toMatch(/^HTTP\/1\.1 501 chunked transfer encoding not supported/);
    const withBody = await openRaw(node.port);
    withBody.socket.write(
      `${requestHead('DELETE', '/api2/json/access/ticket', { 'Content-Length': 3, ...form })}abc`,
    );
    expect(await withBody.closed(5)).toMatch(/^HTTP\/1\.1 501 Unexpected content for method 'DELETE'/);
  });

  test('bodies over 512 KiB are refused with 501 before they are read', async () => {
    const connection = await openRaw(node.port);
    connection.socket.write(
      requestHead('POST', '/api2/json/access/ticket', { 'Content-Length': 512 * 1024 + 1, ...form }),
    );
    expect(await connection.closed(5)).toMatch(/^HTTP\/1\.1 501 for data too large/);
  });

  test('an unknown content type is 506', async () => {
    const answer = await client.send('/api2/json/access/ticket', {
      method: 'POST',
      headers: { 'Content-Type': 'text/csv' },
      body: 'a',
    });
    expect(answer.status).toBe(506);
  });

  test('gzip when it is accepted and worth it', async () => {
    const send = (path: string) =>
      client.send(`/api2/json${path}`, { headers: { ...admin.headers, 'Accept-Encoding': 'gzip' } });
    const long = await send('/access/roles');
    expect(long.headers['content-encoding']).toBe('gzip');
    expect(JSON.parse(gunzipSync(long.body).toString())).toHaveProperty('data');
    expect((await send('/version')).headers['content-encoding']).toBeUndefined();
  });

  test('errors close the connection, successes keep it', async () => {
    expect((await admin.answer('GET', '/version')).headers.connection).toBe('keep-alive');
    expect((await admin.answer('GET', '/nowhere')).headers.connection).toBe('close');
  });
});

describe('paths and parameters', () => {
  test('unknown path and verb: 501 with the text that clients know', async () => {
    const path = await admin.answer('GET', '/nowhere');
    expect([path.status, path.reason]).toEqual([501, "Method 'GET /nowhere' not implemented"]);
    expect(jsonOf(path)).toMatchObject({ data: null, message: "Method 'GET /nowhere' not implemented\n" });
    const verb = await admin.answer('DELETE', '/version');
    expect([verb.status, verb.reason]).toEqual([501, "Method 'DELETE /version' not implemented"]);
    expect((await client.send('/api2/xml/version', { headers: admin.headers })).status).toBe(501);
  });

  test('paths are decoded first; trailing and doubled slashes do not matter', async () => {
    for (const path of ['/api2/json//version/', '/api2/json/%76ersion', '/api2/json%2Fversion']) {
      expect((await client.send(path, { headers: admin.headers })).status, path).toBe(200);
    }
  });

  test('form separators, repeated keys, JSON bodies, query over body', async () => {
    const make = (userid: string, body: string, type = form['Content-Type']) =>
      client.send('/api2/json/access/users', {
        method: 'POST',
        headers: { ...admin.headers, 'Content-Type': type },
        body: body.replace('ID', userid),
      });
    expect((await make('a1@pve', 'userid=ID;comment=%E6%97%A5+%E6%9C%AC')).status).toBe(200);
    expect((await admin.get<{ comment: string }>('/access/users/a1@pve')).comment).toBe('日 本');
    expect((await make('a2@pve', '{"userid":"ID","enable":true}', 'application/json')).status).toBe(200);
    expect((await make('a3@pve', 'userid=ID&enable=true')).status).toBe(400);
    expect((await make('a4@pve', '{"userid":', 'application/json')).status).toBe(400);
    const mixed = await client.send('/api2/json/access/users?comment=query', {
      method: 'POST',
      headers: { ...admin.headers, ...form },
      body: 'userid=a5@pve&comment=body',
    });
    expect(mixed.status).toBe(200);
    expect((await admin.get<{ comment: string }>('/access/users/a5@pve')).comment).toBe('query');
  });

  test('a body value that differs from the path is refused', async () => {
    const answer = await admin.answer('PUT', '/access/users/root@pam', { userid: 'other@pam' });
    expect(answer.status).toBe(400);
    expect(jsonOf(answer).errors?.userid).toBe(
      'duplicate parameter (already defined in URI) with conflicting values!',
    );
  });

  test('_dc is dropped, other unknown parameters are named', async () => {
    expect((await admin.answer('GET', '/version', { _dc: 1 })).status).toBe(200);
    const answer = await admin.answer('GET', '/version', { nonsense: 1 });
    expect([answer.status, answer.reason]).toEqual([400, 'Parameter verification failed.']);
    expect(jsonOf(answer).errors?.nonsense).toBe(
      'property is not defined in schema and the schema does not allow additional properties',
    );
  });

  test.each([
    [
      { memory: 'x' },
      'memory',
      /invalid format - format error\ncurrent: type check \('integer'\) failed - got 'x'/,
    ],
    [{ vmid: 99 }, 'vmid', /value must have a minimum value of 100/],
    [{ vmid: 1_000_000_000 }, 'vmid', /value must have a maximum value of 999999999/],
    [{ vmid: 'abc' }, 'vmid', /type check \('integer'\) failed - got 'abc'/],
    [{ ostype: 'dos' }, 'ostype', /value 'dos' does not have a value in the enumeration 'other, /],
    [{ net0: 'virtio,bridge=-' }, 'net0', /invalid format - format error\nbridge: /],
    [{ force: 1 }, 'archive', /missing property required by 'force'/],
  ])('create with %j names %s', async (bad, key, text) => {
    const answer = await admin.answer('POST', `${node.path}/qemu`, { vmid: 100, ...bad });
    expect(answer.status).toBe(400);
    expect(jsonOf(answer).errors?.[key]).toMatch(text);
  });

  test('a missing parameter is named', async () => {
    const answer = await admin.answer('POST', `${node.path}/qemu`, {});
    expect(jsonOf(answer).errors).toMatchObject({ vmid: 'property is missing and it is not optional' });
  });

  test('extjs answers are 200 with success, status and errors inside', async () => {
    const ok = await client.send('/api2/extjs/version', { headers: admin.headers });
    expect(JSON.parse(ok.body.toString())).toMatchObject({
      success: 1,
      data: { release: expect.any(String) },
    });
    const bad = await client.send('/api2/extjs/version?x=1', { headers: admin.headers });
    expect(bad.status).toBe(200);
    expect(JSON.parse(bad.body.toString())).toMatchObject({
      success: 0,
      status: 400,
      data: null,
      errors: { x: expect.any(String) },
    });
  });

  test('unknown guests and nodes: 500 with the text that clients know', async () => {
    const guest = await admin.answer('GET', `${node.path}/qemu/999/config`);
    expect([guest.status, guest.reason]).toEqual([
      500,
      `Configuration file 'nodes/${node.name}/qemu-server/999.conf' does not exist`,
    ]);
    const storage = await admin.answer('GET', `${node.path}/storage/nope/status`);
    expect([storage.status, storage.reason]).toEqual([500, "storage 'nope' does not exist"]);
    expect((await admin.answer('GET', '/nodes/elsewhere/status')).status).toBe(500);
    expect((await admin.answer('GET', '/nodes/localhost/version')).status).toBe(200);
  });
});

describe('login', () => {
  test('no ticket, a wrong one and a missing CSRF token: 401, empty body, known reasons', async () => {
    const none = await client.send('/api2/json/version');
    expect([none.status, none.reason, none.body.length]).toEqual([401, 'No ticket', 0]);
    expect(none.headers['content-type']).toBeUndefined();
    const wrong = await client.send('/api2/json/version', {
      headers: { Cookie: 'PVEAuthCookie=PVE:root@pam:00000000::AAAA' },
    });
    expect(wrong.status).toBe(401);
    expect(wrong.reason).toMatch(/invalid PVE ticket/);
    const csrf = await client.send('/api2/json/access/groups', {
      method: 'POST',
      headers: { Cookie: String(admin.headers.Cookie), ...form },
      body: 'groupid=x',
    });
    expect([csrf.status, csrf.reason]).toEqual([401, 'Permission denied - invalid csrf token']);
  });

  test('a wrong password: 401 with JSON, after about 3 s', async () => {
    const started = Date.now();
    const answer = await client.send('/api2/json/access/ticket', {
      method: 'POST',
      headers: form,
      body: 'username=admin@pve&password=wrong',
    });
    const took = Date.now() - started;
    expect(answer.status).toBe(401);
    expect(jsonOf(answer)).toMatchObject({ data: null, message: 'authentication failure\n' });
    expect(took).toBeGreaterThan(2500);
    expect(took).toBeLessThan(4500);
  });

  test('a ticket renews itself as password; raw and percent-encoded cookies work', async () => {
    const ticket = String(admin.headers.Cookie).slice('PVEAuthCookie='.length);
    const renewed = await logIn(node.url, 'admin@pve', ticket);
    expect((await renewed.answer('GET', '/version')).status).toBe(200);
    renewed.close();
    const encoded = await client.send('/api2/json/version', {
      headers: { Cookie: `PVEAuthCookie=${encodeURIComponent(ticket)}` },
    });
    expect(encoded.status).toBe(200);
    const header = await client.send('/api2/json/version', {
      headers: { Authorization: `PVEAuthCookie=${ticket}` },
    });
    expect(header.status).toBe(200);
  });

  test('API tokens: no CSRF needed, privileges cut, both separators, not for tickets', async () => {
    const { value } = await admin.call<{ value: string }>('POST', '/access/users/admin@pve/token/t1', {
      privsep: 0,
    });
    const token = tokenSession(node.url, `admin@pve!t1=${value}`);
    expect(await token.call('POST', '/access/groups', { groupid: 'by-token' })).toBeNull();
    const blank = await client.send('/api2/json/version', {
      headers: { Authorization: `PVEAPIToken admin@pve!t1=${value}` },
    });
    expect(blank.status).toBe(200);
    const password = await token.answer('PUT', '/access/password', {
      userid: 'admin@pve',
      password: 'x12345678',
    });
    expect(password.status).toBe(403);
    const separated = await admin.call<{ value: string }>('POST', '/access/users/admin@pve/token/t2', {
      privsep: 1,
    });
    const weak = tokenSession(node.url, `admin@pve!t2=${separated.value}`);
    expect((await weak.answer('POST', '/access/groups', { groupid: 'no' })).status).toBe(403);
    token.close();
    weak.close();
  });
});
