/** Tasks of one node. */
import { defineMethod } from '../method.ts';
import { TaskListRow } from '../schema/resource.ts';
import { Enum, Format, Node, Null, Type, Upid } from '../schema/types.ts';

const Optional = Type.Optional;

export const taskList = defineMethod({
  id: 'tasks.list',
  verb: 'GET',
  path: '/nodes/{node}/tasks',
  description: 'Tasks of the node, the newest first.',
  params: Type.Object({
    node: Node(),
    start: Optional(Type.Integer({ minimum: 0, default: 0, description: 'Skip this many.' })),
    limit: Optional(Type.Integer({ minimum: 0, default: 50 })),
    userfilter: Optional(Type.String({ description: 'Only tasks whose user contains this text.' })),
    typefilter: Optional(Type.String({ description: 'Only tasks of this type (qmstart, vzdump).' })),
    statusfilter: Optional(
      Format('pve-task-status-type-list', { description: 'ok, error, warning, unknown.' }),
    ),
    vmid: Optional(
      Type.Integer({ minimum: 100, maximum: 999_999_999, description: 'Only tasks of this guest.' }),
    ),
    errors: Optional(Type.Boolean({ default: false, description: 'Only tasks that failed.' })),
    source: Optional(Enum(['archive', 'active', 'all'], { default: 'archive' })),
    since: Optional(
      Type.Integer({ description: 'Started at or after this time (seconds since the epoch).' }),
    ),
    until: Optional(Type.Integer({ description: 'Started at or before this time.' })),
  }),
  returns: Type.Array(TaskListRow),
  permission: { user: 'all' },
  proxyTo: 'node',
  cli: {
    command: 'pvenode task list',
    columns: ['upid', 'type', 'id', 'user', 'starttime', 'endtime', 'status'],
  },
});

export const taskIndex = defineMethod({
  id: 'tasks.index',
  verb: 'GET',
  path: '/nodes/{node}/tasks/{upid}',
  description: 'Directory of a task.',
  params: Type.Object({ node: Node(), upid: Upid() }),
  returns: Type.Array(Type.Object({ name: Type.String() })),
  permission: { user: 'all' },
  proxyTo: 'node',
});

export const taskStop = defineMethod({
  id: 'tasks.stop',
  verb: 'DELETE',
  dryRun: 'documents',
  path: '/nodes/{node}/tasks/{upid}',
  description: 'Asks a running task to stop; what it had begun is taken back.',
  params: Type.Object({ node: Node(), upid: Upid() }),
  returns: Null(),
  permission: { user: 'all' },
  proxyTo: 'node',
  cli: { command: 'pvenode task stop', args: ['upid'] },
});

export const taskStatus = defineMethod({
  id: 'tasks.status',
  verb: 'GET',
  path: '/nodes/{node}/tasks/{upid}/status',
  description: 'Whether a task runs, and how it ended.',
  params: Type.Object({ node: Node(), upid: Upid() }),
  returns: Type.Object({
    upid: Type.String(),
    node: Type.String(),
    pid: Type.Integer(),
    pstart: Type.Integer(),
    starttime: Type.Integer(),
    type: Type.String(),
    id: Type.String(),
    user: Type.String(),
    tokenid: Optional(Type.String()),
    status: Enum(['running', 'stopped']),
    exitstatus: Optional(Type.String()),
    progress: Optional(Type.Number()),
    note: Optional(Type.String()),
  }),
  permission: { user: 'all' },
  proxyTo: 'node',
  cli: { command: 'pvenode task status', args: ['upid'] },
});

export const taskLog = defineMethod({
  id: 'tasks.log',
  verb: 'GET',
  path: '/nodes/{node}/tasks/{upid}/log',
  description: "Lines of a task's log.",
  params: Type.Object({
    node: Node(),
    upid: Upid(),
    start: Optional(Type.Integer({ minimum: 0, default: 0 })),
    limit: Optional(Type.Integer({ minimum: 0, default: 50, description: '0 for all.' })),
    download: Optional(Type.Boolean({ description: 'The whole log as plain text.' })),
  }),
  returns: Type.Array(Type.Object({ n: Type.Integer(), t: Type.String() })),
  permission: { user: 'all' },
  proxyTo: 'node',
  cli: { command: 'pvenode task log', args: ['upid'], columns: ['t'] },
});
