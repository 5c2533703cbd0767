/**
 * Icons of objects with their state drawn in: shape and label carry the state, colour only adds to it.
 * Own drawings on a 16 px grid, because no icon set has a screen with a power state inside.
 */
import type { ReactNode } from 'react';
import { type Condition, condition, type Resource } from '../api/rows.ts';
import { type PlainKey, type Translate, useT } from '../i18n/index.ts';

const labels: Readonly<Record<Condition, PlainKey>> = {
  running: 'state.running',
  paused: 'state.paused',
  stopped: 'state.stopped',
  hibernated: 'state.hibernated',
  unknown: 'state.unknown',
  template: 'state.template',
  online: 'state.online',
  offline: 'state.offline',
  available: 'state.available',
  unavailable: 'state.unavailable',
  error: 'state.error',
};

/** `ry-state-…` classes give the colour. */
const tones: Readonly<Record<Condition, string>> = {
  running: 'good',
  online: 'good',
  available: 'quiet',
  paused: 'warn',
  hibernated: 'info',
  stopped: 'quiet',
  template: 'quiet',
  unknown: 'warn',
  offline: 'bad',
  unavailable: 'bad',
  error: 'bad',
};

const play = <path d="M6.6 4.6v4.3L10.2 6.75z" fill="currentColor" stroke="none" />;
const bars = <path d="M6.4 4.9v3.7M9.6 4.9v3.7" strokeWidth="1.5" />;
const moon = (
  <path d="M9.5 8.4A2.5 2.5 0 0 1 7 4.7a2.4 2.4 0 1 0 2.5 3.7z" fill="currentColor" stroke="none" />
);
const bang = <path d="M8 4.4v2.7M8 8.7v.2" strokeWidth="1.6" strokeLinecap="round" />;
const ask = (
  <path
    d="M6.8 5.4c0-1.5 2.4-1.5 2.4 0 0 .9-1.2.9-1.2 1.9M8 8.9v.1"
    strokeWidth="1.2"
    strokeLinecap="round"
  />
);
const inside: Readonly<Partial<Record<Condition, ReactNode>>> = {
  running: play,
  paused: bars,
  hibernated: moon,
  error: bang,
  unknown: ask,
};

const corner: Readonly<Partial<Record<Condition, ReactNode>>> = {
  offline: <path d="m10.6 10.6 4 4m0-4-4 4" strokeWidth="1.7" />,
  unavailable: <path d="m10.6 10.6 4 4m0-4-4 4" strokeWidth="1.7" />,
  online: <path d="m10.2 12.6 1.7 1.7 3-3.4" strokeWidth="1.7" />,
  error: <path d="M12.6 9.8v3M12.6 14.4v.2" strokeWidth="1.8" strokeLinecap="round" />,
  unknown: <path d="M11 11c0-1.9 3-1.9 3 0 0 1.1-1.5 1.1-1.5 2.1M12.5 14.8v.1" strokeLinecap="round" />,
};

function shape(type: Resource['type'], state: Condition): ReactNode {
  switch (type) {
    case 'node':
      return (
        <>
          <path d="M2.5 2.5h11v4h-11zM13.5 8.5v-2M2.5 6.5v6H8M2.5 9.5h6" />
          <path d="M4.6 4.5h.1M4.6 8h.1M4.6 11h.1" strokeLinecap="round" />
          {corner[state]}
        </>
      );
    case 'storage':
      return (
        <>
          <ellipse cx="8" cy="3.8" rx="5.2" ry="1.9" />
          <path d="M2.8 3.8v8.4c0 1 2.3 1.9 5.2 1.9M13.2 3.8v5M2.8 8c0 1 2.3 1.9 5.2 1.9" />
          {state === 'available' ? <path d="M13.2 8v4.2c0 1-2.3 1.9-5.2 1.9" /> : corner[state]}
        </>
      );
    case 'lxc':
      return (
        <>
          <path d="M8 1.5 14 4.6v6.8L8 14.5 2 11.4V4.6zM2 4.6l6 3 6-3M8 7.6v6.9" />
          {inside[state]}
        </>
      );
    case 'qemu':
      return state === 'template' ? (
        <path d="M1.5 4.5h9v6h-9zM4 4.5v-2h10.5v6.5h-4M3.5 13.5h5M6 10.5v3" />
      ) : (
        <>
          <path d="M1.5 2.5h13v8.5h-13zM5 13.8h6M8 11v2.8" />
          {inside[state]}
        </>
      );
    default:
      return <path d="M8 1.8 14.2 5v6L8 14.2 1.8 11V5z" />;
  }
}

const kindWords: Readonly<Partial<Record<Resource['type'], PlainKey>>> = {
  qemu: 'kind.qemu',
  lxc: 'kind.lxc',
  node: 'column.node',
  storage: 'column.storage',
};

/** What kind of object a row is, in the language of the page. */
export function kindWord(row: Resource, t: Translate): string {
  const key = kindWords[row.type];
  return key === undefined ? '' : t(key);
}

/** `bare`: leave out the label, where the state stands beside it as text. */
export function ObjectIcon({ row, bare }: { row: Resource; bare?: boolean }) {
  const t = useT();
  const state = condition(row);
  const label = `${kindWord(row, t)}: ${t(labels[state])}`;
  return (
    <svg
      className={`ry-object-icon ry-state-${tones[state]}`}
      viewBox="0 0 16 16"
      width="16"
      height="16"
      fill="none"
      stroke="currentColor"
      strokeWidth="1.2"
      {...(bare ? { 'aria-hidden': true } : { role: 'img', 'aria-label': label })}
    >
      {bare ? null : <title>{label}</title>}
      {shape(row.type, state)}
    </svg>
  );
}

/** The state in a word, and that there is something to do where the server says so: what, as the tooltip. */
export function StateText({ row }: { row: Resource }) {
  const t = useT();
  const state = condition(row);
  if (row.warning === undefined)
    return <span className={`ry-state-text ry-state-${tones[state]}`}>{t(labels[state])}</span>;
  return (
    <span className="ry-state-text ry-state-warn" title={row.warning}>
      {t(labels[state])} ({t('state.attention')})
    </span>
  );
}

/** The datacenter, which is no row of its own. */
export function DatacenterIcon() {
  return (
    <svg
      className="ry-object-icon ry-state-quiet"
      viewBox="0 0 16 16"
      width="16"
      height="16"
      fill="none"
      stroke="currentColor"
      strokeWidth="1.2"
      aria-hidden
    >
      <path d="M1.8 6.2 8 2.5l6.2 3.7M3 8h10M3 8v5.5h10V8M6.4 8v5.5M9.6 8v5.5" />
    </svg>
  );
}
