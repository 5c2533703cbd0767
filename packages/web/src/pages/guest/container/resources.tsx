import { lazy } from 'react';
import { Loaded } from '../../../components/loaded.tsx';
import { useT } from '../../../i18n/index.ts';
import type { Addable } from '../add-menu.tsx';
import { DeviceTable } from '../device-table.tsx';
import type { GuestTabProps } from '../guest-page.tsx';
import { useEntries } from '../use-entries.ts';
import { resourceLayout } from './layouts.ts';

const Dialogs = lazy(() => import('./dialogs.tsx'));

const addable: readonly Addable[] = [{ group: 'mountpoint' }, { group: 'device' }];

/** What a container has of the node: memory, CPUs, file systems, devices. */
export default function Resources(props: GuestTabProps) {
  const t = useT();
  const answer = useEntries(props.guest);
  return (
    <Loaded answer={answer}>
      {(entries) => (
        <DeviceTable
          {...props}
          entries={entries}
          label={t('tab.resources')}
          layout={resourceLayout}
          addable={addable}
          Dialogs={Dialogs}
        />
      )}
    </Loaded>
  );
}
