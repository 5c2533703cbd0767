import { FormSelect, FormSelectOption } from '@patternfly/react-core';
import { useMemo } from 'react';
import { useSearchParams } from 'react-router';
import { useResources } from '../../api/hooks.ts';
import { isGuest } from '../../api/rows.ts';
import { Empty } from '../../components/empty.tsx';
import { Loading } from '../../components/loading.tsx';
import { ResourceTable } from '../../components/resource-table.tsx';
import { useT } from '../../i18n/index.ts';

/** Every object of the datacenter in one table; the kind stands in the URL. */
export default function SearchPage() {
  const t = useT();
  const { rows, loaded } = useResources();
  const [search, setSearch] = useSearchParams();
  const kind = search.get('kind') ?? 'all';
  const shown = useMemo(
    () =>
      rows.filter((row) => {
        if (kind === 'guest') return isGuest(row);
        if (kind === 'all') return isGuest(row) || row.type === 'node' || row.type === 'storage';
        return row.type === kind;
      }),
    [rows, kind],
  );
  if (!loaded) return <Loading />;
  return (
    <ResourceTable
      label={t('tab.search')}
      rows={shown}
      empty={<Empty title={t('search.nothing')} />}
      actions={
        <FormSelect
          aria-label={t('search.kind')}
          value={kind}
          className="ry-kind"
          onChange={(_, value) =>
            setSearch((before) => {
              const next = new URLSearchParams(before);
              if (value === 'all') next.delete('kind');
              else next.set('kind', value);
              return next;
            })
          }
        >
          <FormSelectOption value="all" label={t('search.all')} />
          <FormSelectOption value="guest" label={t('search.guests')} />
          <FormSelectOption value="qemu" label={t('summary.machines')} />
          <FormSelectOption value="lxc" label={t('summary.containers')} />
          <FormSelectOption value="node" label={t('search.nodes')} />
          <FormSelectOption value="storage" label={t('search.storages')} />
        </FormSelect>
      }
    />
  );
}
