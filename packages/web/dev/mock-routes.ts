/** Answers of the mock server, by method and path. */
import type { MockData, MockGuest } from './mock-data.ts';
import { random } from './mock-data.ts';
import { deviceRoutes } from './mock-devices.ts';
import { snapshotRoutes } from './mock-snapshots.ts';

export interface Reply {
  readonly data?: unknown;
  readonly status?: number;
  readonly message?: string;
  readonly errors?: Record<string, string>;
}
export type Params = Readonly<Record<string, string>>;
export type Handler = (data: MockData, match: RegExpExecArray, params: Params) => Reply;

const GiB = 1024 ** 3;
export const ok = (data: unknown = null): Reply => ({ data });
export const fail = (status: number, message: string, errors?: Record<string, string>): Reply => ({
  status,
  message,
  ...(errors ? { errors } : {}),
});

export function answer(data: MockData, verb: string, path: string, params: Params): Reply {
  for (const [pattern, handler] of [...routes, ...snapshotRoutes, ...deviceRoutes]) {
    const match = new RegExp(`^${pattern}$`).exec(`${verb} ${path}`);
    if (match) return handler(data, match, params);
  }
  return fail(501, `Method '${verb} ${path}' not implemented`);
}

export function resourceOf(guest: MockGuest): Record<string, unknown> {
  const next = random(guest.vmid);
  const running = guest.status === 'running' || guest.status === 'paused';
  const maxmem = Number(guest.config.memory) * 1024 ** 2;
  return {
    id: `qemu/${guest.vmid}`,
    type: 'qemu',
    vmid: guest.vmid,
    node: guest.node,
    name: guest.name,
    status: guest.status,
    maxcpu: 2,
    maxmem,
    maxdisk: 32 * GiB,
    cpu: running ? next() * 0.6 : 0,
    mem: running ? maxmem * (0.3 + next() * 0.6) : 0,
    uptime: running ? Math.floor(next() * 9e6) : 0,
    netin: 5e8,
    netout: 2e8,
    diskread: 1e9,
    diskwrite: 4e9,
    ...(guest.tags ? { tags: guest.tags } : {}),
    ...(guest.lock ? { lock: guest.lock } : {}),
    ...(guest.template ? { template: 1 } : {}),
  };
}

function resources(data: MockData): unknown[] {
  const nodes = data.nodes.map((node, index) => ({
    id: `node/${node}`,
    type: 'node',
    node,
    status: index === 2 ? 'offline' : 'online',
    cpu: 0.23 + index / 10,
    maxcpu: 16,
    mem: 41 * GiB,
    maxmem: 64 * GiB,
    disk: 30 * GiB,
    maxdisk: 100 * GiB,
    uptime: 1_234_567,
  }));
  const storages = data.nodes.flatMap((node) => [
    storageRow(node, 'local', 420 * GiB, 1000 * GiB),
    storageRow(node, 'backup-nfs', 3700 * GiB, 4000 * GiB),
  ]);
  return [...nodes, ...storages, ...[...data.guests.values()].map(resourceOf)];
}

function storageRow(node: string, storage: string, disk: number, maxdisk: number) {
  const shared = storage === 'backup-nfs';
  return {
    id: `storage/${node}/${storage}`,
    type: 'storage',
    node,
    storage,
    status: node === 'pve3' ? 'unknown' : 'available',
    plugintype: shared ? 'nfs' : 'dir',
    content: shared ? 'backup' : 'images,iso,vztmpl,backup,snippets,import',
    disk,
    maxdisk,
    shared: shared ? 1 : 0,
  };
}

function rrd(keys: Readonly<Record<string, (t: number) => number>>): unknown[] {
  const end = Math.floor(Date.now() / 60_000) * 60;
  return Array.from({ length: 70 }, (_, i) => {
    const values = Object.entries(keys).map(([key, value]) => [key, value(i)]);
    return { time: end - (69 - i) * 60, ...Object.fromEntries(values) };
  });
}

