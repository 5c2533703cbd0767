import { lazy, Suspense } from 'react';
import { Loading } from '../loading.tsx';
import type { TerminalProps } from './terminal.tsx';

const Screen = lazy(() => import('./terminal.tsx').then((all) => ({ default: all.Terminal })));

/** A terminal, loaded when one is looked at: so many pages open one that it would come with the first page otherwise. */
export function Terminal(props: TerminalProps) {
  return (
    <Suspense fallback={<Loading />}>
      <Screen {...props} />
    </Suspense>
  );
}
