import type { ReactNode } from 'react';

/** Names and values, aligned; a value that is missing is left out. */
export function Facts({
  rows,
}: {
  rows: readonly (readonly [name: string, value: ReactNode] | undefined)[];
}) {
  return (
    <dl className="ry-facts">
      {rows.map((row) =>
        row === undefined || row[1] === undefined || row[1] === null ? null : (
          <div key={row[0]}>
            <dt>{row[0]}</dt>
            <dd>{row[1]}</dd>
          </div>
        ),
      )}
    </dl>
  );
}

/** A titled part of a page. */
export function Panel(props: {
  title: string;
  actions?: ReactNode;
  children: ReactNode;
  className?: string;
}) {
  return (
    <section className={props.className ? `ry-panel ${props.className}` : 'ry-panel'}>
      <header className="ry-panel-header">
        <h2>{props.title}</h2>
        <div className="ry-panel-actions">{props.actions}</div>
      </header>
      <div className="ry-panel-body">{props.children}</div>
    </section>
  );
}
