import { Button } from '@patternfly/react-core';
import { guestAction } from '@ryokan/api/guest-actions.ts';
import { VncScreen } from '../../components/console/vnc-screen.tsx';
import { Empty } from '../../components/empty.tsx';
import { useT } from '../../i18n/index.ts';
import type { GuestTabProps } from './guest-page.tsx';
import { openConsoleWindow, runAction } from './guest-run.ts';

export default function ConsoleTab({ guest, state }: GuestTabProps) {
  const t = useT();
  return (
    <VncScreen
      node={guest.node}
      vmid={guest.vmid}
      running={guestAction('console', state).allowed}
      stopped={<StoppedGuest guest={guest} state={state} />}
      actions={
        <Button variant="secondary" size="sm" onClick={() => openConsoleWindow(guest)}>
          {t('console.window')}
        </Button>
      }
    />
  );
}

/** In place of a screen: why there is none, and the button that changes it. */
export function StoppedGuest({ guest, state }: GuestTabProps) {
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
      {t('console.notRunningBody')}
    </Empty>
  );
}
