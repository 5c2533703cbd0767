import { Button, SearchInput } from '@patternfly/react-core';
import { useVirtualizer } from '@tanstack/react-virtual';
import { type KeyboardEvent, useDeferredValue, useEffect, useMemo, useRef, useState } from 'react';
import { useLocation, useNavigate } from 'react-router';
import { useResources } from '../api/hooks.ts';
import { isGuest } from '../api/rows.ts';
import { DatacenterIcon, ObjectIcon } from '../components/object-icon.tsx';
import { useT } from '../i18n/index.ts';
import { setPreferences, usePreferences } from '../util/preferences.ts';
import { type TreeRow, treeRows, typeahead } from './tree-rows.ts';

const rowHeight = 28;
/** Pause after which typed letters start a new search in the tree. */
const typeaheadMs = 800;

/** The resource tree: virtualised, one tab stop, moved through by arrow keys and by typing. */
export function ResourceTree({ onChosen }: { onChosen?: () => void }) {
  const t = useT();
  const { rows: resources, loaded } = useResources();
  const { collapsed } = usePreferences();
  const [filter, setFilter] = useState('');
  const shownFilter = useDeferredValue(filter);
  const rows = useMemo(
    () =>
      treeRows(resources, {
        rootLabel: t('nav.datacenter'),
        collapsed: new Set(collapsed),
        filter: shownFilter,
      }),
    [resources, collapsed, shownFilter, t],
  );
  return (
    <div className="ry-tree">
      <div className="ry-tree-filter">
        <SearchInput
          aria-label={t('tree.filter')}
          placeholder={t('tree.filter')}
          value={filter}
          onChange={(_, value) => setFilter(value)}
          onClear={() => setFilter('')}
          resetButtonLabel={t('action.clear')}
        />
      </div>
      <TreeList rows={rows} {...(onChosen ? { onChosen } : {})} />
      {loaded && shownFilter && rows.length === 1 ? (
        <p className="ry-tree-empty">
          {t('tree.nothing')}{' '}
          <Button variant="link" isInline onClick={() => setFilter('')}>
            {t('action.clear')}
          </Button>
        </p>
      ) : null}
    </div>
  );
}

function toggle(row: TreeRow, collapsed: readonly string[]): void {
  setPreferences({
    collapsed: row.expanded ? [...collapsed, row.key] : collapsed.filter((key) => key !== row.key),
  });
}

/** The row of the page that is open: the longest path that it starts with. */
function currentIndex(rows: readonly TreeRow[], pathname: string): number {
  return rows.findIndex((row) => pathname === row.path || pathname.startsWith(`${row.path}/`));
}

