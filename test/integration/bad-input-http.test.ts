/** Clients that break the rules of HTTP, or mean harm: the node goes on serving everybody else. */
import { readdir, readFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ApiSession } from '../lib/api-session.ts';
import { formOf, multipartOf } from '../lib/http-client.ts';
import { startNode, type TestNode } from '../lib/node.ts';
import { openRaw, type RawConnection, requestHead, sendSlowly, sendZeros } from '../lib/rude-client.ts';
import { sleep, waitFor } from '../lib/wait.ts';

let node: TestNode;
let admin: ApiSession;

const gibibyte = 1024 ** 3;

beforeAll(async () => {
  node = await startNode({ name: 'badnet' });
  admin = await node.admin();
});

afterAll(async () => {
  await node?.stop();
});

/** Pids of the daemon and its children (gateway, workers). */
async function nodeProcesses(): Promise<number[]> {
  const daemon = await node.daemonPid();
  const children = await readFile(`/proc/${daemon}/task/${daemon}/children`, 'utf8');
  return [daemon, ...children.trim().split(' ').filter(Boolean).map(Number)];
}

/** Largest resident memory that one of them has ever had, in bytes. */
async function peakMemory(): Promise<number> {
  const peaks = (await nodeProcesses()).map(async (pid) => {
    const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
    return Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? 0) * 1024;
  });
  return Math.max(...(await Promise.all(peaks)));
}

/** An ordinary client's call, which must be answered quickly whatever happens beside it. */
async function expectQuickAnswer(): Promise<void> {
  const begun = performance.now();
  expect(await admin.get('/version')).toMatchObject({ version: expect.any(String) });
  expect(performance.now() - begun).toBeLessThan(2000);
}

describe('a body of 1 GiB', () => {
  test.each([
    ['POST', '/access/ticket'],
    ['PUT', '/nodes/badnet/qemu/100/config'],
  ])('to %s %s is refused without being read', async (verb, path) => {
    const before = await peakMemory();
    const connection = await openRaw(node.port);
    connection.socket.write(
      requestHead(verb, `/api2/json${path}`, {
        ...admin.headers,
        'Content-Type': 'application/x-www-form-urlencoded',
        'Content-Length': gibibyte,
      }),
    );
    const sent = await sendZeros(connection, gibibyte);
    const answer = await connection.closed(20);
    // A refused client that keeps on sending may see the connection reset before it sees the answer.
    if (answer !== '') expect(answer).toMatch(/^HTTP\/1\.1 501 for data too large\r\n/);
    expect(sent).toBeLessThan(64 * 1024 * 1024);
    expect((await peakMemory()) - before).toBeLessThan(64 * 1024 * 1024);
    await expectQuickAnswer();
  });

  test('is answered with the reason when the client waits for the answer', async () => {
    const connection = await openRaw(node.port);
    const head = { 'Content-Type': 'application/json', 'Content-Length': gibibyte };
    connection.socket.write(requestHead('POST', '/api2/json/access/ticket', head));
    expect(await connection.closed(5)).toMatch(/^HTTP\/1\.1 501 for data too large\r\n/);
  });

  test('in pieces of unknown number is refused', async () => {
    const connection = await openRaw(node.port);
    const head = { 'Content-Type': 'application/json', 'Transfer-Encoding': 'chunked' };
    connection.socket.write(requestHead('POST', '/api2/json/access/ticket', head));
    expect(await connection.closed(5)).toMatch(/^HTTP\/1\.1 501 chunked transfer encoding not supported\r\n/);
  });

  test('as a form field of an upload takes no memory', async () => {
    const before = await peakMemory();
    const { contentType, body } = multipartOf({ content: '' });
    const connection = await openRaw(node.port);
    connection.socket.write(
      requestHead('POST', `/api2/json${node.path}/storage/local/upload`, {
        ...admin.headers,
        'Content-Type': contentType,
        'Content-Length': gibibyte,
      }),
    );
    // Up to the blank line before the field's value.
    connection.socket.write(body.subarray(0, body.indexOf('\r\n\r\n') + 4));
    await sendZeros(connection, 256 * 1024 * 1024);
    connection.socket.destroy();
    expect((await peakMemory()) - before).toBeLessThan(64 * 1024 * 1024);
    await expectQuickAnswer();
  });
});

