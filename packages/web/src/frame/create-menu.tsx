import { Dropdown, DropdownItem, DropdownList, MenuToggle } from '@patternfly/react-core';
import PlusIcon from '@patternfly/react-icons/dist/esm/icons/plus-icon';
import { useState } from 'react';
import { useNavigate } from 'react-router';
import { may } from '../api/session.ts';
import { type PlainKey, useT } from '../i18n/index.ts';

/** Ways to a new guest, the common ones first: page and what it is called. */
export const creations: readonly {
  readonly path: string;
  readonly title: PlainKey;
  readonly about: PlainKey;
}[] = [
  { path: '/create/qemu', title: 'create.vm', about: 'create.vmAbout' },
  { path: '/create/lxc', title: 'create.container', about: 'create.containerAbout' },
  { path: '/create/import', title: 'import.palette', about: 'create.importAbout' },
];

/** What can be made, for those who may make guests. */
export function CreateMenu({ node, primary }: { node?: string; primary?: boolean }) {
  const t = useT();
  const navigate = useNavigate();
  const [open, setOpen] = useState(false);
  if (!may('vms', 'VM.Allocate')) return null;
  return (
    <Dropdown
      isOpen={open}
      onOpenChange={setOpen}
      popperProps={{ position: 'end' }}
      toggle={(ref) => (
        <MenuToggle
          ref={ref}
          size="sm"
          variant={primary ? 'primary' : 'secondary'}
          aria-label={t('create.menuLabel')}
          isExpanded={open}
          onClick={() => setOpen(!open)}
          icon={<PlusIcon />}
        >
          <span className="ry-wide-text">{t('create.menu')}</span>
        </MenuToggle>
      )}
    >
      <DropdownList>
        {creations.map(({ path, title, about }) => (
          <DropdownItem
            key={path}
            description={t(about)}
            onClick={() => {
              setOpen(false);
              navigate(node ? `${path}?${new URLSearchParams({ node })}` : path);
            }}
          >
            {t(title)}
          </DropdownItem>
        ))}
      </DropdownList>
    </Dropdown>
  );
}
