/**
 * Machines from elsewhere, by REST: an OVA with a disk as VMware writes it becomes a guest that boots, every disk format
 * is read, and whatever a stranger may have put into a file is refused with nothing left behind.
 */
import { createHash } from 'node:crypto';
import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { run } from '../../packages/server/src/host/exec.ts';
import type { ApiSession, TaskEnd } from '../lib/api-session.ts';
import { testCacheDir } from '../lib/asset-cache.ts';
import { accessibilityFindings, openBrowser, openPage, screenshot } from '../lib/browser.ts';
import { openTerminal } from '../lib/console-client.ts';
import { jsonOf } from '../lib/http-client.ts';
import { projectRoot, startNode, type TestNode } from '../lib/node.ts';
import { buildTinyGuest, type TinyGuest } from '../lib/tiny-guest.ts';
import { waitFor } from '../lib/wait.ts';
import { logInByForm, uploadInDialog } from '../lib/web-ui.ts';

let node: TestNode;
let admin: ApiSession;
let tiny: TinyGuest;
let work: string;

beforeAll(async () => {
  node = await startNode();
  admin = await node.admin();
  tiny = await buildTinyGuest(testCacheDir());
  work = await mkdtemp(join(tmpdir(), 'ryokan-import-'));
  await run('qemu-img', ['create', '-q', '-f', 'raw', at('small.raw'), '8M']);
  await run('qemu-io', [
    '-f',
    'raw',
    '-c',
    'write -q -P 7 1M 64k',
    '-c',
    'write -q -P 8 7M 512k',
    at('small.raw'),
  ]);
});
afterAll(async () => {
  await node?.stop();
  await rm(work, { recursive: true, force: true });
});

interface Metadata {
  readonly 'create-args': Record<string, string | number>;
  readonly disks: Record<string, { volid?: string; size?: number }>;
  readonly net: Record<string, { model: string; macaddr?: string }>;
  readonly source: string;
  readonly warnings: { type: string; key?: string; value?: string }[];
}

const local = () => `${node.path}/storage/local`;
const metadata = (volume: string) => admin.get<Metadata>(`${local()}/import-metadata`, { volume });
const at = (name: string) => join(work, name);
const spool = () => readdir(join(node.dataDir, 'spool'));
const imports = async () => (await readdir(join(node.dataDir, 'storage/import'))).sort();

/** Uploads a file as content `import`; gives the end of its task. */
async function upload(file: string, name?: string): Promise<TaskEnd> {
  const answer = await admin.uploadFile(`${local()}/upload`, file, { content: 'import' }, name);
  expect(answer.status, answer.reason).toBe(200);
  return admin.taskEnd(jsonOf<string>(answer).data);
}

/** A task that is expected to fail; gives its error. */
async function failure(vmid: number, parameters: Record<string, string | number>): Promise<string> {
  const upid = await admin.call<string>('POST', `${node.path}/qemu`, { vmid, ...parameters });
  return (await admin.taskEnd(upid)).exitstatus;
}

const descriptor = (name: string, disk: string) => `<?xml version="1.0" encoding="UTF-8"?>
<Envelope xmlns="http://schemas.dmtf.org/ovf/envelope/1" xmlns:ovf="http://schemas.dmtf.org/ovf/envelope/1"
  xmlns:rasd="http://schemas.dmtf.org/wbem/wscim/1/cim-schema/2/CIM_ResourceAllocationSettingData"
  xmlns:vmw="http://www.vmware.com/schema/ovf">
  <References>${disk === '' ? '' : `<File ovf:href="${disk}" ovf:id="file1"/>`}</References>
  <DiskSection><Disk ovf:capacity="64" ovf:capacityAllocationUnits="byte * 2^20" ovf:diskId="vmdisk1" ovf:fileRef="file1"/></DiskSection>
  <VirtualSystem ovf:id="${name}">
    <OperatingSystemSection ovf:id="96" vmw:osType="debian12_64Guest"><Info/></OperatingSystemSection>
    <VirtualHardwareSection>
      <Item><rasd:InstanceID>1</rasd:InstanceID><rasd:ResourceType>3</rasd:ResourceType><rasd:VirtualQuantity>1</rasd:VirtualQuantity></Item>
      <Item><rasd:AllocationUnits>byte * 2^20</rasd:AllocationUnits><rasd:InstanceID>2</rasd:InstanceID><rasd:ResourceType>4</rasd:ResourceType><rasd:VirtualQuantity>256</rasd:VirtualQuantity></Item>
      <Item><rasd:Address>0</rasd:Address><rasd:InstanceID>3</rasd:InstanceID><rasd:ResourceSubType>virtio-scsi</rasd:ResourceSubType><rasd:ResourceType>6</rasd:ResourceType></Item>
      ${disk === '' ? '' : '<Item><rasd:AddressOnParent>0</rasd:AddressOnParent><rasd:ElementName>Hard Disk 1</rasd:ElementName><rasd:HostResource>ovf:/disk/vmdisk1</rasd:HostResource><rasd:InstanceID>4</rasd:InstanceID><rasd:Parent>3</rasd:Parent><rasd:ResourceType>17</rasd:ResourceType></Item>'}
      <Item><rasd:Address>00:50:56:8A:00:01</rasd:Address><rasd:Connection>VM Network</rasd:Connection><rasd:InstanceID>5</rasd:InstanceID><rasd:ResourceSubType>VmxNet3</rasd:ResourceSubType><rasd:ResourceType>10</rasd:ResourceType></Item>
      <Item><rasd:ElementName>Serial port 1</rasd:ElementName><rasd:InstanceID>6</rasd:InstanceID><rasd:ResourceType>21</rasd:ResourceType></Item>
    </VirtualHardwareSection>
  </VirtualSystem>
</Envelope>
`;