describe('a client that goes away', () => {
  test.each([0, 10, 60])('after %i bytes of its body has changed nothing', async (bytes) => {
    const form = formOf({ vmid: 300, name: 'never-whole', memory: 128, description: 'x'.repeat(500) });
    const connection = await openRaw(node.port);
    connection.socket.write(
      requestHead('POST', `/api2/json${node.path}/qemu`, {
        ...admin.headers,
        'Content-Type': 'application/x-www-form-urlencoded',
        'Content-Length': form.length,
      }),
    );
    connection.socket.write(form.slice(0, bytes));
    await sleep(200);
    connection.socket.destroy();
    await sleep(300);
    expect(await admin.get(`${node.path}/qemu`)).toEqual([]);
    await expectQuickAnswer();
  });

  test('right after its request leaves a guest that is whole, or none', async () => {
    const form = formOf({ vmid: 301, name: 'left-early', memory: 128, scsi0: 'local:1' });
    const connection = await openRaw(node.port);
    connection.socket.write(
      requestHead('POST', `/api2/json${node.path}/qemu`, {
        ...admin.headers,
        'Content-Type': 'application/x-www-form-urlencoded',
        'Content-Length': form.length,
      }) + form,
    );
    await sleep(5);
    connection.socket.destroy();
    await sleep(500);
    await waitFor(async () => (await admin.get<unknown[]>('/cluster/tasks')).every(isFinished), {
      timeout: 20,
      what: 'the end of all tasks',
    });
    const guests = await admin.get<Array<{ vmid: number; name: string }>>(`${node.path}/qemu`);
    if (guests.length > 0) {
      expect(guests).toMatchObject([{ vmid: 301, name: 'left-early' }]);
      expect(await admin.get(`${node.path}/qemu/301/config`)).toMatchObject({
        scsi0: expect.stringMatching(/^local:/),
      });
      await admin.run('DELETE', `${node.path}/qemu/301`);
    }
    // Nothing of it holds a lock: the VMID can be used.
    await admin.run('POST', `${node.path}/qemu`, { vmid: 301 });
    await admin.run('DELETE', `${node.path}/qemu/301`);
  });

  test('in the middle of many answers leaves no connection behind', async () => {
    const [, gateway = 0] = await nodeProcesses();
    const open = async (): Promise<number> => (await readdir(`/proc/${gateway}/fd`)).length;
    const before = await open();
    for (let round = 0; round < 5; round++) {
      const connections = await Promise.all(Array.from({ length: 20 }, () => openRaw(node.port)));
      for (const { socket } of connections) {
        socket.write(requestHead('GET', '/api2/json/cluster/resources', { ...admin.headers }));
        socket.destroy();
      }
    }
    await waitFor(async () => (await open()) <= before + 2, {
      timeout: 10,
      what: 'as many open files of the gateway as before',
    });
    await expectQuickAnswer();
  });

  const isFinished = (task: unknown): boolean => (task as { endtime?: number }).endtime !== undefined;
});

