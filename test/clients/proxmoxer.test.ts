/** proxmoxer, Debian's Python client of the API, against a running node. */
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { run } from '../../packages/server/src/host/exec.ts';
import type { ApiSession } from '../lib/api-session.ts';
import { writeBusyboxTemplate } from '../lib/busybox-template.ts';
import { projectRoot, startNode, type TestNode } from '../lib/node.ts';
import { askProxmoxer } from '../lib/proxmoxer.ts';

const weak = { user: 'weak@pve', password: 'Ünï & 100% +=;"\' 東京' };

let node: TestNode;
let admin: ApiSession;
let folder: string;

beforeAll(async () => {
  node = await startNode({ name: 'proxmoxer1' });
  admin = await node.admin();
  folder = await mkdtemp('/tmp/ryn-proxmoxer-');
  await admin.call('POST', '/access/users', { userid: weak.user, password: weak.password });
});
afterAll(async () => {
  await node?.stop();
  if (folder) await rm(folder, { recursive: true });
});

const seenBy = <T>(check: string, facts: object = {}): Promise<T> =>
  askProxmoxer(node, check, { weak, ...facts });

interface Failure {
  readonly status: number;
  readonly reason: string;
}
interface TaskEnd {
  readonly exitstatus: string;
  readonly fields: number;
  readonly log: readonly string[];
}
const invalid = { status: 400, reason: 'Parameter verification failed.' };
const ok = { exitstatus: 'OK', fields: 9 };

describe('login', () => {
  test('with a password: version, nodes, next VMID, guests, status', async () => {
    const seen = await seenBy<Record<string, unknown>>('login');
    expect(seen).toMatchObject({
      ticket: ['PVE', 'admin@pve'],
      csrf: true,
      version: { release: expect.stringMatching(/^\d/), version: expect.stringMatching(/^\d+\.\d+/) },
      nodes: [{ node: node.name, status: 'online', type: 'node' }],
      nextid: '100',
      vms: [],
      status: { cpuinfo: { cpus: expect.any(Number) } },
      by_path: { cpus: expect.any(Number) },
    });
  });

  test('wrong passwords and unknown users are refused within the client’s time limit; odd passwords work', async () => {
    const refused = { text: expect.stringContaining("Couldn't authenticate user"), in_time: true };
    const seen = await seenBy('wrong_login', {
      logins: {
        password: { user: 'admin@pve', password: 'wrong' },
        user: { user: 'nobody@pve', password: 'wrong' },
        realm: { user: 'admin@nowhere', password: 'wrong' },
        odd: weak,
      },
    });
    expect(seen).toEqual({ password: refused, user: refused, realm: refused, odd: 'was let in' });
  });

  test('with an API token: reads, writes, what tokens may not do, a wrong secret, a removed token', async () => {
    const seen = await seenBy<Record<string, unknown> & { wrong_secret: Failure }>('token');
    expect(seen).toMatchObject({
      full_id: 'admin@pve!check',
      version: { version: expect.any(String) },
      comment: null,
      description: 'by token',
      password: { status: 403, reason: expect.stringContaining('need proper ticket') },
      wrong_secret: { status: 401 },
      removed: { status: 401 },
    });
    expect(seen.wrong_secret.reason).not.toBe('');
  });

  test('a ticket renews itself; only the same user can log in with it; writing needs the CSRF token', async () => {
    expect(await seenBy('renewal')).toMatchObject({
      version: { version: expect.any(String) },
      renewed: true,
      write: null,
      ticket_as_password: true,
      of_another_user: 'refused',
      no_csrf: { read: true, write: { status: 401, reason: 'Permission denied - invalid csrf token' } },
    });
  });
});

