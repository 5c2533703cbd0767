import { Button } from '@patternfly/react-core';
import { guestAction } from '@ryokan/api/guest-actions.ts';
import { Empty } from '../../components/empty.tsx';
import { useT } from '../../i18n/index.ts';
import type { GuestTabProps } from './guest-page.tsx';
import { runAction } from './guest-run.ts';

/** In place of what only a running guest has: why there is nothing, and the button that changes it. */
export function StoppedGuest({ guest, state, body }: GuestTabProps & { body?: string }) {
  const t = useT();
  const start = guestAction('start', state);
  return (
    <Empty
      title={t('console.notRunning')}
      action={
        start.allowed ? (
          <Button onClick={() => void runAction(guest, 'start')}>{t('guest.start')}</Button>
        ) : null
      }
    >
      {body ?? t('console.notRunningBody')}
    </Empty>
  );
}
