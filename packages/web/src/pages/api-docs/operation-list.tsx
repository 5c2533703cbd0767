import { SearchInput } from '@patternfly/react-core';
import { type KeyboardEvent, useDeferredValue, useId, useMemo, useRef, useState } from 'react';
import { Link } from 'react-router';
import { useT } from '../../i18n/index.ts';
import { type Area, addressOf, areasOf, findOperations, type Operation } from './operations.ts';
import { Twisty } from './twisty.tsx';

/** Operations by area, unfolded where the chosen one is or where a search finds something. */
export function OperationList({
  operations,
  chosen,
}: {
  operations: readonly Operation[];
  chosen?: Operation;
}) {
  const t = useT();
  const [text, setText] = useState('');
  const search = useDeferredValue(text).trim();
  const found = useMemo(() => findOperations(operations, search), [operations, search]);
  const areas = useMemo(() => areasOf(operations), [operations]);
  const [toggled, setToggled] = useState<Readonly<Record<string, boolean>>>({});
  const list = useRef<HTMLDivElement>(null);
  const shown = useMemo(() => {
    const hits = new Set(found);
    return areas
      .map((area) => ({ ...area, operations: area.operations.filter((one) => hits.has(one)) }))
      .filter((area) => area.operations.length > 0);
  }, [areas, found]);
  const isOpen = (area: Area) =>
    search !== '' || (toggled[area.name] ?? area.operations.some((one) => one === chosen));
  const count =
    search === ''
      ? t('apiDocs.count', { count: operations.length })
      : t('apiDocs.countOf', { shown: found.length, count: operations.length });
  return (
    <>
      <div className="ry-api-search">
        <SearchInput
          aria-label={t('apiDocs.search')}
          placeholder={t('apiDocs.search')}
          value={text}
          onChange={(_, value) => setText(value)}
          onClear={() => setText('')}
          onKeyDown={(event) => event.key === 'ArrowDown' && moveFocus(event, list.current)}
          resetButtonLabel={t('action.clear')}
        />
        <span className="ry-count" aria-live="polite">
          {count}
        </span>
      </div>
      {/* biome-ignore lint/a11y/noStaticElementInteractions: arrow keys are a shortcut between links that Tab reaches too */}
      <div ref={list} className="ry-api-list" onKeyDown={(event) => moveFocus(event, list.current)}>
        {shown.map((area) => (
          <AreaPart
            key={area.name}
            area={area}
            open={isOpen(area)}
            foldable={search === ''}
            {...(chosen ? { chosen } : {})}
            onToggle={() => setToggled({ ...toggled, [area.name]: !isOpen(area) })}
          />
        ))}
        {shown.length === 0 ? <p className="ry-tree-empty">{t('apiDocs.nothing')}</p> : null}
      </div>
    </>
  );
}

/** Up and down go through the links and areas that are shown; from the search field down into them. */
function moveFocus(event: KeyboardEvent, list: HTMLElement | null): void {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (!step || !list || event.ctrlKey || event.metaKey || event.altKey) return;
  const stops = [...list.querySelectorAll<HTMLElement>('a, button')];
  const at = stops.indexOf(document.activeElement as HTMLElement);
  const next = stops[at < 0 ? 0 : at + step];
  if (!next) return;
  event.preventDefault();
  next.focus();
}

function AreaPart(props: {
  area: Area;
  open: boolean;
  /** False while a search decides what is shown. */
  foldable: boolean;
  chosen?: Operation;
  onToggle: () => void;
}) {
  const { area, open } = props;
  const id = useId();
  const title = (
    <>
      <span className="ry-id">{area.name}</span>
      <span className="ry-count">{area.operations.length}</span>
    </>
  );
  return (
    <>
      <h2 className="ry-api-area">
        {props.foldable ? (
          <button type="button" aria-expanded={open} aria-controls={id} onClick={props.onToggle}>
            <Twisty open={open} />
            {title}
          </button>
        ) : (
          title
        )}
      </h2>
      <ul id={id} hidden={!open}>
        {open
          ? area.operations.map((one) => (
              <li key={one.source.operationId}>
                <OperationLink operation={one} area={area.name} current={one === props.chosen} />
              </li>
            ))
          : null}
      </ul>
    </>
  );
}

function OperationLink(props: { operation: Operation; area: string; current: boolean }) {
  const { operation, area, current } = props;
  return (
    <Link
      to={addressOf(operation)}
      className="ry-api-link"
      title={`${operation.verb} ${operation.path}`}
      {...(current ? { 'aria-current': 'page' as const } : {})}
    >
      <Verb verb={operation.verb} />
      <span className="ry-api-link-path">{pathInArea(operation.path, area)}</span>
      <span className="ry-api-link-text" lang="en">
        {operation.description}
      </span>
    </Link>
  );
}

/** Without what all paths of the area have in common: `/{vmid}/config` in `nodes/qemu`. */
function pathInArea(path: string, area: string): string {
  const start = area.includes('/') ? `/${area.replace('/', '/{node}/')}` : '';
  return start !== '' && path.startsWith(`${start}/`) ? `…${path.slice(start.length)}` : path;
}

export function Verb({ verb }: { verb: string }) {
  return <span className="ry-api-verb">{verb}</span>;
}
