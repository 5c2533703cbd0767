import { lazy } from 'react';
import { Loaded } from '../../components/loaded.tsx';
import { useT } from '../../i18n/index.ts';
import type { Addable } from './add-menu.tsx';
import { DeviceTable } from './device-table.tsx';
import type { GuestTabProps } from './guest-page.tsx';
import { machineLayout } from './hardware-model.ts';
import { useEntries } from './use-entries.ts';

const DeviceDialogs = lazy(() => import('./device-dialogs.tsx'));

const addable: readonly Addable[] = [
  { group: 'disk' },
  { group: 'cdrom' },
  { group: 'network' },
  { group: 'efidisk', only: 'efidisk0' },
  { group: 'tpm', only: 'tpmstate0' },
  { group: 'cloudinit' },
  { group: 'usb' },
  { group: 'pci' },
  { group: 'directory' },
  { group: 'serial' },
  { group: 'parallel' },
  { group: 'audio', only: 'audio0' },
  { group: 'rng', only: 'rng0' },
  { group: 'watchdog', only: 'watchdog' },
  { group: 'sharedmemory', only: 'ivshmem' },
  { group: 'numanode' },
];

/** The devices of a virtual machine. */
export default function Hardware(props: GuestTabProps) {
  const t = useT();
  const answer = useEntries(props.guest);
  return (
    <Loaded answer={answer}>
      {(entries) => (
        <DeviceTable
          {...props}
          entries={entries}
          label={t('tab.hardware')}
          layout={machineLayout}
          addable={addable}
          Dialogs={DeviceDialogs}
        />
      )}
    </Loaded>
  );
}
