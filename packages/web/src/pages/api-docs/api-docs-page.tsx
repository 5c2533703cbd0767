import { Button } from '@patternfly/react-core';
import ArrowLeftIcon from '@patternfly/react-icons/dist/esm/icons/arrow-left-icon';
import { useEffect, useMemo, useRef } from 'react';
import { Link, useParams } from 'react-router';
import { Empty } from '../../components/empty.tsx';
import { ErrorNotice } from '../../components/error-notice.tsx';
import { Loading } from '../../components/loading.tsx';
import { useT } from '../../i18n/index.ts';
import { useNarrow } from '../../util/use-narrow.ts';
import { type ApiDocument, documentUrl, useApiDocument } from './document.ts';
import { OperationList } from './operation-list.tsx';
import { OperationView } from './operation-view.tsx';
import { type Operation, operationAt, operationsOf } from './operations.ts';
import { Overview } from './overview.tsx';
import './api-docs.css';

/** On a phone the list of operations takes the place of the overview, which has an address of its own then. */
const overviewAddress = 'overview';

/** /api-docs: all operations; /api-docs/GET/nodes/{node}/qemu: one of them. */
export default function ApiDocsPage() {
  const t = useT();
  const { data, error, refetch } = useApiDocument();
  return (
    <div className="ry-page">
      <header className="ry-page-header">
        <div className="ry-page-title">
          <h1>{t('apiDocs.title')}</h1>
        </div>
        <div className="ry-page-actions">
          <a href={documentUrl} download="openapi.json">
            {t('apiDocs.download')}
          </a>
        </div>
      </header>
      {data ? (
        <Documentation document={data} />
      ) : error ? (
        <div className="ry-api-problem">
          <ErrorNotice error={error} onRetry={() => void refetch()} />
        </div>
      ) : (
        <Loading />
      )}
    </div>
  );
}

function Documentation({ document: apiDocument }: { document: ApiDocument }) {
  const t = useT();
  const narrow = useNarrow();
  const address = useParams()['*'] ?? '';
  const operations = useMemo(() => operationsOf(apiDocument), [apiDocument]);
  const chosen = operationAt(operations, address);
  useEffect(() => {
    const name = chosen ? `${chosen.verb} ${chosen.path} · ` : '';
    document.title = `${name}${t('apiDocs.title')} – Ryokan`;
  }, [chosen, t]);
  // One list for as long as the page is open: its search and what is unfolded stay while operations are looked at.
  const listShown = !narrow || address === '';
  return (
    <div className="ry-api">
      <nav className="ry-api-side" aria-label={t('apiDocs.operations')} hidden={!listShown}>
        {narrow ? (
          <Link to={`/api-docs/${overviewAddress}`} className="ry-api-back">
            {t('apiDocs.overview')}
          </Link>
        ) : null}
        <OperationList operations={operations} {...(chosen ? { chosen } : {})} />
      </nav>
      {narrow && address === '' ? null : (
        <Detail key={address} document={apiDocument} address={address} chosen={chosen} narrow={narrow} />
      )}
    </div>
  );
}

function Detail(props: {
  document: ApiDocument;
  address: string;
  chosen: Operation | undefined;
  narrow: boolean;
}) {
  const t = useT();
  const { address, chosen, narrow } = props;
  const box = useRef<HTMLDivElement>(null);
  // On a phone this replaces the list, and with it the link that had the focus.
  useEffect(() => {
    if (narrow) box.current?.focus();
  }, [narrow]);
  return (
    // The scroller takes the focus, so that arrow keys scroll it also where nothing inside can have it.
    <section ref={box} className="ry-api-detail" tabIndex={0} aria-label={t('apiDocs.operation')}>
      {narrow ? (
        <Link to="/api-docs" className="ry-api-back">
          <ArrowLeftIcon /> {t('apiDocs.operations')}
        </Link>
      ) : null}
      {chosen ? (
        <OperationView operation={chosen} document={props.document} />
      ) : address === '' || address === overviewAddress ? (
        <Overview />
      ) : (
        <Empty
          title={t('apiDocs.unknown')}
          action={
            <Button variant="link" component={(link) => <Link {...link} to="/api-docs" />}>
              {t('apiDocs.operations')}
            </Button>
          }
        >
          <span className="ry-id">{address}</span>
        </Empty>
      )}
    </section>
  );
}
