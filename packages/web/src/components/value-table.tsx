/** Tables of names, values and what can be done with them; on a phone the value stands below the name. */
import { Button } from '@patternfly/react-core';
import type { CSSProperties, ReactNode } from 'react';
import { useT } from '../i18n/index.ts';

export function ValueTable(props: {
  label: string;
  /** Heading of the first column. */
  name: string;
  /** Heading of the second column. */
  value: string;
  className?: string;
  nameClass?: string;
  /** Rows: `ValueRow`. */
  children: ReactNode;
}) {
  const t = useT();
  return (
    <div className="ry-table-scroller" tabIndex={0} role="region" aria-label={props.label}>
      <table className={['ry-table ry-hardware-table', props.className].filter(Boolean).join(' ')}>
        <caption className="ry-hidden">{props.label}</caption>
        <thead>
          <tr>
            <th scope="col" className={props.nameClass ?? 'ry-device-column'}>
              {props.name}
            </th>
            <th scope="col">{props.value}</th>
            <th scope="col" className="ry-actions-column">
              <span className="ry-hidden">{t('table.actions')}</span>
            </th>
          </tr>
        </thead>
        <tbody>{props.children}</tbody>
      </table>
    </div>
  );
}

export function ValueRow(props: {
  name: ReactNode;
  children: ReactNode;
  actions?: ReactNode;
  /** True: something of it waits for the next start. */
  pending?: boolean;
  className?: string | undefined;
  style?: CSSProperties;
}) {
  const className = [props.pending ? 'ry-row-pending' : '', props.className].filter(Boolean).join(' ');
  return (
    <tr className={className || undefined} style={props.style}>
      <th scope="row">{props.name}</th>
      <td>{props.children}</td>
      <td className="ry-actions-cell">{props.actions}</td>
    </tr>
  );
}

/** A button of a row; `label` says to screen readers what of it means which row. */
export function RowButton(props: { text: string; label: string; disabled?: boolean; onClick: () => void }) {
  return (
    <Button
      variant="link"
      size="sm"
      isInline
      isDisabled={props.disabled ?? false}
      onClick={props.onClick}
      aria-label={props.label}
    >
      {props.text}
    </Button>
  );
}

/** What is and what will be: the old value struck out, the new one below, both said in words too. */
export function Change(props: {
  /** Undefined when there is nothing before. */
  before: ReactNode | undefined;
  after: ReactNode;
  /** Words for screen readers: `Now`, `After the next start`. */
  beforeLabel: string;
  afterLabel: string;
  /** Why it is not so yet. */
  reasons?: readonly string[] | undefined;
}) {
  return (
    <span className="ry-pending">
      {props.before === undefined ? null : (
        <del>
          <span className="ry-hidden">{props.beforeLabel}: </span>
          {props.before}
        </del>
      )}
      <ins>
        <span className="ry-hidden">{props.afterLabel}: </span>
        {props.after}
      </ins>
      {props.reasons?.map((reason) => (
        <small key={reason}>{reason}</small>
      ))}
    </span>
  );
}
