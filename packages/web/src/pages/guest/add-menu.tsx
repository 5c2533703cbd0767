import { Dropdown, DropdownItem, DropdownList, MenuToggle } from '@patternfly/react-core';
import PlusIcon from '@patternfly/react-icons/dist/esm/icons/plus-icon';
import { useState } from 'react';
import { useT } from '../../i18n/index.ts';
import type { DeviceGroup } from './config-model.ts';
import { deviceName } from './device-text.tsx';
import type { Entries } from './use-entries.ts';

const addable: readonly DeviceGroup[] = [
  'disk',
  'cdrom',
  'network',
  'efidisk',
  'tpm',
  'cloudinit',
  'usb',
  'pci',
  'serial',
  'audio',
  'rng',
  'watchdog',
];

/** Devices of which a guest has one at most, with their key. */
const once: Readonly<Partial<Record<DeviceGroup, string>>> = {
  efidisk: 'efidisk0',
  tpm: 'tpmstate0',
  rng: 'rng0',
  audio: 'audio0',
  watchdog: 'watchdog',
};

/** Kinds of devices that can be added to a guest. */
export function AddMenu(props: {
  disabled: boolean;
  entries: Entries;
  onChoose: (group: DeviceGroup) => void;
}) {
  const t = useT();
  const [open, setOpen] = useState(false);
  const isTaken = (group: DeviceGroup) => props.entries.has(once[group] ?? '');
  return (
    <Dropdown
      isOpen={open}
      onOpenChange={setOpen}
      toggle={(ref) => (
        <MenuToggle
          ref={ref}
          size="sm"
          variant="primary"
          icon={<PlusIcon />}
          isDisabled={props.disabled}
          isExpanded={open}
          onClick={() => setOpen(!open)}
        >
          {t('hardware.add')}
        </MenuToggle>
      )}
    >
      <DropdownList>
        {addable.map((group) => (
          <DropdownItem
            key={group}
            isAriaDisabled={isTaken(group)}
            description={isTaken(group) ? t('hardware.onlyOne') : undefined}
            onClick={() => {
              setOpen(false);
              props.onChoose(group);
            }}
          >
            {deviceName({ id: group, group }, t)}
          </DropdownItem>
        ))}
      </DropdownList>
    </Dropdown>
  );
}
