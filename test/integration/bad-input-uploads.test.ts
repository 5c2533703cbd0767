/** Uploads and downloads that must fail, and leave nothing behind. */
import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { ApiSession } from '../lib/api-session.ts';
import { jsonOf, multipartOf } from '../lib/http-client.ts';
import { startNode, type TestNode } from '../lib/node.ts';
import { describeErrors, failureText, nothingLeft, refused, storedFiles } from '../lib/refusals.ts';
import { openRaw, requestHead } from '../lib/rude-client.ts';
import { sleep } from '../lib/wait.ts';

let node: TestNode;
let admin: ApiSession;
let upload: string;
let before: readonly string[];

/** Looks like an ISO image as far as anybody checks: the descriptor of ISO 9660 in sector 16. */
const isoContent = Buffer.alloc(64 * 1024);
isoContent.write('\x01CD001\x01', 16 * 2048, 'latin1');
const isoSha256 = createHash('sha256').update(isoContent).digest('hex');

beforeAll(async () => {
  node = await startNode({ name: 'badup' });
  admin = await node.admin();
  upload = `${node.path}/storage/local/upload`;
  await admin.get(`${node.path}/storage/local/content`);
});

beforeEach(async () => {
  before = await storedFiles(node);
});

afterAll(async () => {
  await node?.stop();
});

/** Uploads and gives the failure's text, from the answer or from the task. */
async function uploadFailure(fileName: string, fields: Readonly<Record<string, string>>, path = upload) {
  const answer = await admin.upload(path, fileName, isoContent, fields);
  const { data, message = '', errors = {} } = jsonOf<string | null>(answer);
  if (answer.status !== 200) return describeErrors(message, errors);
  const { exitstatus } = await admin.taskEnd(data ?? '');
  expect(exitstatus, `upload of ${fileName} was done`).not.toBe('OK');
  return exitstatus;
}

