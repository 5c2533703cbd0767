/** Made-up nodes, guests, storages and tasks, the same on every run. */

export interface MockGuest {
  readonly vmid: number;
  readonly node: string;
  name: string;
  status: string;
  lock?: string;
  tags: string;
  template?: 1;
  config: Record<string, unknown>;
  pending: Record<string, string | null>;
}

export interface MockTask {
  readonly upid: string;
  readonly node: string;
  readonly pid: number;
  readonly pstart: number;
  readonly starttime: number;
  endtime?: number;
  readonly type: string;
  readonly id: string;
  readonly user: string;
  status?: string;
  progress?: number;
  note?: string;
  readonly log: string[];
}

type Listener = (event: string, value: unknown) => void;

export interface MockData {
  readonly nodes: string[];
  readonly guests: Map<number, MockGuest>;
  readonly tasks: MockTask[];
  readonly volumes: {
    volid: string;
    content: string;
    format: string;
    size: number;
    ctime: number;
    vmid?: number;
  }[];
  /** Text of snippets by file name. */
  readonly snippets: Map<string, string>;
  bridges: string[];
  subscribe(listener: Listener): () => void;
  /** How many streams are open. */
  listeners(): number;
  emit: Listener;
  startTask(node: string, type: string, id: string, ms: number, done?: () => void, exit?: string): string;
}

const GiB = 1024 ** 3;
const roles = [
  'web',
  'db',
  'mail',
  'build',
  'dns',
  'proxy',
  'cache',
  'ci',
  'wiki',
  'monitor',
  '検証',
  'desktop',
];

/** A small generator with a fixed seed, so that screenshots can be compared. */
export function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1664525 + 1013904223) % 4294967296;
    return state / 4294967296;
  };
}

export function makeData(count: number): MockData {
  const nodes = count > 0 ? ['pve1', 'pve2', 'pve3'] : ['pve1'];
  const listeners = new Set<Listener>();
  const next = random(7);
  const guests = new Map<number, MockGuest>();
  for (let i = 0; i < count; i++) {
    const vmid = 100 + i;
    guests.set(vmid, makeGuest(vmid, nodes[Math.floor(i / Math.ceil(count / 3))] as string, next));
  }
  const data: MockData = {
    nodes,
    guests,
    tasks: [],
    volumes: makeVolumes(),
    snippets: new Map([['web.yaml', '#cloud-config\npackages:\n  - nginx\n']]),
    bridges: count > 0 ? ['vmbr0', 'vmbr1'] : [],
    subscribe: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    listeners: () => listeners.size,
    emit: (event, value) => {
      for (const listener of listeners) listener(event, value);
    },
    startTask: (node, type, id, ms, done, exit) => startTask(data, node, type, id, ms, done, exit),
  };
  if (count > 0) addOldTasks(data);
  return data;
}

function makeGuest(vmid: number, node: string, next: () => number): MockGuest {
  const role = roles[Math.floor(next() * roles.length)] as string;
  const draw = next();
  const status = draw < 0.7 ? 'running' : draw < 0.95 ? 'stopped' : draw < 0.98 ? 'paused' : 'unknown';
  const memory = [1024, 2048, 4096, 8192][Math.floor(next() * 4)] as number;
  const special = vmid === 100;
  return {
    vmid,
    node,
    name: special ? 'web-1' : `${role}-${vmid}`,
    status: special ? 'running' : status,
    tags: draw < 0.4 ? 'production;tokyo' : draw < 0.5 ? 'test' : '',
    ...(vmid % 97 === 0 ? { lock: 'backup' } : {}),
    ...(vmid % 89 === 0 ? { template: 1 as const, status: 'stopped' } : {}),
    config: {
      name: special ? 'web-1' : `${role}-${vmid}`,
      ostype: 'l26',
      memory: String(memory),
      cores: 2,
      sockets: 1,
      cpu: 'x86-64-v2-AES',
      machine: 'q35',
      bios: special ? 'ovmf' : 'seabios',
      scsihw: 'virtio-scsi-single',
      scsi0: `local:${vmid}/vm-${vmid}-disk-0.qcow2,discard=on,iothread=1,size=32G,ssd=1`,
      ...(special ? { efidisk0: `local:${vmid}/vm-${vmid}-disk-1.qcow2,efitype=4m,size=528K` } : {}),
      ide2: 'local:iso/debian-13.1.0-amd64-netinst.iso,media=cdrom,size=783M',
      net0: `virtio=BC:24:11:00:0${vmid % 10}:11,bridge=vmbr0,firewall=1`,
      serial0: 'socket',
      boot: 'order=scsi0;ide2;net0',
      agent: '1',
      onboot: 1,
      description: special ? 'Frontend of the shop.\nOwner: 田中 (infra), pager 4711' : '',
      digest: '3d4f'.padEnd(40, '0'),
    },
    pending: special ? { memory: '8192', net1: 'virtio=BC:24:11:00:00:12,bridge=vmbr1', serial0: null } : {},
  };
}

