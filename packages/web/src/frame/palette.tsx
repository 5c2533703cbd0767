import { Modal, ModalBody } from '@patternfly/react-core';
import { guestActions } from '@ryokan/api/guest-actions.ts';
import { type KeyboardEvent, useEffect, useMemo, useRef, useState } from 'react';
import { useLocation } from 'react-router';
import type { PowerAction } from '../api/guest-kinds.ts';
import { useResources } from '../api/hooks.ts';
import { condition, guestState, isGuest, labelOf, pathOf, type Resource, tagsOf } from '../api/rows.ts';
import { may } from '../api/session.ts';
import { kindWord, ObjectIcon } from '../components/object-icon.tsx';
import { type Translate, useT } from '../i18n/index.ts';
import { datacenterTabs } from '../pages/datacenter/tabs.ts';
import { actionLabels, confirmText, hasPower, runAction } from '../pages/guest/guest-run.ts';
import { guestTabs } from '../pages/guest/tabs.ts';
import { nodeTabs } from '../pages/node/tabs.ts';
import { setPreferences } from '../util/preferences.ts';
import { creations } from './create-menu.tsx';
import { findEntries, type PaletteEntry } from './palette-entries.ts';

interface Entry extends PaletteEntry {
  readonly resource?: Resource;
  readonly hint: string;
  readonly run: () => void;
}

/** Search over objects, pages and actions (Ctrl+K): a combobox over one list. */
export default function Palette({ onClose, onGo }: { onClose: () => void; onGo: (path: string) => void }) {
  const t = useT();
  const { rows } = useResources();
  const { pathname } = useLocation();
  const [text, setText] = useState('');
  const [active, setActive] = useState(0);
  const list = useRef<HTMLUListElement>(null);
  const input = useRef<HTMLInputElement>(null);
  const entries = useMemo(
    () => [
      ...guestEntries(t, rows, pathname, onGo),
      ...pageEntries(t, rows, pathname, onGo),
      ...actionEntries(t, onGo),
      ...objectEntries(t, rows, onGo),
    ],
    [t, pathname, rows, onGo],
  );
  const found = useMemo(() => findEntries(entries, text), [entries, text]);
  const current = found[Math.min(active, found.length - 1)];
  useEffect(() => input.current?.focus(), []);
  useEffect(() => {
    list.current?.querySelector('[aria-selected=true]')?.scrollIntoView({ block: 'nearest' });
  });

  const choose = (entry: Entry | undefined) => {
    if (!entry) return;
    onClose();
    entry.run();
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step !== undefined)
      setActive((index) => Math.min(found.length - 1, Math.max(0, Math.min(index, found.length - 1) + step)));
    else if (event.key === 'Enter') choose(current);
    else return;
    event.preventDefault();
  };
  return (
    <Modal
      isOpen
      variant="medium"
      position="top"
      aria-label={t('palette.open')}
      onClose={onClose}
      className="ry-palette"
      elementToFocus="#palette-input"
    >
      <ModalBody>
        <input
          ref={input}
          id="palette-input"
          className="ry-palette-input"
          role="combobox"
          aria-expanded
          aria-controls="palette-list"
          aria-autocomplete="list"
          aria-label={t('palette.open')}
          aria-activedescendant={current ? `palette-${current.key}` : undefined}
          placeholder={t('palette.placeholder')}
          autoComplete="off"
          spellCheck={false}
          value={text}
          onChange={(event) => {
            setText(event.target.value);
            setActive(0);
          }}
          onKeyDown={onKeyDown}
        />
        <ul
          id="palette-list"
          ref={list}
          role="listbox"
          aria-label={t('palette.results')}
          className="ry-palette-list"
        >
          {found.map((entry) => (
            // Keys are handled by the input, which keeps the focus.
            // biome-ignore lint/a11y/useKeyWithClickEvents: see above
            <li
              key={entry.key}
              id={`palette-${entry.key}`}
              role="option"
              aria-selected={entry === current}
              tabIndex={-1}
              onClick={() => choose(entry)}
            >
              {entry.resource ? (
                <ObjectIcon row={entry.resource} />
              ) : (
                <span className="ry-object-icon" aria-hidden>
                  {entry.kind === 'action' ? '›' : '#'}
                </span>
              )}
              <span className="ry-palette-title">{entry.title}</span>
              <span className="ry-subtle">{entry.hint}</span>
            </li>
          ))}
        </ul>
        {found.length === 0 ? <p className="ry-table-nothing">{t('palette.nothing')}</p> : null}
      </ModalBody>
    </Modal>
  );
}

