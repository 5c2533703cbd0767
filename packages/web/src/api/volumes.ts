/** Storages of a node and what is in them. */

import type { ResultOf } from '@ryokan/api/method.ts';
import { nodeStorageList, volumeList } from '@ryokan/api/methods/storage.ts';
import { useQueries } from '@tanstack/react-query';
import { callKey, useCall } from './query.ts';
import { api } from './session.ts';

export type NodeStorage = ResultOf<typeof nodeStorageList>[number];
export type Volume = ResultOf<typeof volumeList>[number];
export type ContentType = 'images' | 'iso' | 'vztmpl' | 'backup' | 'snippets' | 'import' | 'rootdir';

/** Storages of the node that may hold this content and can be reached now. */
export function useStorages(
  node: string,
  content: ContentType,
): { storages: readonly NodeStorage[]; loaded: boolean } {
  const { data } = useCall(
    nodeStorageList,
    { node, content, enabled: true, format: true },
    { enabled: node !== '' },
  );
  return { storages: data?.filter((one) => one.active !== 0) ?? [], loaded: data !== undefined };
}

/** Volumes of one content type on all storages of the node. */
export function useVolumes(
  node: string,
  content: ContentType,
): { volumes: readonly Volume[]; loaded: boolean; refetch: () => void } {
  const { storages, loaded } = useStorages(node, content);
  return useQueries({
    queries: storages.map(({ storage }) => ({
      queryKey: callKey(volumeList, { node, storage, content }),
      queryFn: ({ signal }: { signal: AbortSignal }) =>
        api.call(volumeList, { node, storage, content }, { signal }),
    })),
    combine: (results) => ({
      volumes: results.flatMap((one) => one.data ?? []),
      loaded: loaded && results.every((one) => !one.isPending),
      refetch: () => {
        for (const one of results) void one.refetch();
      },
    }),
  });
}

/** `local:iso/debian.iso` without storage and folder. */
export function volumeName(volid: string): string {
  return volid.slice(Math.max(volid.lastIndexOf('/'), volid.indexOf(':')) + 1);
}