const wave = (base: number, size: number, period: number) => (t: number) =>
  Math.max(0, base + size * Math.sin(t / period) + size * 0.3 * Math.sin(t * 1.7));

const guest = (data: MockData, match: RegExpExecArray) => data.guests.get(Number(match[2]));

function power(type: string, status: string | undefined): Handler {
  return (data, match) => {
    const one = guest(data, match);
    if (!one)
      return fail(500, `Configuration file 'nodes/${match[1]}/qemu-server/${match[2]}.conf' does not exist`);
    return ok(
      data.startTask(one.node, type, String(one.vmid), 900, () => {
        if (status) one.status = status;
        data.emit('resource', resourceOf(one));
      }),
    );
  };
}

function setConfig(data: MockData, match: RegExpExecArray, params: Params): MockGuest | undefined {
  const one = guest(data, match);
  if (!one) return undefined;
  for (const [key, value] of Object.entries(params)) {
    if (key === 'digest' || key === 'background_delay') continue;
    if (key === 'revert') for (const name of value.split(',')) delete one.pending[name];
    else if (key === 'delete') {
      for (const name of value.split(',')) {
        if (one.status === 'running') one.pending[name] = null;
        else delete one.config[name];
      }
    } else if (
      one.status === 'running' &&
      !['description', 'name', 'tags', 'onboot', 'protection'].includes(key)
    ) {
      one.pending[key] = value;
    } else one.config[key] = value;
  }
  data.emit('config', { path: `nodes/${one.node}/qemu-server/${one.vmid}.conf` });
  return one;
}

function pendingRows(one: MockGuest): unknown[] {
  const keys = new Set([...Object.keys(one.config), ...Object.keys(one.pending)]);
  keys.delete('digest');
  return [...keys].map((key) => {
    const change = one.pending[key];
    return {
      key,
      ...(one.config[key] === undefined ? {} : { value: String(one.config[key]) }),
      ...(change === undefined ? {} : change === null ? { delete: 1 } : { pending: change }),
    };
  });
}

const cap = {
  vms: Object.fromEntries(
    ['Allocate', 'PowerMgmt', 'Console', 'Clone', 'Snapshot', 'Config.Cloudinit'].map((one) => [
      `VM.${one}`,
      1,
    ]),
  ),
  storage: { 'Datastore.AllocateTemplate': 1, 'Datastore.Allocate': 1 },
  nodes: { 'Sys.Audit': 1, 'Sys.Modify': 1 },
  access: {},
  dc: {},
};

