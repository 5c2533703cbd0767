import { Button } from '@patternfly/react-core';
import { guestAction } from '@ryokan/api/guest-actions.ts';
import { useGuestConfig } from '../../api/hooks.ts';
import { VncScreen } from '../../components/console/vnc-screen.tsx';
import { useT } from '../../i18n/index.ts';
import type { GuestTabProps } from './guest-page.tsx';
import { openConsoleWindow } from './guest-run.ts';
import { openSpice } from './spice.ts';
import { StoppedGuest } from './stopped-guest.tsx';
import { hasSpice } from './viewer-file.ts';

export default function ConsoleTab({ guest, state }: GuestTabProps) {
  const t = useT();
  const { data: config } = useGuestConfig(guest);
  const running = guestAction('console', state).allowed;
  return (
    <VncScreen
      node={guest.node}
      vmid={guest.vmid}
      running={running}
      stopped={<StoppedGuest guest={guest} state={state} />}
      actions={
        <>
          {hasSpice(config?.vga) ? (
            <Button variant="secondary" size="sm" isDisabled={!running} onClick={() => void openSpice(guest)}>
              {t('spice.open')}
            </Button>
          ) : null}
          <Button variant="secondary" size="sm" onClick={() => openConsoleWindow(guest)}>
            {t('console.window')}
          </Button>
        </>
      }
    />
  );
}
