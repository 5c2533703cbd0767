import {
  Button,
  Dropdown,
  DropdownGroup,
  DropdownItem,
  DropdownList,
  MenuToggle,
} from '@patternfly/react-core';
import BarsIcon from '@patternfly/react-icons/dist/esm/icons/bars-icon';
import GlobeIcon from '@patternfly/react-icons/dist/esm/icons/globe-icon';
import MoonIcon from '@patternfly/react-icons/dist/esm/icons/moon-icon';
import SearchIcon from '@patternfly/react-icons/dist/esm/icons/search-icon';
import UserIcon from '@patternfly/react-icons/dist/esm/icons/user-icon';
import { type ReactNode, useState } from 'react';
import { Link, useNavigate } from 'react-router';
import { logout, useSession } from '../api/session.ts';
import { Logo } from '../components/logo.tsx';
import { switchLanguage, useT } from '../i18n/index.ts';
import { type Language, setPreferences, type ThemeChoice, usePreferences } from '../util/preferences.ts';
import { CreateMenu } from './create-menu.tsx';

export function AppMasthead(props: { treeShown: boolean; onToggleTree: () => void; onSearch: () => void }) {
  const t = useT();
  return (
    <header className="ry-masthead">
      <Button
        variant="plain"
        size="sm"
        aria-label={props.treeShown ? t('tree.hide') : t('tree.show')}
        aria-expanded={props.treeShown}
        icon={<BarsIcon />}
        onClick={props.onToggleTree}
      />
      <Link to="/datacenter" className="ry-brand" aria-label={t('nav.home')}>
        <Logo />
        <span className="ry-brand-name">Ryokan</span>
      </Link>
      <button type="button" className="ry-search" onClick={props.onSearch}>
        <SearchIcon />
        <span className="ry-search-text">{t('palette.open')}</span>
        <kbd>Ctrl K</kbd>
      </button>
      <div className="ry-masthead-end">
        <CreateMenu primary />
        <LanguageMenu />
        <ThemeMenu />
        <UserMenu />
      </div>
    </header>
  );
}

function Menu(props: {
  icon: ReactNode;
  label: string;
  text?: string;
  children: (close: () => void) => ReactNode;
}) {
  const [open, setOpen] = useState(false);
  return (
    <Dropdown
      isOpen={open}
      onOpenChange={setOpen}
      popperProps={{ position: 'end' }}
      toggle={(ref) => (
        <MenuToggle
          ref={ref}
          variant={props.text ? 'plainText' : 'plain'}
          size="sm"
          aria-label={props.text ? `${props.label}: ${props.text}` : props.label}
          isExpanded={open}
          onClick={() => setOpen(!open)}
          icon={props.icon}
        >
          {props.text ? <span className="ry-wide-text">{props.text}</span> : null}
        </MenuToggle>
      )}
    >
      {props.children(() => setOpen(false))}
    </Dropdown>
  );
}

const languages: readonly (readonly [Language, string])[] = [
  ['en', 'English'],
  ['ja', '日本語'],
];

export function LanguageMenu() {
  const t = useT();
  const { language } = usePreferences();
  return (
    <Menu icon={<GlobeIcon />} label={t('menu.language')}>
      {(close) => (
        <DropdownList>
          {languages.map(([key, name]) => (
            <DropdownItem
              key={key}
              lang={key}
              isSelected={key === language}
              onClick={() => {
                void switchLanguage(key).then(() => setPreferences({ language: key }));
                close();
              }}
            >
              {name}
            </DropdownItem>
          ))}
        </DropdownList>
      )}
    </Menu>
  );
}

export function ThemeMenu() {
  const t = useT();
  const { theme } = usePreferences();
  const choices: readonly (readonly [ThemeChoice, string])[] = [
    ['light', t('theme.light')],
    ['dark', t('theme.dark')],
    ['auto', t('theme.auto')],
  ];
  return (
    <Menu icon={<MoonIcon />} label={t('menu.theme')}>
      {(close) => (
        <DropdownList>
          {choices.map(([key, name]) => (
            <DropdownItem
              key={key}
              isSelected={key === theme}
              onClick={() => {
                setPreferences({ theme: key });
                close();
              }}
            >
              {name}
            </DropdownItem>
          ))}
        </DropdownList>
      )}
    </Menu>
  );
}

function UserMenu() {
  const t = useT();
  const session = useSession();
  const navigate = useNavigate();
  return (
    <Menu icon={<UserIcon />} label={t('menu.user')} text={session?.username ?? ''}>
      {(close) => (
        <DropdownGroup label={session?.username ?? ''}>
          <DropdownList>
            <DropdownItem
              onClick={() => {
                close();
                navigate('/account/factors');
              }}
            >
              {t('nav.account')}
            </DropdownItem>
            <DropdownItem
              onClick={() => {
                close();
                navigate('/api-docs');
              }}
            >
              {t('apiDocs.menu')}
            </DropdownItem>
            <DropdownItem
              onClick={() => {
                close();
                void logout();
              }}
            >
              {t('action.logout')}
            </DropdownItem>
          </DropdownList>
        </DropdownGroup>
      )}
    </Menu>
  );
}