function TreeList({ rows, onChosen }: { rows: readonly TreeRow[]; onChosen?: () => void }) {
  const t = useT();
  const navigate = useNavigate();
  const { pathname } = useLocation();
  const { collapsed } = usePreferences();
  const scroller = useRef<HTMLDivElement>(null);
  const typed = useRef({ text: '', at: 0 });
  const selected = currentIndex(rows, pathname);
  const [activeKey, setActiveKey] = useState<string>();
  const found = rows.findIndex((row) => row.key === activeKey);
  const active = found >= 0 ? found : Math.max(0, selected);
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => rowHeight,
    overscan: 12,
  });

  const selectedKey = rows[selected]?.key;
  // The tree follows the page (a link, the palette), but leaves the scroll position alone while its rows change.
  // biome-ignore lint/correctness/useExhaustiveDependencies: only a change of the selected object scrolls
  useEffect(() => {
    setActiveKey(selectedKey);
    if (selected >= 0) virtual.scrollToIndex(selected, { align: 'auto' });
  }, [selectedKey]);

  const go = (index: number) => {
    const row = rows[Math.min(rows.length - 1, Math.max(0, index))];
    if (!row) return;
    setActiveKey(row.key);
    virtual.scrollToIndex(rows.indexOf(row), { align: 'auto' });
  };
  const open = (row: TreeRow | undefined) => {
    if (!row) return;
    setActiveKey(row.key);
    navigate(pathFor(row, pathname));
    onChosen?.();
  };

  const onKeyDown = (event: KeyboardEvent) => {
    const row = rows[active];
    if (!row || event.ctrlKey || event.metaKey || event.altKey) return;
    const page = Math.max(1, Math.floor((scroller.current?.clientHeight ?? 280) / rowHeight) - 1);
    const moves: Record<string, () => void> = {
      ArrowDown: () => go(active + 1),
      ArrowUp: () => go(active - 1),
      PageDown: () => go(active + page),
      PageUp: () => go(active - page),
      Home: () => go(0),
      End: () => go(rows.length - 1),
      Enter: () => open(row),
      ' ': () => open(row),
      ArrowRight: () =>
        row.expandable && !row.expanded ? toggle(row, collapsed) : row.expanded && go(active + 1),
      ArrowLeft: () =>
        row.expanded ? toggle(row, collapsed) : go(rows.findIndex((one) => one.key === row.parent)),
    };
    const move = moves[event.key];
    if (move) move();
    else if (event.key.length === 1) {
      const now = performance.now();
      const text = now - typed.current.at > typeaheadMs ? event.key : typed.current.text + event.key;
      typed.current = { text, at: now };
      go(typeahead(rows, active, text));
    } else return;
    event.preventDefault();
  };

  return (
    <div
      ref={scroller}
      className="ry-tree-scroller"
      role="tree"
      aria-label={t('tree.label')}
      tabIndex={0}
      aria-activedescendant={rows[active] ? `tree-${rows[active].key}` : undefined}
      onKeyDown={onKeyDown}
    >
      <div role="none" style={{ blockSize: virtual.getTotalSize(), position: 'relative' }}>
        {virtual.getVirtualItems().map((item) => {
          const row = rows[item.index] as TreeRow;
          return (
            <div
              key={row.key}
              id={`tree-${row.key}`}
              role="treeitem"
              tabIndex={-1}
              aria-level={row.level}
              aria-setsize={row.setSize}
              aria-posinset={row.position}
              aria-selected={item.index === selected}
              {...(row.expandable ? { 'aria-expanded': row.expanded } : {})}
              className={`ry-tree-row${item.index === selected ? ' ry-selected' : ''}${item.index === active ? ' ry-active' : ''}`}
              style={{
                transform: `translateY(${item.start}px)`,
                paddingInlineStart: (row.level - 1) * 14 + 4,
              }}
              onClick={() => open(row)}
              onKeyDown={() => undefined}
            >
              <Twisty row={row} onToggle={() => toggle(row, collapsed)} />
              {row.resource ? <ObjectIcon row={row.resource} /> : <DatacenterIcon />}
              <Label row={row} />
            </div>
          );
        })}
      </div>
    </div>
  );
}

/** Going from guest to guest keeps the tab; between kinds it starts at the first one. */
export function pathFor(row: Pick<TreeRow, 'path'>, pathname: string): string {
  const [, fromKind, ...fromRest] = pathname.split('/');
  const [, kind] = row.path.split('/');
  const tab = fromRest[kind === 'storage' ? 2 : kind === 'datacenter' ? 0 : 1];
  return fromKind === kind && tab ? `${row.path}/${tab}` : row.path;
}

function Twisty({ row, onToggle }: { row: TreeRow; onToggle: () => void }) {
  if (!row.expandable) return <span className="ry-twisty" />;
  return (
    // The tree's keys do the same; for a screen reader the row itself has the expanded state.
    <span
      className={row.expanded ? 'ry-twisty ry-open' : 'ry-twisty'}
      aria-hidden
      onClick={(event) => {
        event.stopPropagation();
        onToggle();
      }}
    >
      <svg viewBox="0 0 8 8" width="8" height="8" aria-hidden>
        <path d="M2.2 1 5.6 4 2.2 7" fill="none" stroke="currentColor" strokeWidth="1.4" />
      </svg>
    </span>
  );
}

function Label({ row }: { row: TreeRow }) {
  const { resource } = row;
  if (!resource || !isGuest(resource)) return <span className="ry-tree-label">{row.label}</span>;
  return (
    <span className="ry-tree-label">
      <span className="ry-id">{resource.vmid}</span> {resource.name ?? ''}
      {resource.lock ? <span className="ry-lock"> · {resource.lock}</span> : null}
    </span>
  );
}