/** Makes an image of a small disk with something on it, or of another raw one. */
async function convert(format: string, target: string, source = at('small.raw')): Promise<string> {
  const options = format === 'vmdk' ? ['-o', 'subformat=streamOptimized'] : [];
  await run('qemu-img', ['convert', '-f', 'raw', '-O', format, ...options, source, at(target)]);
  return at(target);
}

/** A disk of the guest has what was on the small disk. */
async function expectSame(volume: string, format: string, source = at('small.raw')): Promise<void> {
  const path = join(node.dataDir, 'storage/images', volume);
  await run('qemu-img', ['compare', '-f', 'raw', '-F', format, source, path]);
}

interface OvaParts {
  readonly disk?: string;
  /** Digest that the manifest says, instead of the right one. */
  readonly digest?: string;
  readonly manifest?: boolean;
}

/** Packs an OVA with descriptor, manifest and the disk, in the order of the specification. */
async function pack(
  name: string,
  { disk = 'disk1.vmdk', digest, manifest = true }: OvaParts = {},
): Promise<string> {
  const folder = at(`${name}.d`);
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, `${name}.ovf`), descriptor(name, disk));
  const files = [`${name}.ovf`];
  const digests: string[] = [];
  for (const file of [`${name}.ovf`, ...(disk === '' ? [] : [disk])]) {
    if (file === disk) await copyFile(at(disk), join(folder, disk));
    const right = createHash('sha256')
      .update(await readFile(join(folder, file)))
      .digest('hex');
    digests.push(`SHA256(${file})= ${file === disk ? (digest ?? right) : right}\n`);
  }
  if (manifest) {
    await writeFile(join(folder, `${name}.mf`), digests.join(''));
    files.push(`${name}.mf`);
  }
  if (disk !== '') files.push(disk);
  await run('tar', ['--format=ustar', '-cf', at(`${name}.ova`), '-C', folder, ...files]);
  return at(`${name}.ova`);
}

