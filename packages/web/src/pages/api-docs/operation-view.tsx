import { SearchInput } from '@patternfly/react-core';
import { type ReactNode, useMemo, useState } from 'react';
import { useNodeNames } from '../../api/hooks.ts';
import { useSession } from '../../api/session.ts';
import { CodeBlock } from '../../components/code-block.tsx';
import { Facts, Panel } from '../../components/facts.tsx';
import { useT } from '../../i18n/index.ts';
import type { ApiDocument } from './document.ts';
import { commandExample, curlExample, pveshExample } from './examples.ts';
import { Verb } from './operation-list.tsx';
import { type Operation, parametersOf, resultOf } from './operations.ts';
import { permissionText } from './permission-text.ts';
import { type Row, rowsOf } from './schema-rows.ts';
import { InlineCode, SchemaTable, TypeText } from './schema-table.tsx';

/** So many parameters are worth a filter. */
const filterFrom = 15;

/** Everything about one operation. */
export function OperationView({ operation, document }: { operation: Operation; document: ApiDocument }) {
  const parameters = useMemo(() => parametersOf(operation, document), [operation, document]);
  return (
    <article className="ry-api-operation">
      <header>
        <h2>
          <Verb verb={operation.verb} /> <span className="ry-id">{operation.path}</span>
        </h2>
        <p lang="en">
          <InlineCode text={operation.description} />
        </p>
      </header>
      <OperationFacts operation={operation} />
      <Parameters rows={parameters} />
      <Result operation={operation} document={document} />
      <Examples operation={operation} parameters={parameters} />
    </article>
  );
}

function OperationFacts({ operation }: { operation: Operation }) {
  const t = useT();
  const { source, transport } = operation;
  const rule = source['x-permission'];
  const tokenRefused = source.security.length > 0 && !source.security.some((one) => 'apiToken' in one);
  const kinds: Partial<Record<typeof transport, string>> = {
    upload: t('apiDocs.kindUpload'),
    websocket: t('apiDocs.kindWebsocket'),
    events: t('apiDocs.kindEvents'),
  };
  return (
    <Panel title={t('apiDocs.about')}>
      <Facts
        rows={[
          rule ? [t('apiDocs.permission'), permissionText(rule, t)] : undefined,
          source['x-task']
            ? [t('apiDocs.task'), t('apiDocs.taskType', { type: source['x-task'] })]
            : undefined,
          tokenRefused ? [t('apiDocs.token'), t('apiDocs.tokenRefused')] : undefined,
          kinds[transport] ? [t('apiDocs.kind'), kinds[transport]] : undefined,
          source['x-extension'] ? [t('apiDocs.origin'), t('apiDocs.extension')] : undefined,
          [
            t('apiDocs.operationId'),
            <span key="id" className="ry-id">
              {source.operationId}
            </span>,
          ],
        ]}
      />
    </Panel>
  );
}

function Parameters({ rows }: { rows: readonly Row[] }) {
  const t = useT();
  const [filter, setFilter] = useState('');
  const wanted = filter.trim().toLowerCase();
  const shown = rows.filter((row) => `${row.name} ${row.description}`.toLowerCase().includes(wanted));
  return (
    <Panel
      title={t('apiDocs.parameters')}
      actions={
        rows.length < filterFrom ? null : (
          <SearchInput
            className="ry-api-filter"
            aria-label={t('apiDocs.filterParameters')}
            placeholder={t('table.filter')}
            value={filter}
            onChange={(_, value) => setFilter(value)}
            onClear={() => setFilter('')}
            resetButtonLabel={t('action.clear')}
          />
        )
      }
    >
      {rows.length === 0 ? (
        <p className="ry-subtle">{t('apiDocs.noParameters')}</p>
      ) : shown.length === 0 ? (
        <p className="ry-subtle">{t('table.nothing')}</p>
      ) : (
        <SchemaTable rows={shown} label={t('apiDocs.parameters')} requiredText={t('apiDocs.required')} />
      )}
    </Panel>
  );
}

function Result({ operation, document }: { operation: Operation; document: ApiDocument }) {
  const t = useT();
  const schema = useMemo(() => resultOf(operation, document), [operation, document]);
  const rows = useMemo(() => (schema ? rowsOf(schema, document) : []), [schema, document]);
  let kind: ReactNode = null;
  if (operation.source['x-task']) kind = t('apiDocs.resultTask');
  else if (schema?.type === 'null') kind = t('apiDocs.resultNothing');
  else if (schema) kind = <TypeText schema={schema} />;
  else kind = operation.transport === 'websocket' ? t('apiDocs.kindWebsocket') : t('apiDocs.kindEvents');
  return (
    <Panel title={t('apiDocs.result')}>
      <div>{kind}</div>
      {rows.length > 0 ? (
        <SchemaTable rows={rows} label={t('apiDocs.result')} requiredText={t('apiDocs.always')} />
      ) : null}
    </Panel>
  );
}

function Examples({ operation, parameters }: { operation: Operation; parameters: readonly Row[] }) {
  const t = useT();
  const user = useSession()?.username ?? 'USER@REALM';
  const node = useNodeNames()[0] ?? 'NODE';
  const around = { origin: location.origin, node, user };
  const curl = curlExample(operation, parameters, around);
  const commands = [
    commandExample(operation, parameters, around),
    pveshExample(operation, parameters, around),
  ].filter((one): one is string => one !== undefined);
  return (
    <Panel title={t('apiDocs.examples')}>
      {curl ? <CodeBlock title="curl" text={curl} /> : null}
      {commands.length > 0 ? <CodeBlock title={t('apiDocs.commandLine')} text={commands.join('\n')} /> : null}
      {curl || commands.length > 0 ? null : <p className="ry-subtle">{t('apiDocs.noExample')}</p>}
    </Panel>
  );
}