describe('an upload', () => {
  test('that is right arrives whole (so the failures below fail for their own reason)', async () => {
    const fields = { content: 'iso', checksum: isoSha256, 'checksum-algorithm': 'sha256' };
    const answer = await admin.upload(upload, 'right.iso', isoContent, fields);
    expect(answer.status).toBe(200);
    const { exitstatus } = await admin.taskEnd(jsonOf<string>(answer).data);
    expect(exitstatus).toBe('OK');
    expect(await readFile(join(node.dataDir, 'storage/template/iso/right.iso'))).toEqual(isoContent);
  });

  test('with a wrong checksum fails and keeps no file', async () => {
    const text = await uploadFailure('wrong.iso', {
      content: 'iso',
      checksum: isoSha256.replace(/^./, (digit) => (digit === '0' ? '1' : '0')),
      'checksum-algorithm': 'sha256',
    });
    expect(text).toMatch(/checksum/i);
    await nothingLeft(node, before);
  });

  test('with half of a checksum fails before the file is sent', async () => {
    expect(await uploadFailure('half.iso', { content: 'iso', checksum: isoSha256 })).toMatch(
      /checksum-algorithm/,
    );
    const short = { content: 'iso', checksum: 'abc', 'checksum-algorithm': 'sha256' };
    expect(await uploadFailure('short.iso', short)).toMatch(/checksum|hex/i);
    await nothingLeft(node, before);
  });

  test('that says it is complete but lacks the end of its body is refused', async () => {
    const { contentType, body } = multipartOf(
      { content: 'iso' },
      { field: 'filename', fileName: 'cut.iso', content: isoContent },
    );
    const cut = body.subarray(0, body.length - 4096);
    const connection = await openRaw(node.port);
    connection.socket.write(
      requestHead('POST', `/api2/json${upload}`, {
        ...admin.headers,
        'Content-Type': contentType,
        'Content-Length': cut.length,
        Connection: 'close',
      }),
    );
    connection.socket.write(cut);
    expect(await connection.closed(15)).toMatch(/^HTTP\/1\.1 [45]\d\d /);
    await nothingLeft(node, before);
  });

  test('that is broken off in the middle leaves no rest', async () => {
    const { contentType, body } = multipartOf(
      { content: 'iso' },
      { field: 'filename', fileName: 'broken.iso', content: Buffer.alloc(8 * 1024 * 1024, 7) },
    );
    const tasks = await admin.get<unknown[]>(`${node.path}/tasks`);
    const connection = await openRaw(node.port);
    connection.socket.write(
      requestHead('POST', `/api2/json${upload}`, {
        ...admin.headers,
        'Content-Type': contentType,
        'Content-Length': body.length,
      }),
    );
    connection.socket.write(body.subarray(0, body.length / 2));
    await sleep(700);
    expect((await storedFiles(node)).length, 'the file should be on its way').toBe(before.length + 1);
    connection.socket.destroy();
    await nothingLeft(node, before);
    expect(await admin.get(`${node.path}/tasks`)).toHaveLength(tasks.length);
    const again = await admin.upload(upload, 'broken.iso', isoContent, { content: 'iso' });
    expect((await admin.taskEnd(jsonOf<string>(again).data)).exitstatus).toBe('OK');
    await admin.call('DELETE', `${node.path}/storage/local/content/local:iso/broken.iso`, { delay: 10 });
  });

  test('without login is refused before its file is sent', async () => {
    const { contentType, body } = multipartOf(
      { content: 'iso' },
      { field: 'filename', fileName: 'nobody.iso', content: isoContent },
    );
    const connection = await openRaw(node.port);
    connection.socket.write(
      requestHead('POST', `/api2/json${upload}`, {
        'Content-Type': contentType,
        'Content-Length': 1024 ** 3,
      }),
    );
    connection.socket.write(body.subarray(0, 2048));
    expect(await connection.closed(10)).toMatch(/^HTTP\/1\.1 401 /);
    await nothingLeft(node, before);
  });

  test('into a storage without that content says which contents there are', async () => {
    const path = await mkdtemp('/tmp/rysec-');
    await admin.call('POST', '/storage', { type: 'dir', storage: 'second', path, content: 'images' });
    const text = await uploadFailure('stray.iso', { content: 'iso' }, `${node.path}/storage/second/upload`);
    expect(text).toMatch(/second/);
    expect(text).toMatch(/iso/);
    await admin.call('DELETE', '/storage/second');
    await rm(path, { recursive: true });
    await nothingLeft(node, before);
  });

  test('of a name that is taken leaves the first file alone', async () => {
    const text = await uploadFailure('right.iso', { content: 'iso' });
    expect(text).toMatch(/already exists/);
    await nothingLeft(node, before);
    expect(await readFile(join(node.dataDir, 'storage/template/iso/right.iso'))).toEqual(isoContent);
  });

  test.each([
    '../../../escape.iso',
    '..',
    '/etc/cron.d/escape.iso',
    'a/../../escape.iso',
    'sub\\..\\x.iso',
    '%2e%2e%2fx.iso',
  ])('under the name %s stays inside its folder', async (fileName) => {
    const namings: Record<string, string>[] = [{}, { filename: fileName }];
    for (const naming of namings) {
      const answer = await admin.upload(upload, fileName, isoContent, { content: 'iso', ...naming });
      if (answer.status === 200) await admin.taskEnd(jsonOf<string>(answer).data);
      const added = (await storedFiles(node)).filter((path) => !before.includes(path));
      // Either refused, or one file in the folder of ISO images under a harmless name.
      expect(added.length).toBeLessThanOrEqual(1);
      for (const path of added) {
        expect(path).toMatch(/^storage\/template\/iso\/[A-Za-z0-9_][A-Za-z0-9_.-]*\.iso$/);
        const volume = path.slice('storage/template/'.length);
        await admin.call('DELETE', `${node.path}/storage/local/content/local:${volume}`, { delay: 10 });
      }
    }
    await nothingLeft(node, before);
  });

  test('cannot name a file of the node as the one that was received', async () => {
    const secret = join(node.dataDir, 'initial-admin-password');
    const text = await failureText(admin, 'POST', upload, {
      content: 'iso',
      filename: 'stolen.iso',
      tmpfilename: secret,
    });
    expect(text).not.toBe('');
    const byPart = await admin.upload(upload, 'mine.iso', isoContent, {
      content: 'iso',
      tmpfilename: secret,
    });
    if (byPart.status === 200) await admin.taskEnd(jsonOf<string>(byPart).data);
    expect((await stat(secret)).size).toBeGreaterThan(8);
    const added = (await storedFiles(node)).filter((path) => !before.includes(path));
    for (const path of added) expect(await readFile(join(node.dataDir, path))).toEqual(isoContent);
    if (added.length > 0) {
      await admin.call('DELETE', `${node.path}/storage/local/content/local:iso/mine.iso`, { delay: 10 });
    }
    await nothingLeft(node, before);
  });
});