const routes: readonly (readonly [string, Handler])[] = [
  [
    'GET /access/domains',
    () =>
      ok([
        { realm: 'pam', type: 'pam', comment: 'Linux PAM' },
        { realm: 'pve', type: 'pve', comment: 'Ryokan', default: 1 },
      ]),
  ],
  [
    'POST /access/ticket',
    (_, __, { username, password }) =>
      password === 'wrong'
        ? fail(401, 'authentication failure')
        : ok({ username, ticket: 'PVE:root@pam:00000000::mock', CSRFPreventionToken: '00000000:mock', cap }),
  ],
  [
    'GET /access/users',
    () =>
      ok([
        {
          userid: 'root@pam',
          enable: 1,
          comment: 'Super user',
          'realm-type': 'pam',
          tokens: [{ tokenid: 'terraform', privsep: 1, expire: 0, comment: 'CI' }],
        },
        {
          userid: 'admin@pve',
          enable: 1,
          firstname: '花子',
          lastname: '田中',
          email: 'hanako@example.jp',
          groups: 'admins',
          'realm-type': 'pve',
        },
        { userid: 'guest@pve', enable: 0, expire: 1_700_000_000, 'realm-type': 'pve' },
      ]),
  ],
  ['GET /access/groups', () => ok([{ groupid: 'admins', comment: 'Administrators', users: 'admin@pve' }])],
  [
    'GET /access/roles',
    () =>
      ok([
        { roleid: 'Administrator', special: 1, privs: 'VM.Allocate,VM.Audit,Sys.Audit,Sys.Modify' },
        { roleid: 'PVEAuditor', special: 1, privs: 'VM.Audit,Sys.Audit,Datastore.Audit' },
        { roleid: 'Operators', special: 0, privs: 'VM.PowerMgmt,VM.Console' },
      ]),
  ],
  [
    'GET /access/acl',
    () =>
      ok([
        { path: '/', type: 'user', ugid: 'admin@pve', roleid: 'Administrator', propagate: 1 },
        { path: '/vms/100', type: 'token', ugid: 'root@pam!terraform', roleid: 'PVEVMUser', propagate: 1 },
        { path: '/pool/shop', type: 'group', ugid: 'admins', roleid: 'PVEAuditor', propagate: 0 },
      ]),
  ],
  ['(?:POST|PUT|DELETE) /access/.*', () => ok()],
  ['GET /version', () => ok({ release: '9.0', version: '9.0.3', repoid: 'abcdef01' })],
  ['GET /cluster/resources', (data) => ok(resources(data))],
  ['GET /cluster/tasks', (data) => ok(data.tasks.slice(0, 100).map((task) => ({ ...task, log: undefined })))],
  ['GET /cluster/nextid', (data) => ok(String(Math.max(99, ...data.guests.keys()) + 1))],
  ['GET /nodes/([^/]+)/status', () => ok(nodeStatusAnswer())],
  ['GET /nodes/([^/]+)/version', () => ok({ version: '9.0.3', release: '9.0', repoid: 'abcdef01' })],
  ['GET /nodes/([^/]+)/warnings', (data, [, node]) => ok(warnings(data, node as string))],
  [
    'GET /nodes/([^/]+)/rrddata',
    () =>
      ok(
        rrd({
          cpu: wave(0.25, 0.15, 8),
          iowait: wave(0.03, 0.02, 5),
          memused: wave(41 * GiB, 2 * GiB, 20),
          memtotal: () => 64 * GiB,
          loadavg: wave(3, 1.5, 9),
          netin: wave(3e6, 2e6, 4),
          netout: wave(1e6, 8e5, 6),
        }),
      ),
  ],
  [
    'GET /nodes/([^/]+)/tasks',
    (data, [, node], { vmid }) =>
      ok(
        data.tasks
          .filter((task) => task.node === node && (!vmid || task.id === vmid))
          .map((task) => ({ ...task, log: undefined })),
      ),
  ],
  [
    'GET /nodes/([^/]+)/tasks/(UPID.*)/status',
    (data, [, , upid]) => {
      const task = data.tasks.find((one) => one.upid === upid);
      if (!task) return fail(400, 'Parameter verification failed.', { upid: 'no such task' });
      return ok({
        ...task,
        log: undefined,
        status: task.endtime ? 'stopped' : 'running',
        ...(task.endtime ? { exitstatus: task.status } : {}),
      });
    },
  ],
  [
    'GET /nodes/([^/]+)/tasks/(UPID.*)/log',
    (data, [, , upid]) =>
      ok(data.tasks.find((one) => one.upid === upid)?.log.map((t, index) => ({ n: index + 1, t })) ?? []),
  ],
  ['DELETE /nodes/([^/]+)/tasks/(UPID.*)', () => ok()],
  [
    'GET /nodes/([^/]+)/network',
    (data, _, { type }) =>
      ok(
        [
          ...data.bridges.map((iface) => ({
            iface,
            type: 'bridge',
            active: 1,
            exists: 1,
            autostart: 1,
            method: 'static',
            cidr: iface === 'vmbr0' ? '192.0.2.10/24' : '10.10.10.1/24',
            bridge_ports: iface === 'vmbr0' ? 'eno1' : '',
          })),
          { iface: 'eno1', type: 'eth', active: 1, exists: 1, method: 'manual' },
          { iface: 'lo', type: 'loopback', active: 1, method: 'loopback', cidr: '127.0.0.1/8' },
        ].filter((one) => !type || one.type === 'bridge'),
      ),
  ],
  [
    'GET /nodes/([^/]+)/network/nat-bridge',
    (data) =>
      ok(
        data.bridges.includes('vmbr1')
          ? {
              iface: 'vmbr1',
              cidr: '10.10.10.1/24',
              active: 1,
              leases: [
                {
                  ip: '10.10.10.101',
                  mac: 'bc:24:11:00:00:11',
                  hostname: 'web-1',
                  expires: Math.floor(Date.now() / 1000) + 3000,
                },
              ],
            }
          : { active: 0, leases: [] },
      ),
  ],
  [
    'POST /nodes/([^/]+)/network/nat-bridge',
    (data, [, node], { iface = 'vmbr0' }) =>
      ok(
        data.startTask(node as string, 'natbridge', iface, 1200, () => {
          data.bridges = [...data.bridges, iface];
          data.emit('warning', { node });
        }),
      ),
  ],
  [
    'GET /nodes/([^/]+)/capabilities/qemu/cpu',
    () =>
      ok(
        [
          'host',
          'max',
          'kvm64',
          'qemu64',
          'x86-64-v2',
          'x86-64-v2-AES',
          'x86-64-v3',
          'x86-64-v4',
          'EPYC',
          'Skylake-Server',
        ].map((name) => ({ name, vendor: 'default', custom: 0 })),
      ),
  ],
  [
    'GET /nodes/([^/]+)/capabilities/qemu/machines',
    () =>
      ok(
        [
          ['pc-i440fx-10.0', 'i440fx'],
          ['pc-q35-10.0', 'q35'],
          ['pc-q35-9.2', 'q35'],
        ].map(([id, type]) => ({ id, type, version: '10.0' })),
      ),
  ],
  [
    'GET /nodes/([^/]+)/storage',
    (_, [, node], { content }) =>
      ok(
        ['local', 'backup-nfs']
          .map((storage) => nodeStorage(node as string, storage))
          .filter((row) => !content || row.content.split(',').includes(content)),
      ),
  ],
  [
    'GET /nodes/([^/]+)/storage/([^/]+)/status',
    (_, [, node, storage]) => ok(nodeStorage(node as string, storage as string)),
  ],
  [
    'GET /nodes/([^/]+)/storage/([^/]+)/content',
    (data, [, , storage], { content }) =>
      ok(storage === 'local' ? data.volumes.filter((one) => !content || one.content === content) : []),
  ],
  [
    'DELETE /nodes/([^/]+)/storage/([^/]+)/content/(.+)',
    (data, [, node, storage, volid]) =>
      ok(
        data.startTask(node as string, 'imgdel', storage as string, 500, () => {
          const index = data.volumes.findIndex((one) => one.volid === volid);
          if (index >= 0) data.volumes.splice(index, 1);
        }),
      ),
  ],
  [
    'POST /nodes/([^/]+)/storage/([^/]+)/upload',
    (data, [, node, storage]) => ok(data.startTask(node as string, 'imgcopy', storage as string, 600)),
  ],
  [
    'POST /nodes/([^/]+)/storage/([^/]+)/download-url',
    (data, [, node, storage]) => ok(data.startTask(node as string, 'download', storage as string, 6000)),
  ],
  [
    'GET /nodes/([^/]+)/query-url-metadata',
    () =>
      ok({
        filename: 'debian-13.1.0-amd64-netinst.iso',
        size: 783 * 1024 ** 2,
        mimetype: 'application/x-iso9660-image',
      }),
  ],
  [
    'GET /storage',
    () =>
      ok([
        {
          storage: 'local',
          type: 'dir',
          path: '/var/lib/ryokan/storage',
          content: 'images,iso,vztmpl,backup,snippets,import',
          digest: '0',
        },
        {
          storage: 'backup-nfs',
          type: 'nfs',
          server: '192.0.2.50',
          export: '/export/backup',
          content: 'backup',
          shared: 1,
          digest: '0',
        },
      ]),
  ],
  [
    'POST /nodes/([^/]+)/qemu',
    (data, [, node], params) => {
      const vmid = Number(params.vmid);
      if (data.guests.has(vmid)) return fail(500, `unable to create VM ${vmid}: config file already exists`);
      return ok(
        data.startTask(node as string, 'qmcreate', String(vmid), 1500, () => {
          const { vmid: _, start, ...config } = params;
          const one: MockGuest = {
            vmid,
            node: node as string,
            name: config.name ?? `VM${vmid}`,
            status: start === '1' ? 'running' : 'stopped',
            tags: '',
            config: { ...config, digest: '0' },
            pending: {},
          };
          data.guests.set(vmid, one);
          data.emit('resource', resourceOf(one));
        }),
      );
    },
  ],
  [
    'GET /nodes/([^/]+)/qemu/(\\d+)/status/current',
    (data, match) => {
      const one = guest(data, match);
      if (!one) return fail(500, 'no such VM');
      const row = resourceOf(one);
      const running = one.status !== 'stopped';
      return ok({
        ...row,
        status: running ? 'running' : 'stopped',
        qmpstatus: one.status,
        cpus: 2,
        ha: { managed: 0 },
        ...(running
          ? { pid: 4242, 'running-machine': 'pc-q35-10.0+pve1', 'running-qemu': '10.0.3', agent: 1 }
          : {}),
      });
    },
  ],
  [
    'GET /nodes/([^/]+)/qemu/(\\d+)/config',
    (data, match) => {
      const one = guest(data, match);
      if (!one) return fail(500, 'no such VM');
      const next = { ...one.config };
      for (const [key, value] of Object.entries(one.pending)) {
        if (value === null) delete next[key];
        else next[key] = value;
      }
      return ok(next);
    },
  ],
  [
    'PUT /nodes/([^/]+)/qemu/(\\d+)/config',
    (data, match, params) =>
      params.scsi1 === 'bad'
        ? fail(400, 'Parameter verification failed.', { scsi1: 'bad' })
        : ok(setConfig(data, match, params) && null),
  ],
  [
    'POST /nodes/([^/]+)/qemu/(\\d+)/config',
    (data, match, params) =>
      ok(
        data.startTask(
          match[1] as string,
          'qmconfig',
          match[2] as string,
          700,
          () => void setConfig(data, match, params),
        ),
      ),
  ],
  [
    'PUT /nodes/([^/]+)/qemu/(\\d+)/(?:resize|unlink)',
    (data, match) => ok(data.startTask(match[1] as string, 'resize', match[2] as string, 700)),
  ],
  [
    'GET /nodes/([^/]+)/qemu/(\\d+)/pending',
    (data, match) => {
      const one = guest(data, match);
      return one ? ok(pendingRows(one)) : fail(500, 'no such VM');
    },
  ],
  [
    'GET /nodes/([^/]+)/qemu/(\\d+)/rrddata',
    () =>
      ok(
        rrd({
          cpu: wave(0.3, 0.2, 7),
          mem: wave(2.4 * GiB, 0.3 * GiB, 15),
          maxmem: () => 4 * GiB,
          netin: wave(1e6, 9e5, 4),
          netout: wave(4e5, 3e5, 6),
          diskread: wave(5e5, 5e5, 3),
          diskwrite: wave(2e6, 1e6, 5),
        }),
      ),
  ],
  [
    'GET /nodes/([^/]+)/qemu/(\\d+)/agent/network-get-interfaces',
    () =>
      ok({
        result: [
          { name: 'lo', 'ip-addresses': [{ 'ip-address': '127.0.0.1' }] },
          {
            name: 'ens18',
            'ip-addresses': [
              { 'ip-address': '192.0.2.101' },
              { 'ip-address': '2001:db8::101' },
              { 'ip-address': 'fe80::1' },
            ],
          },
        ],
      }),
  ],
  ['POST /nodes/([^/]+)/qemu/(\\d+)/status/start', power('qmstart', 'running')],
  ['POST /nodes/([^/]+)/qemu/(\\d+)/status/shutdown', power('qmshutdown', 'stopped')],
  ['POST /nodes/([^/]+)/qemu/(\\d+)/status/stop', power('qmstop', 'stopped')],
  ['POST /nodes/([^/]+)/qemu/(\\d+)/status/reboot', power('qmreboot', 'running')],
  ['POST /nodes/([^/]+)/qemu/(\\d+)/status/reset', power('qmreset', undefined)],
  ['POST /nodes/([^/]+)/qemu/(\\d+)/status/suspend', power('qmsuspend', 'paused')],
  ['POST /nodes/([^/]+)/qemu/(\\d+)/status/resume', power('qmresume', 'running')],
  [
    'DELETE /nodes/([^/]+)/qemu/(\\d+)',
    (data, match) =>
      ok(
        data.startTask(match[1] as string, 'qmdestroy', match[2] as string, 800, () => {
          data.guests.delete(Number(match[2]));
          data.emit('resource', { id: `qemu/${match[2]}`, removed: 1 });
        }),
      ),
  ],
  [
    'POST /nodes/([^/]+)/(?:qemu/\\d+/)?(?:vncproxy|termproxy)',
    () => fail(500, 'the mock server has no consoles'),
  ],
];

