/** The audit log with its filters. */
import { Alert, Button, FormSelect, FormSelectOption, SearchInput } from '@patternfly/react-core';
import type { ResultOf } from '@ryokan/api/method.ts';
import { auditList, auditVerify } from '@ryokan/api/methods/audit.ts';
import { useDeferredValue, useState } from 'react';
import { useCall } from '../../api/query.ts';
import { run } from '../../api/run.ts';
import { api } from '../../api/session.ts';
import { DataTable } from '../../components/data-table.tsx';
import { Empty } from '../../components/empty.tsx';
import { ErrorNotice } from '../../components/error-notice.tsx';
import { Loading } from '../../components/loading.tsx';
import { Time } from '../../components/time.tsx';
import { useT } from '../../i18n/index.ts';
import { useFormat } from '../../util/use-format.ts';

type Row = ResultOf<typeof auditList>[number];
type Verdict = ResultOf<typeof auditVerify>;

const results = ['ok', 'refused', 'failed'] as const;
const resultKeys = {
  ok: 'audit.result.ok',
  refused: 'audit.result.refused',
  failed: 'audit.result.failed',
} as const;
const methods = ['POST', 'PUT', 'DELETE', 'GET'] as const;
const shown = 500;
const states = { ok: 'ry-state-good', refused: 'ry-state-warning', failed: 'ry-state-bad' } as const;

export default function Audit() {
  const t = useT();
  const [user, setUser] = useState('');
  const [path, setPath] = useState('');
  const [result, setResult] = useState('');
  const [method, setMethod] = useState('');
  const typed = { user: useDeferredValue(user.trim()), path: useDeferredValue(path.trim()) };
  const filter = {
    ...(typed.user ? { user: `${typed.user}*` } : {}),
    ...(typed.path ? { path: typed.path } : {}),
    ...(isOneOf(results, result) ? { result } : {}),
    ...(isOneOf(methods, method) ? { method } : {}),
  };
  const { data, error, refetch } = useCall(auditList, { ...filter, limit: shown }, { everyMs: 15_000 });
  if (error && !data) return <ErrorNotice error={error} onRetry={refetch} />;
  if (!data) return <Loading />;
  const query = new URLSearchParams(filter).toString();
  return (
    <DataTable<Row>
      label={t('tab.audit')}
      rows={data}
      rowKey={({ seq }) => String(seq)}
      columns={[
        {
          key: 'time',
          title: t('audit.time'),
          width: '9rem',
          render: ({ time }) => <Time at={Math.floor(time / 1000)} />,
        },
        {
          key: 'user',
          title: t('column.user'),
          render: ({ user: name }) => <span className="ry-id">{name || t('audit.nobody')}</span>,
        },
        {
          key: 'from',
          title: t('account.address'),
          wide: true,
          render: ({ from }) => <span className="ry-id">{from}</span>,
        },
        {
          key: 'call',
          title: t('audit.call'),
          width: '34%',
          render: (row) => (
            <span className="ry-id" title={detailsOf(row)}>
              {row.method} {row.path}
            </span>
          ),
        },
        {
          key: 'result',
          title: t('audit.result'),
          width: '8rem',
          render: ({ result: one }) => <span className={states[one]}>{t(resultKeys[one])}</span>,
        },
        { key: 'reason', title: t('audit.reason'), wide: true, render: ({ reason }) => reason ?? '' },
      ]}
      empty={<Empty title={t('audit.nothing')} />}
      actions={
        <>
          <SearchInput
            aria-label={t('audit.filterUser')}
            placeholder={t('audit.filterUser')}
            value={user}
            onChange={(_, value) => setUser(value)}
            onClear={() => setUser('')}
            resetButtonLabel={t('action.clear')}
          />
          <SearchInput
            aria-label={t('audit.filterPath')}
            placeholder={t('audit.filterPath')}
            value={path}
            onChange={(_, value) => setPath(value)}
            onClear={() => setPath('')}
            resetButtonLabel={t('action.clear')}
          />
          <FormSelect aria-label={t('audit.result')} value={result} onChange={(_, value) => setResult(value)}>
            <FormSelectOption value="" label={t('audit.allResults')} />
            {results.map((one) => (
              <FormSelectOption key={one} value={one} label={t(resultKeys[one])} />
            ))}
          </FormSelect>
          <FormSelect aria-label={t('audit.method')} value={method} onChange={(_, value) => setMethod(value)}>
            <FormSelectOption value="" label={t('audit.allMethods')} />
            {methods.map((one) => (
              <FormSelectOption key={one} value={one} label={one} />
            ))}
          </FormSelect>
          <Button
            size="sm"
            variant="secondary"
            component="a"
            href={`/api2/json/cluster/audit/export${query ? `?${query}` : ''}`}
            download
          >
            {t('audit.export')}
          </Button>
          <VerifyButton />
        </>
      }
    />
  );
}

function VerifyButton() {
  const t = useT();
  const format = useFormat();
  const [verdict, setVerdict] = useState<Verdict>();
  const verify = () => run(t('audit.verifyFailed'), async () => setVerdict(await api.call(auditVerify, {})));
  return (
    <>
      <Button size="sm" variant="secondary" onClick={() => void verify()}>
        {t('audit.verify')}
      </Button>
      {verdict ? (
        <Alert
          isInline
          isPlain
          variant={verdict.ok ? 'success' : 'danger'}
          title={verdict.ok ? t('audit.whole', { count: format.number(verdict.records) }) : t('audit.broken')}
        >
          {verdict.problems.join('\n')}
        </Alert>
      ) : null}
    </>
  );
}

const isOneOf = <T extends string>(values: readonly T[], text: string): text is T =>
  (values as readonly string[]).includes(text);

function detailsOf({ params, agent, upid }: Row): string {
  return [params ? JSON.stringify(params) : '', agent ?? '', upid ?? ''].filter(Boolean).join('\n');
}
