/** Result shapes that several methods share. */
import { Bit, Bytes, Enum, Type } from './types.ts';

const Optional = Type.Optional;

/** One row of /cluster/resources; `id` is `qemu/100`, `node/pve1`, `storage/pve1/local`. */
export const Resource = Type.Object({
  id: Type.String(),
  type: Enum(['node', 'storage', 'pool', 'qemu', 'lxc', 'openvz', 'sdn', 'network']),
  node: Optional(Type.String()),
  status: Optional(Type.String()),
  vmid: Optional(Type.Integer()),
  name: Optional(Type.String()),
  template: Optional(Bit()),
  tags: Optional(Type.String()),
  lock: Optional(Type.String()),
  pool: Optional(Type.String()),
  uptime: Optional(Type.Integer({ renderer: 'duration' })),
  cpu: Optional(Type.Number({ minimum: 0, description: 'Use of the available CPUs, 0..1.' })),
  maxcpu: Optional(Type.Number({ minimum: 0 })),
  mem: Optional(Bytes()),
  maxmem: Optional(Bytes()),
  memhost: Optional(Bytes()),
  disk: Optional(Bytes()),
  maxdisk: Optional(Bytes()),
  diskread: Optional(Bytes()),
  diskwrite: Optional(Bytes()),
  netin: Optional(Bytes()),
  netout: Optional(Bytes()),
  storage: Optional(Type.String()),
  content: Optional(Type.String()),
  plugintype: Optional(Type.String()),
  shared: Optional(Bit()),
  level: Optional(Type.String()),
  hastate: Optional(Type.String()),
  'cgroup-mode': Optional(Type.Integer()),
  error: Optional(
    Type.String({ description: 'Why this object cannot be used, for example a damaged configuration.' }),
  ),
  warning: Optional(
    Type.String({ description: 'What keeps this object from working although it runs, and what to do.' }),
  ),
});

/** One row of a task list; `status` only when ended, except where running tasks are listed as RUNNING. */
export const TaskListRow = Type.Object({
  upid: Type.String(),
  node: Type.String(),
  pid: Type.Integer(),
  pstart: Type.Integer(),
  starttime: Type.Integer({ renderer: 'timestamp' }),
  endtime: Optional(Type.Integer({ renderer: 'timestamp' })),
  type: Type.String(),
  id: Type.String(),
  user: Type.String(),
  tokenid: Optional(Type.String()),
  status: Optional(Type.String()),
  progress: Optional(Type.Number({ minimum: 0, maximum: 1, description: 'How far a running task is.' })),
  note: Optional(Type.String({ description: 'What a running task is doing.' })),
});

/** What a console call answers: where to connect, and a ticket for just this console. */
export const ConsoleAccess = Type.Object({
  user: Type.String(),
  ticket: Type.String(),
  port: Type.Integer({ minimum: 5900, maximum: 5999 }),
  upid: Type.String(),
  cert: Optional(Type.String()),
  password: Optional(Type.String()),
});