function objectEntries(t: Translate, rows: readonly Resource[], onGo: (path: string) => void): Entry[] {
  return rows
    .filter((row) => isGuest(row) || row.type === 'node' || row.type === 'storage')
    .map((row) => ({
      key: row.id,
      kind: 'object',
      title: labelOf(row),
      words: [row.node ?? '', ...tagsOf(row), condition(row), row.type, kindWord(row, t)].join(' '),
      hint: row.type === 'node' ? '' : (row.node ?? ''),
      resource: row,
      run: () => onGo(pathOf(row)),
    }));
}

/** What can be done now with the guest whose page is open. What asks first does so on that page. */
function guestEntries(
  t: Translate,
  rows: readonly Resource[],
  pathname: string,
  onGo: (path: string) => void,
): Entry[] {
  const [, kind, id] = pathname.split('/');
  const guest = rows.find((row) => row.id === `${kind}/${id}`);
  if (!guest || !isGuest(guest) || !may('vms', 'VM.PowerMgmt')) return [];
  return guestActions(guestState(guest))
    .filter((one): one is typeof one & { action: PowerAction } => one.allowed && hasPower(guest, one.action))
    .map(({ action }) => ({
      key: `guest:${action}`,
      kind: 'action',
      title: `${t(actionLabels[action])}: ${labelOf(guest)}`,
      words: '',
      hint: t('palette.action'),
      rank: 30,
      run: () =>
        confirmText(guest, action) ? onGo(`${pathname}?do=${action}`) : void runAction(guest, action),
    }));
}

/** Pages of the object that is open come first, then those of the datacenter. */
function pageEntries(
  t: Translate,
  rows: readonly Resource[],
  pathname: string,
  onGo: (path: string) => void,
): Entry[] {
  const [, kind, id] = pathname.split('/');
  const base = `/${kind}/${id}`;
  const object = rows.find((row) => row.id === `${kind}/${id}`);
  const here =
    object && isGuest(object)
      ? guestTabs(t, { type: object.type, serial: false, template: Boolean(object.template) })
      : kind === 'node'
        ? nodeTabs(t)
        : [];
  const page = (path: string, title: string, hint: string, rank: number): Entry => ({
    key: `page:${path}`,
    kind: 'page',
    title,
    words: hint,
    hint,
    rank,
    run: () => onGo(path),
  });
  return [
    ...here.map((tab) => page(`${base}/${tab.key}`, tab.title, id ?? '', 20)),
    ...datacenterTabs(t).map((tab) => page(`/datacenter/${tab.key}`, tab.title, t('nav.datacenter'), 10)),
  ];
}

function actionEntries(t: Translate, onGo: (path: string) => void): Entry[] {
  const action = (key: string, title: string, doIt: () => void): Entry => ({
    key: `action:${key}`,
    kind: 'action',
    title,
    words: '',
    hint: t('palette.action'),
    rank: 15,
    run: doIt,
  });
  return [
    ...(may('vms', 'VM.Allocate')
      ? creations.map(({ path, title }) => action(path, t(title), () => onGo(path)))
      : []),
    action('api', t('apiDocs.title'), () => onGo('/api-docs')),
    action('light', t('palette.themeLight'), () => setPreferences({ theme: 'light' })),
    action('dark', t('palette.themeDark'), () => setPreferences({ theme: 'dark' })),
    action('tasks', t('palette.tasks'), () => setPreferences({ drawerOpen: true })),
  ];
}
