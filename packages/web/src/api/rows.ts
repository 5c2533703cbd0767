/** Row types of the lists that live events keep fresh, and small questions about them. */
import { type GuestState, type PowerState, powerState } from '@ryokan/api/guest-actions.ts';
import type { Resource as ResourceSchema, TaskListRow } from '@ryokan/api/schema/resource.ts';
import type { Static } from '@ryokan/api/schema/types.ts';

export type Resource = Static<typeof ResourceSchema>;
export type Task = Static<typeof TaskListRow>;

export interface Guest extends Resource {
  readonly type: 'qemu' | 'lxc';
  readonly vmid: number;
  readonly node: string;
}

export function isGuest(row: Resource): row is Guest {
  return (row.type === 'qemu' || row.type === 'lxc') && row.vmid !== undefined && row.node !== undefined;
}

export function guestState(guest: Resource): GuestState {
  return {
    status: guest.status ?? 'unknown',
    ...(guest.lock ? { lock: guest.lock } : {}),
    ...(guest.template ? { template: 1 } : {}),
  };
}

export type Condition =
  | PowerState
  | 'template'
  | 'online'
  | 'offline'
  | 'available'
  | 'unavailable'
  | 'error';

/** What the status icon of a row shows. */
export function condition(row: Resource): Condition {
  if (row.error) return 'error';
  if (row.type === 'node')
    return row.status === 'online' ? 'online' : row.status === 'offline' ? 'offline' : 'unknown';
  if (row.type === 'storage')
    return row.status === 'available' ? 'available' : row.status ? 'unavailable' : 'unknown';
  if (isGuest(row)) return row.template ? 'template' : powerState(guestState(row));
  return 'available';
}

/** The page of an object. */
export function pathOf(row: Resource): string {
  switch (row.type) {
    case 'node':
      return `/node/${row.node}`;
    case 'storage':
      return `/storage/${row.node}/${row.storage}`;
    case 'qemu':
    case 'lxc':
      return `/${row.type}/${row.vmid}`;
    default:
      return '/datacenter';
  }
}

/** The name people know an object by. */
export function labelOf(row: Resource): string {
  if (isGuest(row)) return row.name ? `${row.vmid} ${row.name}` : String(row.vmid);
  return row.storage ?? row.node ?? row.name ?? row.id;
}

export function tagsOf(row: { readonly tags?: string | undefined }): string[] {
  return (row.tags ?? '').split(/[;,\s]+/).filter(Boolean);
}

export type Outcome = 'running' | 'ok' | 'warning' | 'failed' | 'unknown';

/** How a task stands, from its list row. */
export function outcome(task: Pick<Task, 'endtime' | 'status'>): Outcome {
  if (task.endtime === undefined) return 'running';
  if (task.status === 'OK') return 'ok';
  if (task.status?.startsWith('WARNINGS')) return 'warning';
  return task.status === undefined || task.status === 'unknown' ? 'unknown' : 'failed';
}