function makeVolumes(): MockData['volumes'] {
  const now = 1_790_000_000;
  const iso = (name: string, size: number, age: number) => ({
    volid: `local:iso/${name}`,
    content: 'iso',
    format: 'iso',
    size,
    ctime: now - age,
  });
  return [
    iso('debian-13.1.0-amd64-netinst.iso', 783 * 1024 ** 2, 86400 * 3),
    iso('ubuntu-26.04-live-server-amd64.iso', 3.1 * GiB, 86400 * 20),
    iso('Windows11-25H2-x64-ja.iso', 6.6 * GiB, 86400 * 40),
    iso('virtio-win-0.1.285.iso', 753 * 1024 ** 2, 86400 * 40),
    {
      volid: 'local:100/vm-100-disk-0.qcow2',
      content: 'images',
      format: 'qcow2',
      size: 32 * GiB,
      ctime: now - 9000,
      vmid: 100,
    },
    {
      volid: 'local:100/vm-100-disk-1.qcow2',
      content: 'images',
      format: 'qcow2',
      size: 540672,
      ctime: now - 9000,
      vmid: 100,
    },
    { volid: 'local:snippets/web.yaml', content: 'snippets', format: 'snippet', size: 34, ctime: now },
    {
      volid: 'local:vztmpl/debian-13-standard_13.1-1_amd64.tar.zst',
      content: 'vztmpl',
      format: 'tzst',
      size: 126 * 1024 ** 2,
      ctime: now,
    },
  ];
}

const hex = (value: number) => value.toString(16).toUpperCase().padStart(8, '0');

function newTask(node: string, type: string, id: string, starttime: number, pid: number): MockTask {
  return {
    upid: `UPID:${node}:${hex(pid)}:${hex(123456)}:${hex(starttime)}:${type}:${id}:root@pam:`,
    node,
    pid,
    pstart: 123456,
    starttime,
    type,
    id,
    user: 'root@pam',
    log: [],
  };
}

let nextPid = 4000;

function startTask(
  data: MockData,
  node: string,
  type: string,
  id: string,
  ms: number,
  done?: () => void,
  exit = 'OK',
): string {
  const task = newTask(node, type, id, Math.floor(Date.now() / 1000), nextPid++);
  const row = () => ({ ...task, log: undefined });
  const steps = ms > 1000 ? 10 : 1;
  data.tasks.unshift(task);
  data.emit('task', row());
  let step = 0;
  const timer = setInterval(() => {
    step++;
    task.log.push(`step ${step} of ${steps}`);
    data.emit('log', { upid: task.upid, lines: [{ n: task.log.length, t: task.log.at(-1) }] });
    if (step < steps) {
      task.progress = step / steps;
      data.emit('task', row());
      return;
    }
    clearInterval(timer);
    delete task.progress;
    task.endtime = Math.floor(Date.now() / 1000);
    task.status = exit;
    task.log.push(exit === 'OK' ? 'TASK OK' : `TASK ERROR: ${exit}`);
    done?.();
    data.emit('task', row());
  }, ms / steps);
  timer.unref();
  return task.upid;
}

function addOldTasks(data: MockData): void {
  const now = Math.floor(Date.now() / 1000);
  const types = ['qmstart', 'qmshutdown', 'imgcopy', 'qmcreate', 'qmconfig', 'download'] as const;
  for (let i = 0; i < 60; i++) {
    const type = types[i % types.length] as string;
    const task = newTask(
      'pve1',
      type,
      type === 'imgcopy' || type === 'download' ? 'local' : String(100 + i),
      now - 120 * (i + 1),
      3000 + i,
    );
    task.endtime = task.starttime + 1 + (i % 50);
    task.status =
      i === 3 ? 'VM 103: not enough memory: 8 GiB wanted, 3.2 GiB free' : i === 9 ? 'WARNINGS: 1' : 'OK';
    task.log.push('starting', task.status === 'OK' ? 'TASK OK' : `TASK ERROR: ${task.status}`);
    data.tasks.push(task);
  }
}
