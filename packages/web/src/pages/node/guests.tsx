import { Button } from '@patternfly/react-core';
import { useMemo } from 'react';
import { useNavigate } from 'react-router';
import { useResources } from '../../api/hooks.ts';
import { isGuest } from '../../api/rows.ts';
import { may } from '../../api/session.ts';
import { Empty } from '../../components/empty.tsx';
import { ResourceTable } from '../../components/resource-table.tsx';
import { useT } from '../../i18n/index.ts';
import type { NodeTabProps } from './node-page.tsx';

export default function NodeGuests({ node }: NodeTabProps) {
  const t = useT();
  const navigate = useNavigate();
  const { rows } = useResources();
  const guests = useMemo(() => rows.filter((row) => isGuest(row) && row.node === node), [rows, node]);
  return (
    <ResourceTable
      hideNode
      label={t('tab.guests')}
      rows={guests}
      empty={
        <Empty
          title={t('summary.noGuests')}
          action={
            may('vms', 'VM.Allocate') ? (
              <Button onClick={() => navigate(`/create/qemu?node=${node}`)}>{t('create.vm')}</Button>
            ) : null
          }
        >
          {t('summary.firstGuest')}
        </Empty>
      }
    />
  );
}
