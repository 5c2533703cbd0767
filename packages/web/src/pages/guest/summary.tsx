import { qemuRrddata } from '@ryokan/api/methods/measurements.ts';
import { qemuStatusCurrent } from '@ryokan/api/methods/qemu.ts';
import { agentQuestions } from '@ryokan/api/methods/qemu-agent.ts';
import { lazy, Suspense } from 'react';
import { useGuestConfig } from '../../api/hooks.ts';
import { useCall } from '../../api/query.ts';
import { Facts, Panel } from '../../components/facts.tsx';
import { Meter } from '../../components/meter.tsx';
import { StateText } from '../../components/object-icon.tsx';
import { useT } from '../../i18n/index.ts';
import { useFormat } from '../../util/use-format.ts';
import { addressesOf } from './agent/agent-model.ts';
import type { GuestTabProps } from './guest-page.tsx';
import { Notes } from './notes.tsx';
import { osTypes } from './option-list.ts';
import { Trouble } from './trouble.tsx';

const Plots = lazy(() => import('../../components/plots.tsx'));

export default function GuestSummary({ guest, state }: GuestTabProps) {
  const t = useT();
  const format = useFormat();
  const { node, vmid } = guest;
  const { data: current } = useCall(qemuStatusCurrent, { node, vmid });
  const { data: config } = useGuestConfig(node, vmid);
  const running = state.status !== 'stopped' && state.status !== 'unknown';
  const measured = { ...guest, ...current };
  const memory = measured.maxmem ? (measured.mem ?? 0) / measured.maxmem : undefined;
  // The list hears of a change at once; what it has not heard of yet comes with the measurement.
  const warning = guest.warning ?? current?.warning;
  return (
    <div className="ry-summary">
      <Trouble guest={guest} state={state} error={guest.error ?? current?.error} warning={warning} />
      <Panel title={t('summary.state')}>
        <Facts
          rows={[
            [t('column.status'), <Status key="s" guest={guest} qmpstatus={current?.qmpstatus} />],
            [t('column.uptime'), running && measured.uptime ? format.duration(measured.uptime) : undefined],
            [t('column.node'), node],
            [t('summary.machine'), current?.['running-machine']],
            [t('summary.qemu'), current?.['running-qemu']],
            [t('summary.ostype'), osTypeName(config?.ostype)],
            [
              t('summary.addresses'),
              <Addresses key="a" guest={guest} asked={running && Boolean(current?.agent)} />,
            ],
          ]}
        />
      </Panel>
      <Panel title={t('summary.use')}>
        <Meter
          label={t('column.cpu')}
          share={running ? (measured.cpu ?? 0) : 0}
          detail={t('summary.cpus', { count: current?.cpus ?? guest.maxcpu ?? 0 })}
        />
        <Meter
          label={t('column.memory')}
          share={running ? memory : 0}
          detail={t('summary.of', {
            used: format.bytes(running ? Math.min(measured.mem ?? 0, measured.maxmem ?? 0) : 0),
            total: format.bytes(measured.maxmem ?? 0),
          })}
        />
        <Facts
          rows={[
            [
              t('summary.memoryOfNode'),
              running && current?.memhost ? format.bytes(current.memhost) : undefined,
            ],
            [t('summary.bootdisk'), measured.maxdisk ? format.bytes(measured.maxdisk) : undefined],
            [
              t('summary.network'),
              running
                ? t('summary.inOut', {
                    in: format.bytes(measured.netin ?? 0),
                    out: format.bytes(measured.netout ?? 0),
                  })
                : undefined,
            ],
            [
              t('summary.diskio'),
              running
                ? t('summary.readWrite', {
                    read: format.bytes(measured.diskread ?? 0),
                    write: format.bytes(measured.diskwrite ?? 0),
                  })
                : undefined,
            ],
          ]}
        />
      </Panel>
      <Notes
        node={node}
        vmid={vmid}
        text={typeof config?.description === 'string' ? config.description : ''}
        loaded={config !== undefined}
      />
      <Suspense fallback={<div className="ry-plots-space" />}>
        <GuestPlots node={node} vmid={vmid} />
      </Suspense>
    </div>
  );
}

function GuestPlots({ node, vmid }: { node: string; vmid: number }) {
  const t = useT();
  return (
    <Plots
      read={(timeframe) => ({ method: qemuRrddata, params: { node, vmid, timeframe, cf: 'AVERAGE' } })}
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

/** What the guest agent says about addresses; nothing when there is no agent or it does not answer. */
function Addresses({ guest, asked }: { guest: GuestTabProps['guest']; asked: boolean }) {
  const t = useT();
  const { node, vmid } = guest;
  const question = agentQuestions['guest-network-get-interfaces'];
  const { data, error } = useCall(question, { node, vmid }, { enabled: asked, everyMs: asked ? 15_000 : 0 });
  if (!asked) return <span className="ry-subtle">{t('summary.noAgent')}</span>;
  const addresses = data ? addressesOf(data.result) : [];
  if (error && addresses.length === 0) return <span className="ry-subtle">{t('summary.agentSilent')}</span>;
  if (addresses.length === 0) return <span className="ry-subtle">–</span>;
  return (
    <ul className="ry-id-list">
      {addresses.map((one) => (
        <li key={`${one.name}${one.address}`}>
          <span className="ry-id">{one.address}</span> <span className="ry-subtle">{one.name}</span>
        </li>
      ))}
    </ul>
  );
}

/** The state in words; QEMU's own word beside it where it says more. */
function Status({ guest, qmpstatus }: { guest: GuestTabProps['guest']; qmpstatus: string | undefined }) {
  const plain = ['running', 'stopped', 'paused'].includes(qmpstatus ?? 'running');
  return (
    <>
      <StateText row={guest} />
      {plain ? null : <span className="ry-subtle"> ({qmpstatus})</span>}
    </>
  );
}

function osTypeName(value: unknown): string | undefined {
  return osTypes.find((one) => one.value === value)?.label;
}
