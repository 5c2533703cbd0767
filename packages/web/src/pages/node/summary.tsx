import { nodeRrddata } from '@ryokan/api/methods/measurements.ts';
import { nodeStatus, nodeVersion } from '@ryokan/api/methods/nodes.ts';
import { lazy, Suspense } from 'react';
import { useCall } from '../../api/query.ts';
import { ErrorNotice } from '../../components/error-notice.tsx';
import { Facts, Panel } from '../../components/facts.tsx';
import { Loading } from '../../components/loading.tsx';
import { Meter } from '../../components/meter.tsx';
import { NodeWarnings } from '../../components/node-warnings.tsx';
import { useT } from '../../i18n/index.ts';
import { useFormat } from '../../util/use-format.ts';
import { useVisible } from '../../util/use-visible.ts';
import type { NodeTabProps } from './node-page.tsx';

const Plots = lazy(() => import('../../components/plots.tsx'));

export default function NodeSummary({ node }: NodeTabProps) {
  const t = useT();
  const format = useFormat();
  const visible = useVisible();
  const { data: status, error, refetch } = useCall(nodeStatus, { node }, { everyMs: visible ? 5_000 : 0 });
  const { data: version } = useCall(nodeVersion, { node }, { staleTime: 600_000 });
  if (error && !status)
    return (
      <div className="ry-summary">
        <ErrorNotice error={error} onRetry={refetch} />
      </div>
    );
  if (!status) return <Loading />;
  const of = (one: { used: number; total: number }) =>
    t('summary.of', { used: format.bytes(one.used), total: format.bytes(one.total) });
  const share = (one: { used: number; total: number }) => (one.total > 0 ? one.used / one.total : undefined);
  return (
    <div className="ry-summary">
      <NodeWarnings node={node} />
      <Panel title={t('summary.use')}>
        <Meter
          label={t('column.cpu')}
          share={status.cpu}
          detail={t('node.load', { cpus: status.cpuinfo.cpus, load: status.loadavg.join(' ') })}
        />
        <Meter
          label={t('column.memory')}
          share={share(status.memory)}
          detail={of(status.memory)}
          warnAt={0.95}
        />
        {status.swap.total > 0 ? (
          <Meter label={t('node.swap')} share={share(status.swap)} detail={of(status.swap)} />
        ) : null}
        <Meter
          label={t('node.rootfs')}
          share={share(status.rootfs)}
          detail={of(status.rootfs)}
          warnAt={0.9}
        />
      </Panel>
      <Panel title={t('node.system')}>
        <Facts
          rows={[
            [t('column.uptime'), format.duration(status.uptime)],
            [t('node.cpuModel'), status.cpuinfo.model],
            [
              t('node.topology'),
              t('node.topologyText', {
                sockets: t('cpu.socketCount', { count: status.cpuinfo.sockets }),
                cores: t('cpu.coreCount', { count: status.cpuinfo.cores }),
                threads: t('node.threadCount', { count: status.cpuinfo.cpus }),
              }),
            ],
            [t('node.kernel'), `${status['current-kernel'].sysname} ${status['current-kernel'].release}`],
            [t('node.boot'), status['boot-info'].mode === 'efi' ? 'UEFI' : 'BIOS'],
            [
              t('node.accelerator'),
              <span key="a" title={status.accelerator.reason}>
                {status.accelerator.name === 'kvm' ? t('node.kvm') : t('node.tcg')}
              </span>,
            ],
            [t('summary.qemu'), status.qemuversion],
            [t('node.version'), version ? `${version.version} (${version.repoid})` : status.pveversion],
          ]}
        />
      </Panel>
      <Suspense fallback={<div className="ry-plots-space" />}>
        <Plots
          read={(timeframe) => ({ method: nodeRrddata, params: { node, timeframe, cf: 'AVERAGE' } })}
          plots={[
            {
              title: t('plot.cpu'),
              unit: 'percent',
              series: [
                { key: 'cpu', label: t('column.cpu') },
                { key: 'iowait', label: t('plot.iowait') },
              ],
            },
            {
              title: t('plot.memory'),
              unit: 'bytes',
              series: [
                { key: 'memused', label: t('plot.used') },
                { key: 'memtotal', label: t('plot.total') },
              ],
            },
            { title: t('plot.load'), unit: 'number', series: [{ key: 'loadavg', label: t('plot.load') }] },
            {
              title: t('plot.network'),
              unit: 'rate',
              series: [
                { key: 'netin', label: t('plot.in') },
                { key: 'netout', label: t('plot.out') },
              ],
            },
          ]}
        />
      </Suspense>
    </div>
  );
}
