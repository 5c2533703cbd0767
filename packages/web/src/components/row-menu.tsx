import { Dropdown, DropdownItem, DropdownList, MenuToggle } from '@patternfly/react-core';
import EllipsisVIcon from '@patternfly/react-icons/dist/esm/icons/ellipsis-v-icon';
import { useState } from 'react';

export interface MenuEntry {
  readonly key: string;
  readonly label: string;
  /** Why it cannot be done now; undefined when it can. */
  readonly reason?: string | undefined;
  readonly danger?: boolean;
  readonly onClick: () => void;
}

/** What else can be done with a row, behind three dots. */
export function RowMenu({ label, entries }: { label: string; entries: readonly MenuEntry[] }) {
  const [open, setOpen] = useState(false);
  if (entries.length === 0) return null;
  return (
    <Dropdown
      isOpen={open}
      onOpenChange={setOpen}
      popperProps={{ position: 'end' }}
      toggle={(ref) => (
        <MenuToggle
          ref={ref}
          size="sm"
          variant="plain"
          className="ry-row-menu"
          isExpanded={open}
          aria-label={label}
          onClick={() => setOpen(!open)}
          icon={<EllipsisVIcon />}
        />
      )}
    >
      <DropdownList>
        {entries.map((one) => (
          <DropdownItem
            key={one.key}
            isAriaDisabled={one.reason !== undefined}
            description={one.reason}
            isDanger={one.danger === true && one.reason === undefined}
            onClick={() => {
              setOpen(false);
              one.onClick();
            }}
          >
            {one.label}
          </DropdownItem>
        ))}
      </DropdownList>
    </Dropdown>
  );
}
