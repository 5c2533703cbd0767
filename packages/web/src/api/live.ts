/**
 * Live updates: one event stream of the server patches the cached lists of resources and tasks and marks what else
 * changed as old. Nothing polls. Events arrive in bursts (a node that starts 100 guests), so they are applied together.
 */
import { clusterResources, clusterTasks } from '@ryokan/api/methods/cluster.ts';
import { nodeWarnings } from '@ryokan/api/methods/nodes.ts';
import { useSyncExternalStore } from 'react';
import { type EventType, joinEventStream } from './event-stream.ts';
import { callKey, invalidate, queryClient } from './query.ts';
import { outcome, type Resource, type Task } from './rows.ts';
import { api, session } from './session.ts';

export const resourcesKey = callKey(clusterResources, {});
export const tasksKey = callKey(clusterTasks, {});
/** Rows of ended tasks kept in the drawer; the task pages ask for more. */
const keptTasks = 200;
const flushMs = 120;

export type Connection = 'connecting' | 'live' | 'lost';

let connection: Connection = 'connecting';
const connectionListeners = new Set<() => void>();

function setConnection(next: Connection): void {
  if (next === connection) return;
  connection = next;
  for (const listener of connectionListeners) listener();
}

export function useConnection(): Connection {
  return useSyncExternalStore(
    (listener) => {
      connectionListeners.add(listener);
      return () => connectionListeners.delete(listener);
    },
    () => connection,
  );
}

type ResourceChange = Resource | { readonly id: string; readonly removed: 1 };

/** Applies changes by id; rows that are new go to the end. Returns the same array when nothing changed. */
export function patchResources(
  rows: readonly Resource[],
  changes: ReadonlyMap<string, ResourceChange>,
): Resource[] {
  const left = new Map(changes);
  const next: Resource[] = [];
  for (const row of rows) {
    const change = left.get(row.id);
    left.delete(row.id);
    if (!change) next.push(row);
    else if (!('removed' in change)) next.push(change);
  }
  for (const change of left.values()) if (!('removed' in change)) next.push(change);
  return next;
}

/** Puts task rows in by UPID: running ones first, then the newest. */
export function patchTasks(rows: readonly Task[], changes: ReadonlyMap<string, Task>): Task[] {
  const byUpid = new Map(rows.map((row) => [row.upid, row]));
  for (const [upid, task] of changes) byUpid.set(upid, task);
  const running = (task: Task) => Number(task.endtime === undefined);
  return [...byUpid.values()]
    .sort((a, b) => running(b) - running(a) || b.starttime - a.starttime || (a.upid < b.upid ? 1 : -1))
    .slice(0, keptTasks);
}

const pendingResources = new Map<string, ResourceChange>();
const pendingTasks = new Map<string, Task>();
let flushTimer: ReturnType<typeof setTimeout> | undefined;
const endListeners = new Set<(task: Task) => void>();

/** Calls `listener` for every task that ends while the page is open. */
export function onTaskEnd(listener: (task: Task) => void): () => void {
  endListeners.add(listener);
  return () => endListeners.delete(listener);
}

const openListeners = new Set<() => void>();

/** Calls `listener` each time the event stream opens: events before that are lost. */
export function onStreamOpen(listener: () => void): () => void {
  openListeners.add(listener);
  return () => openListeners.delete(listener);
}

function schedule(): void {
  if (flushTimer === undefined) flushTimer = setTimeout(flush, flushMs);
}

function flush(): void {
  flushTimer = undefined;
  if (pendingResources.size > 0) {
    const changes = new Map(pendingResources);
    pendingResources.clear();
    queryClient.setQueryData<Resource[]>(resourcesKey, (rows) => rows && patchResources(rows, changes));
  }
  if (pendingTasks.size > 0) {
    const changes = new Map(pendingTasks);
    pendingTasks.clear();
    queryClient.setQueryData<Task[]>(tasksKey, (rows) => rows && patchTasks(rows, changes));
    for (const task of changes.values()) {
      if (outcome(task) !== 'running') for (const listener of endListeners) listener(task);
    }
  }
}

/** Which guest a configuration document belongs to: `nodes/n/qemu-server/100.conf`. */
export function guestOfDocument(path: string): { node: string; vmid: number } | undefined {
  const match = /^nodes\/([^/]+)\/(?:qemu-server|lxc)\/(\d+)\.conf$/.exec(path);
  return match ? { node: match[1] as string, vmid: Number(match[2]) } : undefined;
}

/** Guests whose removal this page asked for: their documents go, so there is nothing to read again. */
const leaving = new Set<number>();

/** Says that a guest goes: its pages ask no more about it. The result takes that back. */
export function leaveGuest(vmid: number): () => void {
  leaving.add(vmid);
  const stay = () => leaving.delete(vmid);
  // A guest of the same number may come later.
  setTimeout(stay, 30_000);
  return stay;
}

function configChanged(path: string): void {
  const guest = guestOfDocument(path);
  if (guest && leaving.has(guest.vmid)) return;
  void queryClient.invalidateQueries({
    predicate: ({ queryKey }) => {
      const [id, params] = queryKey as [string, { vmid?: number; node?: string } | undefined];
      if (guest) return params?.vmid === guest.vmid && !id.endsWith('rrddata');
      if (path === 'storage.cfg') return id.startsWith('storage');
      if (path === 'user.cfg' || path.startsWith('priv/')) return id.startsWith('access');
      if (path === 'datacenter.cfg') return id.startsWith('cluster.options');
      return false;
    },
  });
}

/** Joins the event stream; returns the function that leaves it. */
export function startLive(): () => void {
  const username = session()?.username;
  if (username === undefined) return () => undefined;
  let lostTimer: ReturnType<typeof setTimeout> | undefined;
  const leave = joinEventStream(username, {
    onEvent: (type, data) => {
      if (type === 'hello') {
        clearTimeout(lostTimer);
        lostTimer = undefined;
        setConnection('live');
        // Whatever happened while nobody listened: fetch what is on the page again.
        void queryClient.invalidateQueries();
        for (const listener of openListeners) listener();
      } else apply(type, data);
    },
    onLost: () => {
      // A short gap (a restart of the daemon) is nobody's business.
      lostTimer ??= setTimeout(() => setConnection('lost'), 3_000);
    },
    // A call of any kind tells whether the login still holds.
    onRefused: () => void api.call(clusterTasks, {}).catch(() => undefined),
  });
  return () => {
    leave();
    clearTimeout(lostTimer);
    setConnection('connecting');
  };
}

/** One event that the server sent, in the shapes that `cluster.events` describes. */
function apply(type: Exclude<EventType, 'hello'>, data: unknown): void {
  switch (type) {
    case 'resource':
      pendingResources.set((data as ResourceChange).id, data as ResourceChange);
      return schedule();
    case 'task':
      pendingTasks.set((data as Task).upid, data as Task);
      return schedule();
    case 'config':
      return configChanged((data as { path: string }).path);
    case 'warning':
      void invalidate(nodeWarnings);
  }
}
