/** Consoles as clients open them, and live events. */
import { request as httpsRequest } from 'node:https';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import WebSocket from 'ws';
import { type ApiSession, logIn } from '../lib/api-session.ts';
import { startNode, type TestNode } from '../lib/node.ts';
import { waitFor } from '../lib/wait.ts';

let node: TestNode;
let admin: ApiSession;

interface Opened {
  readonly port: number;
  readonly ticket: string;
  readonly user: string;
  readonly upid: string;
  readonly password?: string;
}

beforeAll(async () => {
  node = await startNode();
  admin = await node.admin();
  // Without a screen the firmware talks to the serial port: something to read in a moment.
  await admin.run('POST', `${node.path}/qemu`, {
    vmid: 100,
    memory: 64,
    serial0: 'socket',
    vga: 'serial0',
    start: 1,
  });
  await admin.run('POST', `${node.path}/qemu`, { vmid: 101, memory: 64, start: 1 });
});
afterAll(() => node?.stop());

const socketUrl = (path: string, opened: Opened) =>
  `wss://127.0.0.1:${node.port}/api2/json${path}/vncwebsocket?port=${opened.port}&vncticket=${encodeURIComponent(opened.ticket)}`;

/** Opens a WebSocket and collects what comes. Rejects with the HTTP status when it is refused. */
function open(url: string, session = admin): Promise<{ socket: WebSocket; text: () => string }> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(url, 'binary', {
      rejectUnauthorized: false,
      headers: { Cookie: String(session.headers.Cookie) },
    });
    let text = '';
    socket.on('message', (data: Buffer) => {
      text += data.toString('latin1');
    });
    socket.on('unexpected-response', (_request, response) =>
      reject(new Error(`HTTP ${response.statusCode}`)),
    );
    socket.on('error', reject);
    socket.on('open', () => resolve({ socket, text: () => text }));
  });
}

const shows = (text: () => string, pattern: RegExp, timeout = 20) =>
  waitFor(async () => (pattern.test(text()) ? true : undefined), {
    timeout,
    what: () => `${pattern} in ${JSON.stringify(text().slice(-300))}`,
  });

describe('screen', () => {
  test('the VNC server of the guest answers behind the WebSocket, with password', async () => {
    const opened = await admin.call<Opened>('POST', `${node.path}/qemu/101/vncproxy`, {
      websocket: 1,
      'generate-password': 1,
    });
    expect(opened.ticket).toMatch(/^PVEVNC:/);
    expect(opened.port).toBeGreaterThanOrEqual(5900);
    expect(opened.port).toBeLessThanOrEqual(5999);
    expect(opened.password).toHaveLength(8);
    const { socket, text } = await open(socketUrl(`${node.path}/qemu/101`, opened));
    expect(socket.protocol).toBe('binary');
    await shows(text, /^RFB 003\.008\n/);
    socket.send('RFB 003.008\n');
    // One security type on offer: 2, VNC authentication.
    await waitFor(
      async () =>
        text().startsWith('RFB 003.008\n') && text().slice(12, 14) === String.fromCharCode(1, 2)
          ? true
          : undefined,
      { timeout: 5, what: 'the list of security types' },
    );
    const running = await admin.get<{ status: string }>(`${node.path}/tasks/${opened.upid}/status`);
    expect(running.status).toBe('running');
    socket.close();
    expect((await admin.taskEnd(opened.upid, 10)).exitstatus).toBe('OK');
  });

  test('two who open it at the same moment get one password, as QEMU knows only one', async () => {
    const ask = () =>
      admin.call<Opened>('POST', `${node.path}/qemu/101/vncproxy`, { websocket: 1, 'generate-password': 1 });
    const [one, two] = await Promise.all([ask(), ask()]);
    expect(one.password).toBe(two.password);
    expect(one.ticket).not.toBe(two.ticket);
  });

  test('tickets hold for one console, one user, one use', async () => {
    const opened = await admin.call<Opened>('POST', `${node.path}/qemu/101/vncproxy`, { websocket: 1 });
    await expect(open(socketUrl(`${node.path}/qemu/100`, opened))).rejects.toThrow('HTTP 403');
    await expect(
      open(socketUrl(`${node.path}/qemu/101`, { ...opened, ticket: `${opened.ticket.slice(0, -4)}AAA=` })),
    ).rejects.toThrow('HTTP 403');
    await admin.call('POST', '/access/users', { userid: 'other@pve', password: 'other-12345' });
    await admin.call('PUT', '/access/acl', { path: '/', users: 'other@pve', roles: 'Administrator' });
    const other = await logIn(node.url, 'other@pve', 'other-12345');
    await expect(open(socketUrl(`${node.path}/qemu/101`, opened), other)).rejects.toThrow('HTTP 403');
    other.close();
    const { socket } = await open(socketUrl(`${node.path}/qemu/101`, opened));
    socket.close();
    await expect(open(socketUrl(`${node.path}/qemu/101`, opened))).rejects.toThrow('HTTP 403');
  });

  test('ends with the session that opened it, with its user and with the right, and not with another session', async () => {
    const userid = 'watcher@pve';
    await admin.call('POST', '/access/users', { userid, password: 'watcher-1234' });
    const path = `${node.path}/qemu/101`;
    const acl = { path: '/vms/101', users: userid, roles: 'PVEVMUser' };
    await admin.call('PUT', '/access/acl', acl);
    const watch = async () => {
      const session = await logIn(node.url, userid, 'watcher-1234');
      const opened = await session.call<Opened>('POST', `${path}/vncproxy`, { websocket: 1 });
      const { socket, text } = await open(socketUrl(path, opened), session);
      await shows(text, /^RFB/);
      const isOpen = () => socket.readyState === WebSocket.OPEN;
      const ends = () => waitFor(() => !isOpen(), { timeout: 15, what: 'the end of the console' });
      return { session, isOpen, ends, upid: opened.upid };
    };
    const [one, other] = [await watch(), await watch()];
    await one.session.call('DELETE', '/access/sessions/current');
    await one.ends();
    expect((await admin.taskEnd(one.upid, 10)).exitstatus).toBe('OK');
    expect(other.isOpen()).toBe(true);
    await admin.call('PUT', '/access/acl', { ...acl, delete: 1 });
    await other.ends();
    await admin.call('PUT', '/access/acl', acl);
    const third = await watch();
    await admin.call('PUT', `/access/users/${userid}`, { enable: 0 });
    await third.ends();
    for (const { session } of [one, other, third]) session.close();
  });

  test('a stopped guest has no console', async () => {
    await admin.run('POST', `${node.path}/qemu`, { vmid: 102, memory: 64 });
    expect((await admin.answer('POST', `${node.path}/qemu/102/vncproxy`)).reason).toBe('VM 102 not running');
  });
});

