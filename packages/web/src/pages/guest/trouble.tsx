import { Alert, AlertActionLink } from '@patternfly/react-core';
import { guestAction } from '@ryokan/api/guest-actions.ts';
import { lazy, Suspense, useState } from 'react';
import { may } from '../../api/session.ts';
import { type PlainKey, useT } from '../../i18n/index.ts';
import type { GuestTabProps } from './guest-page.tsx';
import { runAction } from './guest-run.ts';

const RepairDialog = lazy(() => import('./repair-dialog.tsx'));

/** Titles by QEMU's run state; the text below is the node's, with what happened and what to do. */
const titles: Readonly<Record<string, PlainKey>> = {
  'io-error': 'trouble.ioError',
  'guest-panicked': 'trouble.panicked',
  watchdog: 'trouble.watchdog',
  'internal-error': 'trouble.internalError',
};

/** What keeps a guest from working: a configuration that cannot be read, or what its QEMU has run into. */
export function Trouble(props: GuestTabProps & { error: string | undefined; warning: string | undefined }) {
  const t = useT();
  const { guest, state, error, warning } = props;
  const [repairing, setRepairing] = useState(false);
  const title = titles[state.qmpstatus ?? ''] ?? 'guest.warning';
  const resume = guestAction('resume', state).allowed && state.status !== 'stopped';
  return (
    <>
      {error ? (
        <Alert
          isInline
          variant="danger"
          title={t('guest.configError')}
          className="ry-span"
          {...(may('dc', 'Sys.Modify')
            ? {
                actionLinks: (
                  <AlertActionLink onClick={() => setRepairing(true)}>{t('repair.open')}</AlertActionLink>
                ),
              }
            : {})}
        >
          {error}
        </Alert>
      ) : null}
      {warning || titles[state.qmpstatus ?? ''] ? (
        <Alert
          isInline
          variant="warning"
          title={t(title)}
          className="ry-span"
          {...(resume
            ? {
                actionLinks: (
                  <AlertActionLink onClick={() => void runAction(guest, 'resume')}>
                    {t('guest.resume')}
                  </AlertActionLink>
                ),
              }
            : {})}
        >
          {warning}
          {state.qmpstatus === 'io-error' ? <p className="ry-advice">{t('trouble.ioErrorBody')}</p> : null}
        </Alert>
      ) : null}
      <Suspense fallback={null}>
        {repairing ? <RepairDialog guest={guest} onClose={() => setRepairing(false)} /> : null}
      </Suspense>
    </>
  );
}