describe('slow-loris', () => {
  /** Opens `count` connections and has each send `text` at one byte a second, until the server closes. */
  async function crawl(count: number, text: string): Promise<RawConnection[]> {
    const connections = await Promise.all(Array.from({ length: count }, () => openRaw(node.port)));
    for (const connection of connections) void sendSlowly(connection, text, 1000);
    return connections;
  }

  test('200 clients that never end their head, body or upload are cut off; others are served meanwhile', async () => {
    const { contentType, body } = multipartOf({ content: 'iso', checksum: 'x'.repeat(3000) });
    const endless = {
      head: requestHead('GET', '/api2/json/version', { 'X-Slow': 'a'.repeat(2000) }),
      body: 'username=admin%40pve&password='.padEnd(2000, 'x'),
      upload: body.toString('latin1'),
    };
    const heads = await crawl(100, endless.head);
    const bodies = await Promise.all(Array.from({ length: 80 }, () => openRaw(node.port)));
    for (const connection of bodies) {
      const head = {
        'Content-Type': 'application/x-www-form-urlencoded',
        'Content-Length': endless.body.length,
      };
      connection.socket.write(requestHead('POST', '/api2/json/access/ticket', head));
      void sendSlowly(connection, endless.body, 1000);
    }
    const uploads = await Promise.all(Array.from({ length: 20 }, () => openRaw(node.port)));
    for (const connection of uploads) {
      const head = { 'Content-Type': contentType, 'Content-Length': 1_000_000 };
      connection.socket.write(requestHead('POST', `/api2/json${node.path}/storage/local/upload`, head));
      void sendSlowly(connection, endless.upload, 1000);
    }
    for (let second = 0; second < 10; second++) {
      await expectQuickAnswer();
      await sleep(1000);
    }
    const kept = async (what: string, connections: readonly RawConnection[]): Promise<string> => {
      const ends = await Promise.allSettled(connections.map((connection) => connection.closed(45)));
      return `${what}: ${ends.filter((end) => end.status === 'rejected').length}`;
    };
    expect(
      await Promise.all([kept('heads', heads), kept('bodies', bodies), kept('uploads', uploads)]),
    ).toEqual(['heads: 0', 'bodies: 0', 'uploads: 0']);
    await expectQuickAnswer();
  });

  test('a connection that never says anything is closed', async () => {
    const socket = connect({ port: node.port, host: '127.0.0.1' });
    let closed = false;
    socket.on('close', () => {
      closed = true;
    });
    socket.on('error', () => {});
    await waitFor(() => closed, { timeout: 30, every: 250, what: 'the end of a silent connection' });
  });
});

describe('the rules of the public API', () => {
  test.each(['HEAD', 'OPTIONS', 'PATCH', 'TRACE', 'BREW'])('%s is not available', async (verb) => {
    const connection = await openRaw(node.port);
    connection.socket.write(requestHead(verb, '/api2/json/version', { Connection: 'close' }));
    const answer = await connection.closed(5);
    // What is no verb at all is refused by the HTTP parser, before any answer could be given.
    if (verb === 'BREW' && answer === '') return;
    expect(answer).toMatch(new RegExp(`^HTTP/1\\.1 501 method '${verb}' not available\r\n`));
  });

  test('a GET or DELETE with a body is refused', async () => {
    for (const verb of ['GET', 'DELETE']) {
      const answer = await admin.client.send('/api2/json/version', {
        method: verb,
        headers: admin.headers,
        body: 'a=1',
      });
      expect(answer).toMatchObject({ status: 501, reason: `Unexpected content for method '${verb}'` });
    }
  });

  test('more header lines or a longer head than allowed do no harm', async () => {
    const lines = Object.fromEntries(Array.from({ length: 5000 }, (_, index) => [`X-${index}`, 'y']));
    for (const headers of [lines, { 'X-Long': 'z'.repeat(1024 * 1024) }]) {
      const connection = await openRaw(node.port);
      connection.socket.write(requestHead('GET', '/api2/json/version', headers));
      expect(await connection.closed(15)).not.toMatch(/^HTTP\/1\.1 200/);
    }
    await expectQuickAnswer();
  });

  test.each([
    '/../../../../etc/passwd',
    '/..%2f..%2f..%2fetc/passwd',
    '/assets/..%5c..%5cetc/passwd',
    '/%00',
    '//etc/passwd',
  ])('the path %s reaches no file of the node', async (path) => {
    const connection = await openRaw(node.port);
    connection.socket.write(requestHead('GET', path, { Connection: 'close' }));
    expect(await connection.closed(5)).not.toMatch(/root:.*:0:0:/);
  });
});
