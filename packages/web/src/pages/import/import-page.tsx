import { Form } from '@patternfly/react-core';
import { importMetadata } from '@ryokan/api/methods/storage-import.ts';
import { useEffect } from 'react';
import { useSearchParams } from 'react-router';
import { useNodeNames } from '../../api/hooks.ts';
import { useCall } from '../../api/query.ts';
import { ErrorNotice } from '../../components/error-notice.tsx';
import { Loading } from '../../components/loading.tsx';
import { useT } from '../../i18n/index.ts';
import { ImportForm } from './import-form.tsx';
import { SourceField } from './source-field.tsx';

/** Importing a machine: choose the file, see what was recognised in it, change what should be different, start. */
export default function ImportPage() {
  const t = useT();
  const [search, setSearch] = useSearchParams();
  const nodes = useNodeNames();
  const node = search.get('node') ?? nodes[0] ?? '';
  const volume = search.get('volume') ?? '';
  useEffect(() => {
    document.title = `${t('import.title')} – Ryokan`;
  }, [t]);
  const choose = (next: { node?: string; volume: string }) =>
    setSearch({ node, ...next }, { replace: volume !== '' });
  return (
    <div className="ry-page">
      <header className="ry-page-header">
        <div className="ry-page-title">
          <h1>{t('import.title')}</h1>
        </div>
      </header>
      <div className="ry-page-body ry-import">
        <Form className="ry-wizard-form" onSubmit={(event) => event.preventDefault()}>
          <SourceField node={node} volume={volume} onChange={choose} />
        </Form>
        {node !== '' && volume !== '' ? <Description key={volume} node={node} volume={volume} /> : null}
      </div>
    </div>
  );
}

function Description({ node, volume }: { node: string; volume: string }) {
  const t = useT();
  const storage = volume.slice(0, volume.indexOf(':'));
  const { data, error, refetch } = useCall(
    importMetadata,
    { node, storage, volume },
    { staleTime: Number.POSITIVE_INFINITY },
  );
  if (error) return <ErrorNotice title={t('import.unreadable')} error={error} onRetry={refetch} />;
  if (!data) return <Loading />;
  return <ImportForm node={node} metadata={data} />;
}
