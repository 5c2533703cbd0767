import { lazy } from 'react';
import { Loaded } from '../../../components/loaded.tsx';
import { useT } from '../../../i18n/index.ts';
import type { Addable } from '../add-menu.tsx';
import { DeviceTable } from '../device-table.tsx';
import type { GuestTabProps } from '../guest-page.tsx';
import { useEntries } from '../use-entries.ts';
import { cardLayout } from './layouts.ts';

const Dialogs = lazy(() => import('./dialogs.tsx'));

const addable: readonly Addable[] = [{ group: 'card' }];

/** The network cards of a container. */
export default function Network(props: GuestTabProps) {
  const t = useT();
  const answer = useEntries(props.guest);
  return (
    <Loaded answer={answer}>
      {(entries) => (
        <DeviceTable
          {...props}
          entries={entries}
          label={t('tab.network')}
          layout={cardLayout}
          addable={addable}
          empty={{ title: t('wizard.noNics'), body: t('container.noCards') }}
          Dialogs={Dialogs}
        />
      )}
    </Loaded>
  );
}