describe('a download', () => {
  let server: Server;
  let url: string;

  beforeAll(async () => {
    server = createServer((request, response) => {
      if (request.url === '/short.iso') {
        // Promises more than it sends.
        response.writeHead(200, { 'Content-Length': isoContent.length * 2 });
        response.write(isoContent, () => response.socket?.destroy());
      } else if (request.url === '/good.iso') response.end(isoContent);
      else response.writeHead(404).end();
    });
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });

  afterAll(() => {
    server?.close();
  });

  const download = (file: string, parameters: Readonly<Record<string, string>> = {}) =>
    failureText(admin, 'POST', `${node.path}/storage/local/download-url`, {
      content: 'iso',
      filename: 'loaded.iso',
      url: `${url}/${file}`,
      ...parameters,
    });

  test('with a wrong checksum keeps no file', async () => {
    const text = await download('good.iso', { checksum: '0'.repeat(64), 'checksum-algorithm': 'sha256' });
    expect(text).toMatch(/checksum/i);
    await nothingLeft(node, before);
  });

  test('that ends early keeps no file', async () => {
    expect(await download('short.iso')).not.toBe('');
    await nothingLeft(node, before);
  });

  test('of what the server does not have says so', async () => {
    expect(await download('missing.iso')).toMatch(/404/);
    await nothingLeft(node, before);
  });
});

describe('a volume id', () => {
  const outside = [
    'local:iso/../../../../etc/passwd',
    'local:../../initial-admin-password',
    'local:100/../../../config.db',
    'local:/etc/passwd',
    'local:iso//etc/passwd',
    'local:iso/..%2f..%2fconfig.db',
    'local:import/../../../node.json',
    'local:100/vm-100-disk-0.qcow2/../../../../node.json',
  ];

  test.each(outside)('%s reaches nothing outside its storage', async (volid) => {
    const content = `${node.path}/storage/local/content`;
    const config = await readFile(join(node.dataDir, 'node.json'), 'utf8');
    for (const name of [volid, encodeURIComponent(volid)]) {
      await refused(admin, 'GET', `${content}/${name}`);
      await refused(admin, 'DELETE', `${content}/${name}`);
    }
    await refused(admin, 'GET', `${node.path}/volume-path`, { volume: volid });
    for (const key of ['ide2', 'scsi0']) {
      const value = key === 'ide2' ? `${volid},media=cdrom` : volid;
      expect(await failureText(admin, 'POST', `${node.path}/qemu`, { vmid: 900, [key]: value })).not.toBe('');
      const importing = { vmid: 900, scsi0: `local:0,import-from=${volid}` };
      expect(await failureText(admin, 'POST', `${node.path}/qemu`, importing)).not.toBe('');
    }
    expect(await admin.get(`${node.path}/qemu`)).toEqual([]);
    expect(await readFile(join(node.dataDir, 'node.json'), 'utf8')).toBe(config);
    await nothingLeft(node, before);
  });

  test('with a path instead of a volume is for root only', async () => {
    const file = join(node.dataDir, 'outside.raw');
    await writeFile(file, Buffer.alloc(1024));
    const text = await failureText(admin, 'POST', `${node.path}/qemu`, { vmid: 900, scsi0: file });
    expect(text).not.toBe('');
    await nothingLeft(node, before);
  });
});
