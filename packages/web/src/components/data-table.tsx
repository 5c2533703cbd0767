/**
 * A table that filters, sorts and stays fast with 10,000 rows: only the rows in view are in the page. Plain table markup,
 * so that screen readers and copy and paste work as everywhere.
 */
import { SearchInput } from '@patternfly/react-core';
import { useVirtualizer } from '@tanstack/react-virtual';
import { type ReactNode, useDeferredValue, useMemo, useRef, useState } from 'react';
import { useT } from '../i18n/index.ts';
import { useFormat } from '../util/use-format.ts';

export interface Column<T> {
  readonly key: string;
  readonly title: string;
  readonly render: (row: T) => ReactNode;
  /** What to sort by; a column without it cannot be sorted. */
  readonly sort?: (row: T) => string | number | undefined;
  /** Numbers stand at the right end, so that their digits align. */
  readonly numeric?: boolean;
  /** Width in CSS; the rest is shared. */
  readonly width?: string;
  /** Left out on narrow screens. */
  readonly wide?: boolean;
}

export interface DataTableProps<T> {
  readonly label: string;
  readonly columns: readonly Column<T>[];
  readonly rows: readonly T[];
  readonly rowKey: (row: T) => string;
  /** Texts that the filter looks at; without it there is no filter. */
  readonly filterBy?: (row: T) => readonly (string | number | undefined)[];
  readonly initialSort?: { readonly key: string; readonly descending?: boolean };
  /** Stands beside the filter: buttons, choices. */
  readonly actions?: ReactNode;
  /** Shown when there is no row at all; teaches the first step. */
  readonly empty: ReactNode;
  readonly rowClass?: (row: T) => string | undefined;
  /** As high as its rows, up to a limit, instead of filling the page. */
  readonly inline?: boolean;
}

const rowHeight = 34;

export function compareValues(
  a: string | number | undefined,
  b: string | number | undefined,
  language = 'en',
): number {
  if (a === undefined || b === undefined) return Number(a === undefined) - Number(b === undefined);
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  return collator(language).compare(String(a), String(b));
}

const collators = new Map<string, Intl.Collator>();
function collator(language: string): Intl.Collator {
  let one = collators.get(language);
  if (!one) {
    one = new Intl.Collator(language, { numeric: true, sensitivity: 'base' });
    collators.set(language, one);
  }
  return one;
}

export function DataTable<T>(props: DataTableProps<T>) {
  const t = useT();
  const format = useFormat();
  const [filter, setFilter] = useState('');
  const shownFilter = useDeferredValue(filter).trim().toLowerCase();
  const [sort, setSort] = useState(props.initialSort);
  const { rows, columns, filterBy } = props;

  const visible = useMemo(() => {
    const words = shownFilter.split(/\s+/).filter(Boolean);
    const kept =
      words.length > 0 && filterBy
        ? rows.filter((row) => {
            const texts = filterBy(row).map((text) => String(text ?? '').toLowerCase());
            return words.every((word) => texts.some((text) => text.includes(word)));
          })
        : rows;
    const value = columns.find((column) => column.key === sort?.key)?.sort;
    if (!value) return kept;
    const sign = sort?.descending ? -1 : 1;
    return [...kept].sort((a, b) => sign * compareValues(value(a), value(b)));
  }, [rows, columns, filterBy, shownFilter, sort]);

  return (
    <div className={props.inline ? 'ry-data-table ry-inline' : 'ry-data-table'}>
      {filterBy || props.actions ? (
        <div className="ry-toolbar">
          {filterBy ? (
            <SearchInput
              className="ry-toolbar-filter"
              aria-label={t('table.filter')}
              placeholder={t('table.filter')}
              value={filter}
              onChange={(_, value) => setFilter(value)}
              onClear={() => setFilter('')}
              resetButtonLabel={t('action.clear')}
            />
          ) : null}
          {filterBy ? (
            <span className="ry-toolbar-count" role="status">
              {visible.length === rows.length
                ? t('table.count', { count: format.number(rows.length) })
                : t('table.countOf', {
                    shown: format.number(visible.length),
                    count: format.number(rows.length),
                  })}
            </span>
          ) : null}
          <div className="ry-toolbar-actions">{props.actions}</div>
        </div>
      ) : null}
      {rows.length === 0 ? (
        <div className="ry-empty-slot">{props.empty}</div>
      ) : (
        <TableBody
          {...props}
          rows={visible}
          sort={sort}
          onSort={(key) => setSort({ key, descending: sort?.key === key && !sort.descending })}
        />
      )}
    </div>
  );
}

