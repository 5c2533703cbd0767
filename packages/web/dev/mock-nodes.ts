/** Cluster, nodes and tasks of the mock server. */
import type { MockData } from './mock-data.ts';
import { fail, GiB, ok, type Route, resourceOf, rrd, storageRow, wave } from './mock-reply.ts';

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

export const nodeRoutes: readonly Route[] = [
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
    'POST /nodes/([^/]+)/(?:qemu/\\d+/)?(?:vncproxy|termproxy)',
    () => fail(500, 'the mock server has no consoles'),
  ],
];