function warnings(data: MockData, node: string): unknown[] {
  if (node !== 'pve1') return [];
  return [
    {
      id: 'tcg',
      severity: 'warning',
      text: 'KVM does not work on this host: guests run under TCG, which is slow.',
    },
    ...(data.bridges.length === 0
      ? [
          {
            id: 'no-bridge',
            severity: 'info',
            text: 'There is no bridge vmbr0: guests have no network.',
            action: 'nodes.network.nat-bridge',
          },
        ]
      : []),
  ];
}

function nodeStorage(node: string, storage: string) {
  const row = storageRow(node, storage, 420 * GiB, 1000 * GiB);
  return {
    storage,
    type: row.plugintype,
    content: row.content,
    active: 1,
    enabled: 1,
    shared: row.shared,
    total: row.maxdisk,
    used: row.disk,
    avail: row.maxdisk - row.disk,
    used_fraction: row.disk / row.maxdisk,
    formats: { default: 'qcow2', supported: ['raw', 'qcow2'] },
  };
}

function nodeStatusAnswer(): unknown {
  return {
    cpu: 0.23,
    wait: 0.01,
    idle: 0,
    uptime: 1_234_567,
    loadavg: ['2.10', '1.95', '1.80'],
    memory: { total: 64 * GiB, used: 41 * GiB, free: 10 * GiB, available: 22 * GiB },
    swap: { total: 8 * GiB, used: 0.2 * GiB, free: 7.8 * GiB },
    rootfs: { total: 100 * GiB, used: 30 * GiB, free: 70 * GiB, avail: 65 * GiB },
    cpuinfo: { model: 'AMD EPYC 7313P 16-Core Processor', cpus: 32, cores: 16, sockets: 1 },
    kversion: 'Linux 6.12.41',
    'current-kernel': {
      sysname: 'Linux',
      release: '6.12.41+deb13-amd64',
      version: '#1 SMP',
      machine: 'x86_64',
    },
    'boot-info': { mode: 'efi', secureboot: 0 },
    pveversion: 'ryokan/9.0.3',
    qemuversion: '10.0.3',
    accelerator: { name: 'tcg', reason: 'the test guest did not run' },
  };
}
