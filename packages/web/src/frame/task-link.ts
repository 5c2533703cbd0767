import { useCallback } from 'react';
import { useSearchParams } from 'react-router';

/** The open task stands in the URL (`?task=UPID`), so that its log can be sent to a colleague. */
export function useTaskLink(): { upid: string | undefined; open: (upid: string) => void; close: () => void } {
  const [search, setSearch] = useSearchParams();
  const change = useCallback(
    (upid: string | undefined) =>
      setSearch((before) => {
        const next = new URLSearchParams(before);
        if (upid) next.set('task', upid);
        else next.delete('task');
        return next;
      }),
    [setSearch],
  );
  return {
    upid: search.get('task') ?? undefined,
    open: change,
    close: useCallback(() => change(undefined), [change]),
  };
}