interface BodyProps<T> extends DataTableProps<T> {
  readonly sort: DataTableProps<T>['initialSort'];
  readonly onSort: (key: string) => void;
}

function TableBody<T>({ label, columns, rows, rowKey, sort, onSort, rowClass }: BodyProps<T>) {
  const t = useT();
  const scroller = useRef<HTMLDivElement>(null);
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => rowHeight,
    overscan: 10,
    getItemKey: (index) => rowKey(rows[index] as T),
  });
  const items = virtual.getVirtualItems();
  const before = items[0]?.start ?? 0;
  const after = virtual.getTotalSize() - (items[items.length - 1]?.end ?? 0);
  return (
    <div ref={scroller} className="ry-table-scroller" tabIndex={0} role="region" aria-label={label}>
      <table className="ry-table" aria-rowcount={rows.length + 1}>
        <caption className="ry-hidden">{label}</caption>
        <colgroup>
          {columns.map((column) => (
            <col
              key={column.key}
              className={column.wide ? 'ry-wide' : undefined}
              style={column.width ? { inlineSize: column.width } : undefined}
            />
          ))}
        </colgroup>
        <thead>
          <tr>
            {columns.map((column) => (
              <HeadCell
                key={column.key}
                column={column}
                direction={
                  sort?.key === column.key ? (sort.descending ? 'descending' : 'ascending') : undefined
                }
                onSort={onSort}
              />
            ))}
          </tr>
        </thead>
        <tbody>
          {before > 0 ? <tr aria-hidden style={{ blockSize: before }} /> : null}
          {items.map((item) => {
            const row = rows[item.index] as T;
            return (
              <tr
                key={item.key}
                aria-rowindex={item.index + 2}
                className={rowClass?.(row)}
                style={{ blockSize: rowHeight }}
              >
                {columns.map((column) => (
                  <td key={column.key} className={cellClass(column)}>
                    {column.render(row)}
                  </td>
                ))}
              </tr>
            );
          })}
          {after > 0 ? <tr aria-hidden style={{ blockSize: after }} /> : null}
        </tbody>
      </table>
      {rows.length === 0 ? <p className="ry-table-nothing">{t('table.nothing')}</p> : null}
    </div>
  );
}

function cellClass(column: { numeric?: boolean; wide?: boolean }): string | undefined {
  return (
    [column.numeric ? 'ry-number' : '', column.wide ? 'ry-wide' : ''].filter(Boolean).join(' ') || undefined
  );
}

function HeadCell<T>(props: {
  column: Column<T>;
  direction: 'ascending' | 'descending' | undefined;
  onSort: (key: string) => void;
}) {
  const { column, direction, onSort } = props;
  return (
    <th
      scope="col"
      className={cellClass(column)}
      {...(column.sort ? { 'aria-sort': direction ?? 'none' } : {})}
    >
      {column.sort ? (
        <button type="button" className="ry-sort" onClick={() => onSort(column.key)}>
          {column.title}
          <span aria-hidden className="ry-sort-mark">
            {direction === 'ascending' ? '▲' : direction === 'descending' ? '▼' : ''}
          </span>
        </button>
      ) : (
        column.title
      )}
    </th>
  );
}
