/** The lists that the frame always has, and questions many pages ask. */
import { clusterResources, clusterTasks } from '@ryokan/api/methods/cluster.ts';
import type { UseQueryResult } from '@tanstack/react-query';
import { useMemo } from 'react';
import { type GuestRef, kindOf } from './guest-kinds.ts';
import { useCall } from './query.ts';
import { type Guest, isGuest, type Resource, type Task } from './rows.ts';

const live = { staleTime: Number.POSITIVE_INFINITY } as const;
const none: never[] = [];

export function useResources(): { rows: readonly Resource[]; loaded: boolean; error: Error | null } {
  const { data, error } = useCall(clusterResources, {}, live);
  return { rows: data ?? none, loaded: data !== undefined, error };
}

export function useTasks(): readonly Task[] {
  return useCall(clusterTasks, {}, live).data ?? none;
}

export function useGuest(vmid: number): { guest: Guest | undefined; loaded: boolean } {
  const { rows, loaded } = useResources();
  const guest = useMemo(
    () => rows.find((row): row is Guest => isGuest(row) && row.vmid === vmid),
    [rows, vmid],
  );
  return { guest, loaded };
}

/** Names of the nodes, online ones first. */
export function useNodeNames(): string[] {
  const { rows } = useResources();
  return useMemo(
    () =>
      rows
        .filter((row) => row.type === 'node' && row.node !== undefined)
        .sort(
          (a, b) =>
            Number(b.status === 'online') - Number(a.status === 'online') ||
            ((a.node ?? '') < (b.node ?? '') ? -1 : 1),
        )
        .map((row) => row.node as string),
    [rows],
  );
}

/** Tasks of one guest that run now: while there are any, the guest is busy. */
export function useRunningTasks(vmid: number): Task[] {
  const tasks = useTasks();
  return useMemo(
    () => tasks.filter((task) => task.endtime === undefined && task.id === String(vmid)),
    [tasks, vmid],
  );
}

/** A guest's configuration as the API answers it: numbers, texts and property strings by key. */
export type Config = Readonly<Record<string, unknown>> & { readonly digest: string };

export function useGuestConfig(guest: GuestRef): UseQueryResult<Config, Error> {
  const { node, vmid } = guest;
  return useCall(kindOf(guest).config, { node, vmid }) as UseQueryResult<Config, Error>;
}
