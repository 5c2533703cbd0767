import { Button } from '@patternfly/react-core';
import { useRouteError } from 'react-router';
import { useT } from '../i18n/index.ts';
import { ErrorNotice } from './error-notice.tsx';

/** A page that broke (a fault of ours, or a build that was replaced while the page was open). */
export function PageCrash() {
  const t = useT();
  const error = useRouteError();
  return (
    <div className="ry-crash">
      <ErrorNotice title={t('crash.title')} error={error} />
      <p>{t('crash.advice')}</p>
      <Button variant="primary" onClick={() => location.reload()}>
        {t('crash.reload')}
      </Button>
    </div>
  );
}
