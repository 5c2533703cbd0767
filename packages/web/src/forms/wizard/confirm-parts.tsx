/** What the last step of both wizards has besides the facts: what stands in the way, the start, the same call elsewhere. */
import { Alert, ExpandableSection, Spinner } from '@patternfly/react-core';
import type { Method } from '@ryokan/api/method.ts';
import { useQuery } from '@tanstack/react-query';
import { useContext } from 'react';
import { api } from '../../api/session.ts';
import { CodeBlock } from '../../components/code-block.tsx';
import { ErrorNotice } from '../../components/error-notice.tsx';
import { useT } from '../../i18n/index.ts';
import { CheckField } from '../fields.tsx';
import { explainProblem } from '../problems.ts';
import type { GuestWizard } from './general-fields.tsx';
import type { GuestDraft, GuestModel } from './wizard-state.ts';

type Params = Readonly<Record<string, string>>;

/** The part of the API's answer to `dry-run=1` that is shown. */
interface DryRun {
  readonly accepted: 0 | 1;
  readonly blocked: readonly {
    readonly code: string;
    readonly message: string;
    readonly errors?: Params;
  }[];
}

const isSecret = (method: Method, key: string): boolean => method.params.properties[key]?.secret === true;

/** Parameters as they may be shown and kept: without secrets. */
export function shownParams(method: Method, params: Params): Params {
  return Object.fromEntries(Object.entries(params).filter(([key]) => !isSecret(method, key)));
}

/** Start after creation: the last question, since it is about what comes then. */
export function StartField({ wizard }: { wizard: GuestWizard }) {
  const t = useT();
  const { draft, change } = wizard;
  return (
    <CheckField
      id="start"
      label={t('wizard.start')}
      help={t(draft.start ? 'wizard.willStart' : 'wizard.willNotStart')}
      value={draft.start}
      onChange={(start) => change({ start })}
    />
  );
}

/** Asks the API what would block the call, without making it. */
export function Obstacles<D extends GuestDraft, S extends string>({ model }: { model: GuestModel<D, S> }) {
  const t = useT();
  const { draft, creating, problems } = useContext(model.context);
  const { verb, path, id } = model.method;
  const params = shownParams(model.method, model.createParams(draft));
  const known = Object.keys(problems).length > 0;
  const { data, error, refetch } = useQuery({
    // As text: events about a guest of this number are none about the answer.
    queryKey: ['dry-run', id, JSON.stringify(params)],
    queryFn: ({ signal }) => api.request<DryRun>(verb, path, { ...params, 'dry-run': '1' }, { signal }),
    enabled: !creating && !known,
    staleTime: 0,
    gcTime: 0,
  });
  if (creating || known) return null;
  if (error) return <ErrorNotice title={t('wizard.checkFailed')} error={error} onRetry={refetch} />;
  if (!data)
    return (
      <p role="status">
        <Spinner size="sm" aria-hidden /> {t('wizard.checking')}
      </p>
    );
  const { accepted, blocked } = data.data;
  if (accepted)
    return <Alert isInline isPlain variant="success" title={t('wizard.accepted')} className="ry-accepted" />;
  return (
    <Alert isInline variant="danger" title={t('wizard.blocked')}>
      <ul className="ry-id-list">
        {blocked.map((one) => (
          <li key={one.message}>
            {Object.entries(one.errors ?? {}).map(([key, text]) => (
              <p key={key}>
                <span className="ry-id">{key}</span>: {explainProblem(text, t)}
              </p>
            ))}
            {one.errors ? null : explainProblem(one.message, t)}
            {one.code === 'forbidden' ? <p>{t('error.forbidden')}</p> : null}
          </li>
        ))}
      </ul>
    </Alert>
  );
}

/** The call as a command and as a request, to be copied. Passwords are left out. */
export function SameElsewhere(props: { method: Method; params: Params; command: string }) {
  const t = useT();
  const { method, params } = props;
  const { node = '', ...shown } = shownParams(method, params);
  const request = [
    `${method.verb} /api2/json${method.path.replace('{node}', node)}`,
    ...Object.entries(shown).map(([key, value]) => `${key}=${value}`),
  ].join('\n');
  return (
    <ExpandableSection toggleText={t('wizard.elsewhere')}>
      <div className="ry-form-rows">
        <CodeBlock title={t('wizard.command')} text={props.command} />
        <CodeBlock title={t('wizard.request')} text={request} />
        {'password' in params ? <p className="ry-subtle">{t('wizard.secretLeftOut')}</p> : null}
      </div>
    </ExpandableSection>
  );
}
