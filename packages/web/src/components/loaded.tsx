import type { ReactNode } from 'react';
import { ErrorNotice } from './error-notice.tsx';
import { Loading } from './loading.tsx';

/** What a query answers, as far as it matters here. */
export interface Answer<T> {
  readonly data: T | undefined;
  readonly error: unknown;
  readonly refetch: () => unknown;
}

/** A page made of an answer: the error with another try, nothing for a moment while it loads, then the page. */
export function Loaded<T>(props: { answer: Answer<T>; children: (data: T) => ReactNode }) {
  const { data, error, refetch } = props.answer;
  if (data !== undefined) return props.children(data);
  if (!error) return <Loading />;
  return (
    <div className="ry-summary">
      <ErrorNotice error={error} onRetry={() => void refetch()} />
    </div>
  );
}
