import { Button, FormSelect, FormSelectOption } from '@patternfly/react-core';
import { guestAction } from '@ryokan/api/guest-actions.ts';
import { useSearchParams } from 'react-router';
import { useGuestConfig } from '../../api/hooks.ts';
import { useT } from '../../i18n/index.ts';
import type { GuestTabProps } from './guest-page.tsx';
import { openConsoleWindow } from './guest-run.ts';
import { GuestTerminal } from './guest-terminal.tsx';
import { StoppedGuest } from './stopped-guest.tsx';

/** Serial ports that a console can open; the one shown stands in the URL. */
export default function SerialTab({ guest, state }: GuestTabProps) {
  const t = useT();
  const [search, setSearch] = useSearchParams();
  const { data: config } = useGuestConfig(guest);
  const ports = Object.entries(config ?? {})
    .filter(([key, value]) => /^serial[0-3]$/.test(key) && value === 'socket')
    .map(([key]) => key)
    .sort();
  const port = search.get('port') ?? ports[0] ?? 'serial0';
  return (
    <GuestTerminal
      guest={guest}
      port={port}
      available={guestAction('console', state).allowed}
      off={<StoppedGuest guest={guest} state={state} />}
      actions={
        <>
          {ports.length > 1 ? (
            <FormSelect
              className="ry-kind"
              aria-label={t('console.port')}
              value={port}
              onChange={(_, value) => setSearch({ port: value })}
            >
              {ports.map((one) => (
                <FormSelectOption key={one} value={one} label={one} />
              ))}
            </FormSelect>
          ) : null}
          <Button variant="secondary" size="sm" onClick={() => openConsoleWindow(guest, port)}>
            {t('console.window')}
          </Button>
        </>
      }
    />
  );
}
