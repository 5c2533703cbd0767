import { Button } from '@patternfly/react-core';
import { guestAction } from '@ryokan/api/guest-actions.ts';
import { useGuestConfig } from '../../../api/hooks.ts';
import { useT } from '../../../i18n/index.ts';
import type { GuestTabProps } from '../guest-page.tsx';
import { openConsoleWindow } from '../guest-run.ts';
import { GuestTerminal } from '../guest-terminal.tsx';
import { StoppedGuest } from '../stopped-guest.tsx';

/** The console of a container: a login at a terminal, its console device or a shell, as its option `cmode` says. */
export default function TerminalTab({ guest, state }: GuestTabProps) {
  const t = useT();
  const { data: config } = useGuestConfig(guest);
  return (
    <GuestTerminal
      guest={guest}
      available={guestAction('console', state).allowed}
      once={config?.cmode === 'shell'}
      off={<StoppedGuest guest={guest} state={state} />}
      actions={
        <Button variant="secondary" size="sm" onClick={() => openConsoleWindow(guest)}>
          {t('console.window')}
        </Button>
      }
    />
  );
}
