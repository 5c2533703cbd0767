import { Button, Dropdown, DropdownItem, DropdownList, MenuToggle } from '@patternfly/react-core';
import PlusIcon from '@patternfly/react-icons/dist/esm/icons/plus-icon';
import { useState } from 'react';
import { useT } from '../../i18n/index.ts';
import type { DeviceGroup } from './config-model.ts';
import { deviceName } from './device-text.tsx';
import type { Entries } from './use-entries.ts';

/** A kind of device that can be added. */
export interface Addable {
  readonly group: DeviceGroup;
  /** Of this kind a guest has one at most, with this key. */
  readonly only?: string;
}

/** Kinds of devices that can be added to a guest. */
export function AddMenu(props: {
  addable: readonly Addable[];
  disabled: boolean;
  entries: Entries;
  onChoose: (group: DeviceGroup) => void;
}) {
  const t = useT();
  const [open, setOpen] = useState(false);
  const isTaken = ({ only }: Addable) => only !== undefined && props.entries.has(only);
  const [first, second] = props.addable;
  // Of one kind there is nothing to choose.
  if (first && !second)
    return (
      <Button
        size="sm"
        icon={<PlusIcon />}
        isDisabled={props.disabled}
        onClick={() => props.onChoose(first.group)}
      >
        {t('hardware.add')}
      </Button>
    );
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
        {props.addable.map((one) => (
          <DropdownItem
            key={one.group}
            isAriaDisabled={isTaken(one)}
            description={isTaken(one) ? t('hardware.onlyOne') : undefined}
            onClick={() => {
              setOpen(false);
              props.onChoose(one.group);
            }}
          >
            {deviceName({ id: one.group, group: one.group }, t)}
          </DropdownItem>
        ))}
      </DropdownList>
    </Dropdown>
  );
}
