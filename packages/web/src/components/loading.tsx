import { Spinner } from '@patternfly/react-core';
import { useEffect, useState } from 'react';
import { useT } from '../i18n/index.ts';

/** Nothing for a moment (most answers come within it), then a spinner: no flicker. */
export function Loading() {
  const t = useT();
  const [late, setLate] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setLate(true), 250);
    return () => clearTimeout(timer);
  }, []);
  return (
    <div className="ry-loading">{late ? <Spinner size="lg" aria-label={t('page.loading')} /> : null}</div>
  );
}
