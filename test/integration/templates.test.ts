/** The catalogue of templates from a web server of this test, with its own signing key; and images from a registry. */
import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Testbed } from '../../packages/server/src/api/handlers/storage-testbed.ts';
import { changeOptions } from '../../packages/server/src/cluster/options-document.ts';
import { run } from '../../packages/server/src/host/exec.ts';
import { makeImage } from '../lib/oci-image.ts';
import { type Registry, startRegistry } from '../lib/oci-registry.ts';
import { makeSigningKey } from '../lib/signing-key.ts';

let folder: string;
let bed: Testbed;
const rights = ['Datastore.AllocateTemplate', 'Datastore.Audit'] as const;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ryokan-templates-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));
beforeEach(async () => {
  bed = await Testbed.make({ 'inside@pve': { '/storage/local': rights } });
});
afterEach(() => bed.cleanup());

const kept = async () => [
  ...(await readdir(join(bed.root, 'storage/template/cache')).catch(() => [])),
  ...(await readdir(join(bed.root, 'spool'))),
  ...(await readdir(join(bed.root, 'run'))),
];

describe('the catalogue', () => {
  let server: Server;
  let base: string;
  let files: Map<string, Buffer>;
  const template = Buffer.from('a template');
  const sha512 = createHash('sha512').update(template).digest('hex');
  const md5 = createHash('md5').update(template).digest('hex');
  const stanza = (name: string, more: string) =>
    `Package: ${name}\nVersion: 12.7-1\nType: lxc\nOS: debian-12\nSection: system\nArchitecture: amd64\n${more}` +
    `Description: Debian 12\n A small system.\n .\n For tests.\n`;
  const index = [
    stanza('good', `Location: system/good_1.tar.zst\nsha512sum: ${sha512}\nmd5sum: 0\n`),
    stanza('old', `Location: system/old_1.tar.gz\nmd5sum: ${md5}\n`),
    stanza('wrong', `Location: system/wrong_1.tar.gz\nsha512sum: ${'0'.repeat(128)}\n`),
    stanza('bare', 'Location: system/bare_1.tar.gz\n'),
    stanza('evil', 'Location: ../../etc/passwd\n'),
    'no stanza at all',
  ].join('\n');

  beforeAll(async () => {
    await writeFile(join(folder, 'aplinfo.dat'), index);
    for (const name of ['signer', 'stranger']) {
      const key = await makeSigningKey(join(folder, `gpg-${name}`));
      await key.sign(join(folder, 'aplinfo.dat'), join(folder, `${name}.asc`));
      if (name === 'signer') await key.export(join(folder, 'keys.gpg'));
    }
    server = createServer((request, response) => {
      const body = files.get(request.url ?? '');
      if (body) response.writeHead(200, { 'content-length': body.length }).end(body);
      else response.writeHead(404).end();
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterAll(() => server.close());
  beforeEach(async () => {
    files = new Map([
      ['/images/aplinfo.dat.gz', gzipSync(index)],
      ['/images/aplinfo.dat', Buffer.from(index)],
      ['/images/aplinfo.dat.asc', await readFile(join(folder, 'signer.asc'))],
      ...['good_1.tar.zst', 'old_1.tar.gz', 'wrong_1.tar.gz'].map(
        (name) => [`/images/system/${name}`, template] as const,
      ),
    ]);
    await choose(`${base}/images/aplinfo.dat.gz,keyring=${join(folder, 'keys.gpg')}`);
  });

  const choose = (text: string) =>
    changeOptions(bed.services.store, 'datacenter.cfg', { set: { 'template-catalogue': text } }, 'root@pam');
  const list = () => bed.call('GET', '/nodes/pve1/aplinfo');
  const fetchOne = (name: string) =>
    bed.task('POST', '/nodes/pve1/aplinfo', { storage: 'local', template: name });

  it('is read, and kept', async () => {
    const { data } = await list();
    expect((data as { template: string }[]).map((one) => one.template)).toEqual([
      'good_1.tar.zst',
      'old_1.tar.gz',
      'wrong_1.tar.gz',
      'bare_1.tar.gz',
    ]);
    expect((data as unknown[])[0]).toMatchObject({
      ...{
        package: 'good',
        headline: 'Debian 12',
        description: 'A small system.\n\nFor tests.',
        section: 'system',
      },
      ...{ source: `${base}/images`, location: 'system/good_1.tar.zst', sha512sum: sha512 },
    });
    files.clear();
    expect((await list()).data).toEqual(data);
    const update = await bed.task('PUT', '/nodes/pve1/aplinfo');
    expect(update.status).toMatch(/404/);
    expect((await list()).data).toEqual(data);
  });

  it('is plain, too', async () => {
    await choose(`url=${base}/images/aplinfo.dat,keyring=${join(folder, 'keys.gpg')}`);
    expect((await list()).data).toHaveLength(4);
  });

  it.each<[string, () => Promise<unknown> | unknown, RegExp]>([
    [
      'a stranger has signed',
      async () => files.set('/images/aplinfo.dat.asc', await readFile(join(folder, 'stranger.asc'))),
      /not signed by a key/,
    ],
    [
      'was changed',
      () => files.set('/images/aplinfo.dat.gz', gzipSync(`${index}\n`)),
      /not signed by a key.*BAD|bad/i,
    ],
    ['has no signature', () => files.delete('/images/aplinfo.dat.asc'), /404/],
    ['is not there', () => files.clear(), /404/],
    ['is no gzip file', () => files.set('/images/aplinfo.dat.gz', Buffer.from('x')), /cannot unpack/],
    ['comes over http without a signature', () => choose(`${base}/images/aplinfo.dat`), /needs a signature/],
    [
      'has a keyring that is not there',
      () => choose(`${base}/images/aplinfo.dat,keyring=/nowhere`),
      /cannot be read/,
    ],
  ])('that %s is refused', async (_what, change, text) => {
    await change();
    expect((await list()).reason).toMatch(text);
    expect(await kept()).toEqual([]);
  });

  it('is empty where there is none', async () => {
    await changeOptions(
      bed.services.store,
      'datacenter.cfg',
      { set: {}, delete: 'template-catalogue' },
      'root@pam',
    );
    expect((await list()).data).toEqual([]);
    const answer = await bed.call('POST', '/nodes/pve1/aplinfo', {
      storage: 'local',
      template: 'good_1.tar.zst',
    });
    expect(answer.reason).toMatch(/set the datacenter's option/);
  });

  it('downloads with the checksum that it says', async () => {
    expect((await fetchOne('good_1.tar.zst')).status).toBe('OK');
    expect((await fetchOne('old_1.tar.gz')).lines.join('\n')).toMatch(/md5 checksum is right/);
    expect(await kept()).toEqual(['good_1.tar.zst', 'old_1.tar.gz']);
    const again = await fetchOne('good_1.tar.zst');
    expect([again.status, again.lines.at(-1)]).toEqual(['OK', 'it is the right one']);
    await writeFile(join(bed.root, 'storage/template/cache/good_1.tar.zst'), 'another');
    expect((await fetchOne('good_1.tar.zst')).status).toMatch(/checksum mismatch/);
  });

  it('refuses what has a wrong checksum, none, or is not on offer', async () => {
    expect((await fetchOne('wrong_1.tar.gz')).status).toMatch(/checksum mismatch/);
    expect(await kept()).toEqual([]);
    const ask = (name: string, user?: string) =>
      bed.call('POST', '/nodes/pve1/aplinfo', { storage: 'local', template: name }, user ? { user } : {});
    expect((await ask('bare_1.tar.gz')).errors?.template).toMatch(/no checksum/);
    expect((await ask('passwd')).errors?.template).toMatch(/no such template/);
    expect((await ask('good_1.tar.zst', 'nobody@pve')).status).toBe(403);
    expect((await ask('good_1.tar.zst', 'inside@pve')).status).toBe(200);
    await bed.tasks.at(-1)?.ended;
  });
});

describe('a registry', () => {
  let registry: Registry;
  beforeAll(async () => {
    const layout = join(folder, 'layout');
    await makeImage(layout, { tag: 'v1', files: { 'etc/motd': 'hello\n' } });
    registry = await startRegistry(layout, 'team/app');
  });
  afterAll(() => registry.stop());

  it('has tags', async () => {
    const ask = (reference: string) => bed.call('GET', '/nodes/pve1/query-oci-repo-tags', { reference });
    expect((await ask(`${registry.host}/team/app`)).data).toEqual(['v1']);
    expect((await ask(`${registry.host}/team/none`)).reason).toMatch(/did not give/);
    expect((await ask('127.0.0.1:1/team/app')).reason).toMatch(/refused/);
    expect((await ask('UPPER/../x')).errors).toHaveProperty('reference');
  });

  it('gives an image that becomes a template', async () => {
    const path = '/nodes/pve1/storage/local/oci-registry-pull';
    const pulled = await bed.task('POST', path, { reference: `${registry.host}/team/app:v1` });
    expect([pulled.status, pulled.lines.at(-1)]).toEqual(['OK', "made volume 'local:vztmpl/app_v1.tar'"]);
    expect(await kept()).toEqual(['app_v1.tar']);
    const { stdout } = await run('tar', ['-tf', join(bed.root, 'storage/template/cache/app_v1.tar')]);
    expect(stdout).toMatch(/^oci-layout$/m);
    const again = await bed.call('POST', path, { reference: `${registry.host}/team/app:v1` });
    expect(again.reason).toMatch(/already exists/);
    const named = { reference: `${registry.host}/team/app:v2`, filename: 'mine' };
    expect((await bed.task('POST', path, named)).status).toMatch(/did not give/);
    expect(await kept()).toEqual(['app_v1.tar']);
    expect((await bed.call('POST', path, named, { user: 'inside@pve' })).status).toBe(403);
  });
});
