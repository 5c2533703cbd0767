import { nodeStorageStatus } from '@ryokan/api/methods/storage.ts';
import { Link } from 'react-router';
import { useCall } from '../../api/query.ts';
import type { Resource } from '../../api/rows.ts';
import { ErrorNotice } from '../../components/error-notice.tsx';
import { Facts, Panel } from '../../components/facts.tsx';
import { Meter } from '../../components/meter.tsx';
import { useT } from '../../i18n/index.ts';
import { useFormat } from '../../util/use-format.ts';
import { contentTypes } from './tabs.ts';

export function StorageSummary({ node, storage, row }: { node: string; storage: string; row: Resource }) {
  const t = useT();
  const format = useFormat();
  const { data, error, refetch } = useCall(nodeStorageStatus, { node, storage });
  const total = data?.total ?? row.maxdisk ?? 0;
  const used = data?.used ?? row.disk ?? 0;
  const allowed = (data?.content ?? row.content ?? '').split(',');
  return (
    <div className="ry-summary">
      {error ? (
        <div className="ry-span">
          <ErrorNotice error={error} onRetry={refetch} />
        </div>
      ) : null}
      <Panel title={t('summary.use')}>
        <Meter
          label={t('storage.space')}
          share={total > 0 ? used / total : undefined}
          detail={t('summary.of', { used: format.bytes(used), total: format.bytes(total) })}
          warnAt={0.9}
        />
        <Facts
          rows={[[t('storage.free'), data?.avail === undefined ? undefined : format.bytes(data.avail)]]}
        />
      </Panel>
      <Panel title={t('summary.state')}>
        <Facts
          rows={[
            [t('storage.type'), data?.type ?? row.plugintype],
            [t('column.node'), node],
            [t('storage.shared'), row.shared ? t('word.yes') : t('word.no')],
            [
              t('storage.content'),
              <ul key="c" className="ry-id-list">
                {contentTypes
                  .filter((one) => allowed.includes(one.type))
                  .map((one) => (
                    <li key={one.type}>
                      <Link to={`/storage/${node}/${storage}/${one.type}`}>{t(one.title)}</Link>
                    </li>
                  ))}
              </ul>,
            ],
          ]}
        />
      </Panel>
    </div>
  );
}
