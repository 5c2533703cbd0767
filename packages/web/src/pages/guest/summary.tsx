/** What the summaries of VMs and containers have in common: state and facts, use, notes, measurements. */
import type { Method } from '@ryokan/api/method.ts';
import { lxcRrddata, qemuRrddata } from '@ryokan/api/methods/measurements.ts';
import { lazy, type ReactNode, Suspense } from 'react';
import type { GuestRef } from '../../api/guest-kinds.ts';
import { type Config, useGuestConfig } from '../../api/hooks.ts';
import type { Guest } from '../../api/rows.ts';
import { Facts, Panel } from '../../components/facts.tsx';
import { Meter } from '../../components/meter.tsx';
import { useT } from '../../i18n/index.ts';
import { useFormat } from '../../util/use-format.ts';
import type { GuestTabProps } from './guest-page.tsx';
import { Notes } from './notes.tsx';
import { Trouble } from './trouble.tsx';

const Plots = lazy(() => import('../../components/plots.tsx'));

/** What the list or `status/current` measured of a guest; bytes, CPU as a share of all that it has. */
export interface Measured {
  readonly cpu?: number | undefined;
  readonly mem?: number | undefined;
  readonly maxmem?: number | undefined;
  readonly swap?: number | undefined;
  readonly maxswap?: number | undefined;
  readonly disk?: number | undefined;
  readonly maxdisk?: number | undefined;
  readonly diskread?: number | undefined;
  readonly diskwrite?: number | undefined;
  readonly netin?: number | undefined;
  readonly netout?: number | undefined;
  readonly error?: string | undefined;
  readonly warning?: string | undefined;
}

type Fact = readonly [name: string, value: ReactNode] | undefined;

export function GuestSummary(
  props: GuestTabProps & {
    /** The last measurement, once there is one. */
    current: (Measured & { readonly cpus?: number | undefined }) | undefined;
    /** Of its state, the first part of the page. */
    facts: readonly Fact[];
    /** More meters, below CPU and memory. */
    meters?: ReactNode;
    /** Facts of its use that only this kind has. */
    useFacts?: readonly Fact[];
  },
) {
  const t = useT();
  const { guest, state, current } = props;
  const { data: config } = useGuestConfig(guest);
  const running = state.status !== 'stopped' && state.status !== 'unknown';
  const measured: Measured & { maxcpu?: number | undefined } = { ...guest, ...current };
  const count = current?.cpus ?? guest.maxcpu ?? 0;
  return (
    <div className="ry-summary">
      <Trouble
        guest={guest}
        state={state}
        error={guest.error ?? current?.error}
        // The list hears of a change at once; what it has not heard of yet comes with the measurement.
        warning={guest.warning ?? current?.warning}
      />
      <Panel title={t('summary.state')}>
        <Facts rows={props.facts} />
      </Panel>
      <Panel title={t('summary.use')}>
        <Meter
          label={t('column.cpu')}
          share={running ? (measured.cpu ?? 0) : 0}
          detail={t('summary.cpus', { count })}
        />
        <UseMeter label={t('column.memory')} used={running ? measured.mem : 0} total={measured.maxmem} />
        {props.meters}
        <Facts rows={[...(props.useFacts ?? []), ...useTraffic(running, measured)]} />
      </Panel>
      <Notes guest={guest} text={descriptionOf(config)} loaded={config !== undefined} />
      <Suspense fallback={<div className="ry-plots-space" />}>
        <GuestPlots guest={guest} />
      </Suspense>
    </div>
  );
}

const descriptionOf = (config: Config | undefined): string =>
  typeof config?.description === 'string' ? config.description : '';

/** How much of something is in use, in bytes. */
export function UseMeter(props: { label: string; used: number | undefined; total: number | undefined }) {
  const t = useT();
  const format = useFormat();
  const { label, total = 0 } = props;
  const used = Math.min(props.used ?? 0, total);
  return (
    <Meter
      label={label}
      share={total > 0 ? used / total : 0}
      detail={t('summary.of', { used: format.bytes(used), total: format.bytes(total) })}
    />
  );
}

/** What a running guest has sent and received, read and written. */
function useTraffic(running: boolean, measured: Measured): Fact[] {
  const t = useT();
  const format = useFormat();
  if (!running) return [];
  const bytes = (value: number | undefined) => format.bytes(value ?? 0);
  return [
    [t('summary.network'), t('summary.inOut', { in: bytes(measured.netin), out: bytes(measured.netout) })],
    [
      t('summary.diskio'),
      t('summary.readWrite', { read: bytes(measured.diskread), write: bytes(measured.diskwrite) }),
    ],
  ];
}

const rrddata = { qemu: qemuRrddata, lxc: lxcRrddata } as const satisfies Record<GuestRef['type'], Method>;

function GuestPlots({ guest }: { guest: Guest }) {
  const t = useT();
  const { node, vmid } = guest;
  return (
    <Plots
      read={(timeframe) => ({
        method: rrddata[guest.type],
        params: { node, vmid, timeframe, cf: 'AVERAGE' },
      })}
      plots={[
        { title: t('plot.cpu'), unit: 'percent', series: [{ key: 'cpu', label: t('column.cpu') }] },
        {
          title: t('plot.memory'),
          unit: 'bytes',
          series: [
            { key: 'mem', label: t('plot.used') },
            { key: 'maxmem', label: t('plot.total') },
          ],
        },
        {
          title: t('plot.network'),
          unit: 'rate',
          series: [
            { key: 'netin', label: t('plot.in') },
            { key: 'netout', label: t('plot.out') },
          ],
        },
        {
          title: t('plot.disk'),
          unit: 'rate',
          series: [
            { key: 'diskread', label: t('plot.read') },
            { key: 'diskwrite', label: t('plot.write') },
          ],
        },
      ]}
    />
  );
}

/** Addresses with the card that has them, a line each. */
export function AddressList({ rows }: { rows: readonly { name: string; address: string }[] }) {
  if (rows.length === 0) return <span className="ry-subtle">–</span>;
  return (
    <ul className="ry-id-list">
      {rows.map((one) => (
        <li key={`${one.name}${one.address}`}>
          <span className="ry-id">{one.address}</span> <span className="ry-subtle">{one.name}</span>
        </li>
      ))}
    </ul>
  );
}
