/** Reading by method record through TanStack Query. Live events keep the caches fresh (see live.ts). */

import { ApiError } from '@ryokan/api/client.ts';
import type { Method, ParamsOf, ResultOf } from '@ryokan/api/method.ts';
import {
  keepPreviousData,
  QueryClient,
  type QueryKey,
  type UseQueryResult,
  useQuery,
} from '@tanstack/react-query';
import { api } from './session.ts';

export const queryClient = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 5_000,
      refetchOnWindowFocus: false,
      retry: (count, error) => count < 2 && error instanceof ApiError && error.code === 'unavailable',
    },
  },
});

export interface QueryOptions {
  /** False: do not ask (yet). */
  readonly enabled?: boolean;
  /** Ask again every so many milliseconds while the page is visible; 0 pauses. Only for measurements. */
  readonly everyMs?: number;
  readonly staleTime?: number;
}

/** Cache key of a call. Config events find their queries by the parameters in it. */
export function callKey(method: { readonly id: string }, params: object): QueryKey {
  return [method.id, params];
}

/** Of a method that goes by the kind of a guest the answer is what either kind gives. */
export function useCall<M extends Method>(
  method: M,
  params: ParamsOf<M>,
  options: QueryOptions = {},
): UseQueryResult<ResultOf<M>, Error> {
  return useQuery({
    queryKey: callKey(method, params as object),
    queryFn: ({ signal }) => api.call(method, params, { signal }),
    enabled: options.enabled ?? true,
    refetchInterval: options.everyMs || false,
    ...(options.staleTime === undefined ? {} : { staleTime: options.staleTime }),
    ...(options.everyMs === undefined ? {} : { placeholderData: keepPreviousData }),
  }) as UseQueryResult<ResultOf<M>, Error>;
}

/** Marks every cached answer of a method as old, whatever its parameters. */
export function invalidate(...methods: readonly { readonly id: string }[]): Promise<void> {
  const ids = new Set(methods.map((method) => method.id));
  return queryClient.invalidateQueries({ predicate: ({ queryKey }) => ids.has(queryKey[0] as string) });
}