describe('an OVA', () => {
  test('is uploaded, shown with what is recognised, and becomes a guest that boots', async () => {
    await convert('vmdk', 'disk1.vmdk', tiny.disk);
    const end = await upload(await pack('web'));
    expect(end.exitstatus).toBe('OK');
    const list = await admin.get<{ volid: string; format: string; size: number }[]>(`${local()}/content`, {
      content: 'import',
    });
    expect(list).toMatchObject([{ volid: 'local:import/web.ova', format: 'ova' }]);
    expect(list[0]?.size).toBe((await stat(at('web.ova'))).size);

    const found = await metadata('import/web.ova');
    expect(found).toMatchObject({
      type: 'vm',
      source: 'ova',
      'create-args': {
        name: 'web',
        cores: 1,
        sockets: 1,
        memory: 256,
        ostype: 'l26',
        scsihw: 'virtio-scsi-single',
      },
      disks: { scsi0: { volid: 'local:import/web.ova/disk1.vmdk', size: 64 * 1024 ** 2 } },
      net: { net0: { model: 'vmxnet3', macaddr: '00:50:56:8A:00:01', network: 'VM Network' } },
      warnings: [{ type: 'serial-port-socket-only', key: 'serial0' }],
    });

    const disk = `local:0,import-from=${found.disks.scsi0?.volid},format=qcow2`;
    const task = await admin.run('POST', `${node.path}/qemu`, {
      vmid: 300,
      ...found['create-args'],
      scsi0: disk,
      net0: 'vmxnet3=00:50:56:8A:00:01',
    });
    expect(task.log.join('\n')).toContain("scsi0: copying 'local:import/web.ova/disk1.vmdk'");
    const config = await admin.get<Record<string, string>>(`${node.path}/qemu/300/config`);
    expect(config.scsi0).toMatch(/^local:300\/vm-300-disk-0\.qcow2,size=/);
    expect(config).toMatchObject({ name: 'web', memory: '256', net0: 'vmxnet3=00:50:56:8A:00:01' });
    const volume = join(node.dataDir, 'storage/images/300/vm-300-disk-0.qcow2');
    await expectSame('300/vm-300-disk-0.qcow2', 'qcow2', tiny.disk);
    // Nothing was unpacked on the way, and the holes of the disk stayed holes.
    expect(await spool()).toEqual([]);
    expect((await stat(volume)).blocks * 512).toBeLessThan((await stat(tiny.disk)).blocks * 512 + 2 ** 20);

    await admin.run('POST', `${node.path}/qemu/300/status/start`);
    const terminal = await openTerminal(admin, `${node.path}/qemu/300`);
    await waitFor(async () => (/ryokan-guest: ready/.test(terminal.output) ? true : undefined), {
      timeout: 120,
      what: 'the imported guest to boot',
    });
    terminal.close();
    await admin.run('POST', `${node.path}/qemu/300/status/stop`);
  });

  test('is removed like every volume; its members are no volumes', async () => {
    const member = encodeURIComponent('import/web.ova/disk1.vmdk');
    expect((await admin.answer('DELETE', `${local()}/content/${member}`)).status).not.toBe(200);
    expect(await imports()).toEqual(['web.ova']);
    await admin.run('DELETE', `${local()}/content/import/web.ova`);
    expect(await imports()).toEqual([]);
  });
});

describe('disks', () => {
  test.each([
    ['qcow2', 'a.qcow2'],
    ['raw', 'a.raw'],
    ['raw', 'a.img'],
    ['vmdk', 'a.vmdk'],
    ['vdi', 'a.vdi'],
    ['vhdx', 'a.vhdx'],
  ])('%s as %s', async (format, file) => {
    expect((await upload(await convert(format, file))).exitstatus).toBe('OK');
    const { disks } = await metadata(`local:import/${file}`);
    expect(disks.scsi0?.volid).toBe(`local:import/${file}`);
    const vmid = 310;
    await admin.run('POST', `${node.path}/qemu`, {
      vmid,
      scsi0: `local:0,import-from=local:import/${file},format=raw`,
    });
    await expectSame(`${vmid}/vm-${vmid}-disk-0.raw`, 'raw');
    await admin.run('DELETE', `${node.path}/qemu/${vmid}`);
    await admin.run('DELETE', `${local()}/content/import/${file}`);
  });

  test('are fetched from a web server', async () => {
    const { server, url } = await serve(await convert('qcow2', 'web.qcow2'));
    try {
      await admin.run('POST', `${local()}/download-url`, { content: 'import', filename: 'got.qcow2', url });
      expect(await imports()).toEqual(['got.qcow2']);
      await admin.run('DELETE', `${local()}/content/import/got.qcow2`);
    } finally {
      server.close();
    }
  });

  test('beside their OVF', async () => {
    await writeFile(at('pair.ovf'), descriptor('pair', 'pair.vmdk'));
    expect((await upload(at('pair.ovf'))).exitstatus).toBe('OK');
    expect((await metadata('import/pair.ovf')).warnings).toContainEqual({
      type: 'disk-missing',
      key: 'scsi0',
      value: 'pair.vmdk',
    });
    expect((await upload(await convert('vmdk', 'pair.vmdk'))).exitstatus).toBe('OK');
    expect((await metadata('import/pair.ovf')).disks.scsi0?.volid).toBe('local:import/pair.vmdk');
    for (const name of await imports()) await admin.run('DELETE', `${local()}/content/import/${name}`);
  });
});

