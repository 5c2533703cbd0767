import { useMemo } from 'react';
import { useResources } from '../../api/hooks.ts';
import { isGuest } from '../../api/rows.ts';
import { NoGuests } from '../../components/no-guests.tsx';
import { ResourceTable } from '../../components/resource-table.tsx';
import { useT } from '../../i18n/index.ts';
import type { NodeTabProps } from './node-page.tsx';

export default function NodeGuests({ node }: NodeTabProps) {
  const t = useT();
  const { rows } = useResources();
  const guests = useMemo(() => rows.filter((row) => isGuest(row) && row.node === node), [rows, node]);
  return <ResourceTable hideNode label={t('tab.guests')} rows={guests} empty={<NoGuests node={node} />} />;
}