describe('terminal', () => {
  test('the serial console shows the firmware after a reset, and takes input', async () => {
    const opened = await admin.call<Opened>('POST', `${node.path}/qemu/100/termproxy`);
    const { socket, text } = await open(socketUrl(`${node.path}/qemu/100`, opened));
    socket.send(`${opened.user}:${opened.ticket}\n`);
    await shows(text, /^OK/);
    await admin.run('POST', `${node.path}/qemu/100/status/reset`);
    await shows(text, /SeaBIOS/);
    socket.send('1:100:30:');
    socket.send('2');
    socket.send('0:1:\x1b');
    socket.close();
  });

  test('a second window takes the serial console over, and the first says so', async () => {
    const windows = [];
    for (let count = 0; count < 2; count++) {
      const opened = await admin.call<Opened>('POST', `${node.path}/qemu/100/termproxy`);
      const { socket, text } = await open(socketUrl(`${node.path}/qemu/100`, opened));
      const closed = new Promise((done) => socket.once('close', done));
      socket.send(`${opened.user}:${opened.ticket}\n`);
      await shows(text, /^OK/);
      windows.push({ socket, text, closed });
    }
    const [first, second] = windows;
    await first?.closed;
    expect(first?.text()).toContain('[admin@pve has opened this console and taken it over]');
    await admin.run('POST', `${node.path}/qemu/100/status/reset`);
    await shows(second?.text ?? String, /SeaBIOS/);
    second?.socket.close();
  });

  test('a wrong first line gets nothing', async () => {
    const opened = await admin.call<Opened>('POST', `${node.path}/qemu/100/termproxy`);
    const { socket, text } = await open(socketUrl(`${node.path}/qemu/100`, opened));
    const closed = new Promise((done) => socket.once('close', done));
    socket.send(`${opened.user}:wrong\n`);
    await closed;
    expect(text()).toBe('');
  });

  test('the node shell asks for a login, in the size of the window', async () => {
    const opened = await admin.call<Opened>('POST', `${node.path}/termproxy`);
    const { socket, text } = await open(socketUrl(node.path, opened));
    socket.send(`${opened.user}:${opened.ticket}\n`);
    await shows(text, /^OK[\s\S]*login: $/);
    socket.close();
    expect((await admin.taskEnd(opened.upid, 10)).exitstatus).toBe('OK');
  });
});

describe('events', () => {
  test('changes arrive as they happen: configuration, resource, task, log', async () => {
    let text = '';
    const stream = httpsRequest(`${node.url}/api2/json/cluster/events`, {
      rejectUnauthorized: false,
      headers: { ...admin.headers },
    });
    stream.on('response', (response) => {
      expect(response.headers['content-type']).toBe('text/event-stream');
      response.on('data', (chunk: Buffer) => {
        text += chunk.toString();
      });
    });
    stream.on('error', () => {});
    stream.end();
    await shows(() => text, /^event: hello\n/);
    await admin.call('PUT', `${node.path}/qemu/102/config`, { name: 'eventful' });
    await shows(() => text, /event: config\ndata: \{"path":"nodes\/test1\/qemu-server\/102\.conf"\}/, 5);
    await shows(() => text, /event: resource\ndata: \{"id":"qemu\/102"[^\n]*"name":"eventful"/, 5);
    await admin.run('POST', `${node.path}/qemu/102/status/start`);
    await shows(() => text, /event: task\ndata: [^\n]*"type":"qmstart"[^\n]*"status":"OK"/, 5);
    await shows(() => text, /event: resource\ndata: \{"id":"qemu\/102"[^\n]*"status":"running"/, 5);
    expect(text).not.toMatch(/event: log/);
    stream.destroy();
  });
});