async function serve(file: string): Promise<{ server: Server; url: string }> {
  const content = await readFile(file);
  const server = createServer((_request, response) => response.end(content));
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/x` };
}

describe('by the command line', () => {
  const qm = (...args: string[]) => node.cli('qm', ...args);

  test('an OVA of this machine, first only shown', async () => {
    await convert('vmdk', 'disk1.vmdk');
    const ova = await pack('cli');
    const shown = await qm('importovf', '340', ova, 'local', '--dryrun', '--format', 'qcow2');
    expect(JSON.parse(shown.stdout)).toMatchObject({
      name: 'cli',
      scsi0: `local:0,import-from=${ova}/disk1.vmdk,format=qcow2`,
    });
    expect(shown.stderr).toContain('not kept: serial-port-socket-only serial0');
    await qm('importovf', '340', ova, 'local', '--format', 'qcow2', '--name', 'renamed');
    const config = await admin.get<Record<string, string>>(`${node.path}/qemu/340/config`);
    expect(config).toMatchObject({ name: 'renamed', memory: '256', boot: 'order=scsi0' });
  });

  test('a disk of this machine, as an unused disk or at its place', async () => {
    const vdi = await convert('vdi', 'cli.vdi');
    await qm('importdisk', '340', vdi, 'local');
    await qm('disk', 'import', '340', vdi, 'local', '--target-disk', 'sata3', '--format', 'raw');
    const config = await admin.get<Record<string, string>>(`${node.path}/qemu/340/config`);
    expect(config.unused0).toMatch(/^local:340\/vm-340-disk-\d\.qcow2$/);
    expect(config.sata3).toMatch(/^local:340\/vm-340-disk-\d\.raw,size=/);
    await expectSame(config.unused0?.replace(/^local:/, '') ?? '', 'qcow2');
  });

  test('a volume', async () => {
    await node.cli('pvesm', 'upload', 'local', await convert('vhdx', 'cli.vhdx'));
    await qm('import', '341', 'local:import/cli.vhdx', '--storage', 'local', '--name', 'from-vhdx');
    const config = await admin.get<Record<string, string>>(`${node.path}/qemu/341/config`);
    expect(config).toMatchObject({ name: 'from-vhdx', scsihw: 'virtio-scsi-single' });
    expect(config.scsi0).toMatch(/^local:341\/vm-341-disk-0\.qcow2,size=/);
    await admin.run('DELETE', `${local()}/content/import/cli.vhdx`);
  });
});

test('a configuration file of Proxmox VE is entered unchanged, and names the disks to bring over', async () => {
  const text = await readFile(join(projectRoot, 'test/pve-config/linux-8.conf'), 'utf8');
  const file = at('360.conf');
  const own = text
    .replace(/^scsi0: .*$/gm, 'scsi0: local:360/vm-360-disk-0.raw,size=8M')
    .replace(/^scsi1: .*\n/gm, '')
    .replace(/^cores: 4$/m, 'cores: 1')
    .replace(/^memory: 8192$/m, 'memory: 128')
    .replace(/^balloon: .*\n/m, '')
    .replace(/^(?:unused0|delete|vmstate|running\w+|net0): .*\n/gm, '');
  await writeFile(file, own);
  const { stderr } = await node.cli('qm', 'import-config', '360', file);
  expect(stderr).toBe('still to be brought over: scsi0 local:360/vm-360-disk-0.raw\n');
  const config = await admin.get<Record<string, string>>(`${node.path}/qemu/360/config`, { current: 1 });
  expect(config.digest).toBe(createHash('sha1').update(own).digest('hex'));
  expect(config).toMatchObject({ name: 'shop', description: 'Shop front\n社内向け: 100%' });
  const snapshots = await admin.get<{ name: string }[]>(`${node.path}/qemu/360/snapshot`);
  expect(snapshots.map((one) => one.name).sort()).toEqual(['before_upgrade', 'current', 'fresh']);
  await mkdir(join(node.dataDir, 'storage/images/360'), { recursive: true });
  await copyFile(at('small.raw'), join(node.dataDir, 'storage/images/360/vm-360-disk-0.raw'));
  await run('chown', ['ryokan-qemu:', join(node.dataDir, 'storage/images/360/vm-360-disk-0.raw')]);
  await admin.run('POST', `${node.path}/qemu/360/status/start`);
  await admin.run('POST', `${node.path}/qemu/360/status/stop`);
  const again = await node.cliWith({ okCodes: [255] }, 'qm', 'import-config', '360', file);
  expect(again.stderr).toContain('already exists');
});

describe('in the Web UI', () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await openBrowser();
  });
  afterAll(() => browser?.close());

  test('a file is uploaded, shown, changed and imported; the task is followed', async () => {
    const { page, problems } = await openPage(browser);
    await logInByForm(page, node);
    await page.goto(`${node.url}/storage/${node.name}/local/import`);
    await page.getByRole('button', { name: 'Upload', exact: true }).click();
    await uploadInDialog(page, await pack('shop'));
    await page.getByRole('link', { name: 'Import as VM' }).click();
    await page.getByText('the serial port becomes a console of this node').waitFor();
    await page.getByText('256 MiB').first().waitFor();
    expect(await accessibilityFindings(page)).toEqual([]);
    await screenshot(page, 'import/1-recognised');
    await page.getByLabel('Name', { exact: true }).fill('shop-imported');
    await page.getByLabel('VMID').fill('350');
    await page.getByLabel('Format').first().selectOption('raw');
    await page.getByLabel('Prepare for VirtIO').check();
    await page.getByRole('button', { name: 'Import', exact: true }).click();
    await page.waitForURL('**/qemu/350/summary**');
    await page.getByText('TASK OK').waitFor({ timeout: 60_000 });
    await screenshot(page, 'import/2-task');
    const config = await admin.get<Record<string, string>>(`${node.path}/qemu/350/config`);
    expect(config).toMatchObject({
      name: 'shop-imported',
      boot: 'order=sata0',
      scsihw: 'virtio-scsi-single',
    });
    expect(config.sata0).toMatch(/^local:350\/vm-350-disk-0\.raw/);
    expect(problems).toEqual([]);
    await page.context().close();
  });

  test('in Japanese, on a phone; and a file that is none says why', async () => {
    const { page } = await openPage(browser, {
      locale: 'ja-JP',
      colorScheme: 'dark',
      viewport: { width: 390, height: 844 },
    });
    await logInByForm(page, node);
    const to = (volume: string) =>
      page.goto(`${node.url}/create/import?${new URLSearchParams({ node: node.name, volume })}`);
    await to('local:import/shop.ova');
    await page.getByText('シリアルポートはこのノードのコンソールになります').waitFor();
    expect(await accessibilityFindings(page)).toEqual([]);
    expect(Number(await page.evaluate('document.documentElement.scrollWidth'))).toBeLessThanOrEqual(390);
    await screenshot(page, 'import/3-japanese-phone');
    await writeFile(join(node.dataDir, 'storage/import/broken.ova'), 'no archive');
    await to('local:import/broken.ova');
    await page.getByText('このファイルはインポートできません').waitFor();
    await page.context().close();
    for (const name of await imports()) await admin.run('DELETE', `${local()}/content/import/${name}`);
  });
});

describe('refused, with nothing left', () => {
  test('an upload', async () => {
    const whole = await readFile(await pack('whole'));
    const hostile: Record<string, Buffer | string> = {
      'cut.ova': whole.subarray(0, whole.length - 20_000),
      'changed.ova': await readFile(await pack('changed', { digest: '0'.repeat(64) })),
      'text.ova': 'hello',
      'text.ovf': '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/shadow">]><Envelope>&e;</Envelope>',
      'text.vhdx': 'vhdxfile and nothing else',
      'shadow.vmdk':
        '# Disk DescriptorFile\nversion=1\ncreateType="monolithicFlat"\nRW 10 FLAT "/etc/shadow" 0\n',
    };
    for (const [name, content] of Object.entries(hostile)) await writeFile(at(name), content);
    await run('qemu-img', [
      'create',
      '-q',
      '-f',
      'qcow2',
      '-b',
      '/etc/shadow',
      '-F',
      'raw',
      at('chain.qcow2'),
    ]);
    const errors = {
      'cut.ova': /the end of the file is missing/,
      'changed.ova': /'disk1.vmdk' in the OVA is not what its manifest says/,
      'text.ova': /no tar archive|the end of the file is missing/,
      'text.ovf': /a document type declaration is not allowed/,
      'text.vhdx': /cannot be imported as vhdx/,
      'shadow.vmdk': /only a descriptor of other files/,
      'chain.qcow2': /needs a backing file/,
    };
    for (const [name, error] of Object.entries(errors)) {
      expect((await upload(at(name))).exitstatus, name).toMatch(error);
    }
    expect(await imports()).toEqual([]);
    expect(await spool()).toEqual([]);
  });

  test('an archive with a link, with a folder, with a disk that leads out', async () => {
    const folder = at('evil.d');
    await mkdir(join(folder, 'sub'), { recursive: true });
    await writeFile(join(folder, 'evil.ovf'), descriptor('evil', 'disk1.vmdk'));
    await run('ln', ['-sf', '/etc/shadow', join(folder, 'disk1.vmdk')]);
    await run('tar', ['-cf', at('link.ova'), '-C', folder, 'evil.ovf', 'disk1.vmdk']);
    expect((await upload(at('link.ova'))).exitstatus).toMatch(/'disk1.vmdk' in it is no plain file/);
    await writeFile(join(folder, 'sub/x.vmdk'), 'x');
    await run('tar', ['-cf', at('sub.ova'), '-C', folder, 'evil.ovf', 'sub/x.vmdk']);
    expect((await upload(at('sub.ova'))).exitstatus).toMatch(/no plain file name/);
    await run('tar', [
      '-P',
      '-cf',
      at('up.ova'),
      '--transform=s,.*vmdk,../../x.vmdk,',
      '-C',
      folder,
      'evil.ovf',
      'sub/x.vmdk',
    ]);
    expect((await upload(at('up.ova'))).exitstatus).toMatch(/no plain file name/);
    expect(await imports()).toEqual([]);
  });

  test('an OVF without disks is a machine without disks', async () => {
    expect((await upload(await pack('bare', { disk: '' }))).exitstatus).toBe('OK');
    const { disks, warnings } = await metadata('import/bare.ova');
    expect(disks).toEqual({});
    expect(warnings.map((one) => one.type)).toContain('no-disks');
    await admin.run('DELETE', `${local()}/content/import/bare.ova`);
  });

  test('what somebody put into the folder of the storage by hand', async () => {
    const folder = join(node.dataDir, 'storage/import');
    await run('qemu-img', [
      'create',
      '-q',
      '-f',
      'qcow2',
      '-b',
      '/etc/shadow',
      '-F',
      'raw',
      join(folder, 'e.qcow2'),
    ]);
    await copyFile(at('shadow.vmdk'), join(folder, 'shadow.vmdk'));
    await copyFile(at('changed.ova'), join(folder, 'changed.ova'));
    expect(await failure(320, { scsi0: 'local:0,import-from=local:import/e.qcow2' })).toMatch(/backing file/);
    expect(await failure(320, { scsi0: 'local:0,import-from=local:import/shadow.vmdk' })).toMatch(
      /descriptor/,
    );
    const changed = 'local:0,import-from=local:import/changed.ova/disk1.vmdk';
    expect(await failure(320, { scsi0: changed })).toMatch(/not what its manifest says/);
    const missing = 'local:0,import-from=local:import/changed.ova/other.vmdk';
    expect(await failure(320, { scsi0: missing })).toMatch(/there is no disk 'other.vmdk'/);
    expect((await admin.answer('GET', `${node.path}/qemu/320/config`)).status).toBe(500);
    expect(await readdir(join(node.dataDir, 'storage/images')).then((all) => all.includes('320'))).toBe(
      false,
    );
    for (const name of await imports()) await rm(join(folder, name));
    const asAdmin = await admin.answer('POST', `${node.path}/qemu`, {
      vmid: 320,
      scsi0: 'local:0,import-from=/etc/x.raw',
    });
    expect(asAdmin.status).toBe(403);
  });
});

test('an import that is stopped leaves no guest, no disk, no process', async () => {
  const big = join(node.dataDir, 'storage/import/big.raw');
  await run('qemu-img', ['create', '-q', '-f', 'raw', big, '4G']);
  // Data enough that the copy takes a while.
  await run('qemu-io', ['-f', 'raw', '-c', 'write -q -P 1 0 500M', big]);
  const upid = await admin.call<string>('POST', `${node.path}/qemu`, {
    vmid: 330,
    scsi0: 'local:0,import-from=local:import/big.raw,format=qcow2',
  });
  const path = `${node.path}/tasks/${encodeURIComponent(upid)}`;
  await waitFor(
    async () => {
      const log = await admin.get<{ t: string }[]>(`${path}/log`);
      return log.some((line) => line.t.includes('copying')) ? true : undefined;
    },
    { timeout: 60, every: 20, what: 'the copy to begin' },
  );
  await admin.call('DELETE', path);
  expect((await admin.taskEnd(upid)).exitstatus).not.toBe('OK');
  expect(await spool()).toEqual([]);
  expect(await readdir(join(node.dataDir, 'storage/images/330')).catch(() => [])).toEqual([]);
  expect((await admin.answer('GET', `${node.path}/qemu/330/config`)).status).toBe(500);
  await admin.run('DELETE', `${local()}/content/import/big.raw`);
});