describe('guests', () => {
  interface Life {
    readonly vmid: number;
    readonly config: Record<string, unknown>;
    readonly created: TaskEnd;
    readonly changed: {
      readonly read: Record<string, unknown>;
      readonly left: string[];
      readonly key: string;
    };
    readonly deleted: TaskEnd;
    readonly tasks: string[];
  }

  let seen: Life;
  beforeAll(async () => {
    seen = await seenBy<Life>('life');
  });

  test('create, read, change, start, stop, delete, each with its task', () => {
    expect(seen).toMatchObject({
      created: ok,
      listed: [{ vmid: seen.vmid, name: 'from-python', status: 'stopped' }],
      exists: { status: 500, reason: expect.stringContaining(`unable to create VM ${seen.vmid}`) },
      taken: invalid,
      started: ok,
      running: { status: 'running', vmid: seen.vmid, pid: expect.any(Number) },
      second_start: { status: 500, reason: `VM ${seen.vmid} already running` },
      delete_running: { status: 500, reason: expect.stringContaining('running') },
      stopped: ok,
      stopped_status: { status: 'stopped' },
      deleted: ok,
      gone: {
        status: 500,
        reason: `Configuration file 'nodes/${node.name}/qemu-server/${seen.vmid}.conf' does not exist`,
      },
    });
    expect(seen.deleted.log.length).toBeGreaterThan(0);
    expect(seen.tasks.sort()).toEqual(['qmconfig', 'qmcreate', 'qmdestroy', 'qmstart', 'qmstop']);
  });

  test('what was made for a guest stands in its configuration: MAC address, volume, sorted tags', () => {
    const { config } = seen;
    expect(config).toMatchObject({
      name: 'from-python',
      cores: 2,
      net0: expect.stringMatching(/^virtio=([0-9A-F]{2}:){5}[0-9A-F]{2}/),
      scsi0: expect.stringMatching(/^local:\d+\/vm-\d+-disk-0\.\w+,.*size=1G/),
      digest: expect.stringMatching(/^[0-9a-f]{40}$/),
    });
  });

  test('texts of any kind come back as they were; a list of keys deletes them all', () => {
    const { changed } = seen;
    expect(changed).toMatchObject({ put: null, post: ok, delete: null });
    expect(changed.read).toMatchObject({
      description: '日本語 & 100 % + = ; ü\n2nd line',
      cores: 1,
      balloon: 0,
    });
    expect(decodeURIComponent(String(changed.read.sshkeys)).trim()).toBe(changed.key);
    expect(changed.left).not.toContain('tags');
    expect(changed.left).not.toContain('agent');
    expect(changed.left).toContain('cores');
  });
});

test('containers: a template is uploaded, a container of it made, changed, started, held, rebooted and removed', async () => {
  const template = join(folder, 'busybox.tar.gz');
  await writeBusyboxTemplate(template);
  expect(await seenBy('container', { template })).toMatchObject({
    // Its password could not be set, as nobody knows where a busybox alone keeps it; this client only looks for OK.
    created: { exitstatus: 'OK', log: expect.arrayContaining([expect.stringMatching(/password.* not set/)]) },
    ...{ uploaded: ok, started: ok, suspended: ok, resumed: ok, rebooted: ok, stopped: ok },
    config: {
      hostname: 'from-python',
      memory: 64,
      unprivileged: 1,
      rootfs: expect.stringMatching(/^local:/),
    },
    exists: { status: 500, reason: expect.stringContaining('unable to create CT') },
    running: { status: 'running', name: 'from-python', type: 'lxc' },
    interfaces: ['lo'],
    changed: null,
    delete_running: { status: 500, reason: expect.stringContaining('is running') },
    deleted: ok,
    gone: { status: 500, reason: expect.stringContaining('does not exist') },
    left: [],
  });
});

test('images are uploaded, listed, read and removed; what is none gets a warning, another kind of file is refused', async () => {
  const image = join(folder, 'small.iso');
  await run('xorriso', ['-as', 'mkisofs', '-quiet', '-o', image, join(projectRoot, 'test/clients')]);
  const nothing = join(folder, 'zeros.iso');
  await writeFile(nothing, Buffer.alloc(70_000));
  const { size } = await stat(image);
  expect(await seenBy('upload', { files: { image, nothing } })).toMatchObject({
    image: ok,
    nothing: { exitstatus: 'WARNINGS: 1', log: expect.arrayContaining(['TASK WARNINGS: 1']) },
    content: [
      { volid: 'local:iso/small.iso', content: 'iso', size },
      { volid: 'local:iso/zeros.iso', content: 'iso', size: 70_000 },
    ],
    details: { size },
    removed: ['OK', 'OK'],
    left: [],
    refused: invalid,
  });
});

test('refused calls: 400, 403, 500 and 501 with their reasons', async () => {
  const seen = await seenBy<Record<string, Failure>>('errors');
  expect(seen).toMatchObject({
    missing: invalid,
    unknown: invalid,
    boolean: invalid,
    range: invalid,
    forbidden: { status: 403, reason: 'Permission check failed (/vms/900, VM.Allocate)' },
    weak_sees: [],
    no_vm: { status: 500, reason: expect.stringContaining('does not exist') },
    no_storage: { status: 500, reason: "storage 'nope' does not exist" },
    no_task: invalid,
    no_path: { status: 501, reason: "Method 'GET /nonsense' not implemented" },
    no_verb: { status: 501, reason: "Method 'PUT /version' not implemented" },
  });
});
