import { Alert, Button, Modal, ModalBody, ModalFooter, ModalHeader } from '@patternfly/react-core';
import type { ResultOf } from '@ryokan/api/method.ts';
import { permissionWhy } from '@ryokan/api/methods/access-why.ts';
import { privileges } from '@ryokan/api/privileges.ts';
import { useState } from 'react';
import { useCall } from '../../api/query.ts';
import { Loaded } from '../../components/loaded.tsx';
import { SelectField } from '../../forms/fields.tsx';
import { type PlainKey, useT } from '../../i18n/index.ts';
import { privilegeText } from './names.ts';

type Answer = ResultOf<typeof permissionWhy>;
type Check = Answer['checks'][number];
type Rule = Check['rules'][number];

const effectTexts: Readonly<Record<Rule['effect'], PlainKey>> = {
  applies: 'rights.effect.applies',
  denies: 'rights.effect.denies',
  cancelled: 'rights.effect.cancelled',
  replaced: 'rights.effect.replaced',
  hidden: 'rights.effect.hidden',
  'not-propagated': 'rights.effect.not-propagated',
};

/** Privileges whose names begin so are the first that people ask about on such a path. */
const starts: readonly (readonly [path: RegExp, start: string])[] = [
  [/^\/vms/, 'VM.'],
  [/^\/pool/, 'VM.'],
  [/^\/storage/, 'Datastore.'],
  [/^\/nodes/, 'Sys.'],
  [/^\/sdn/, 'SDN.'],
  [/^\/access/, 'User.'],
  [/^\/mapping/, 'Mapping.'],
];

function orderedFor(path: string): string[] {
  const start = starts.find(([pattern]) => pattern.test(path))?.[1] ?? 'Sys.';
  const isFirst = (one: string) => one.startsWith(start);
  return [...privileges.filter(isFirst), ...privileges.filter((one) => !isFirst(one))];
}

/** One privilege of one user or token on a path: yes or no, the rules behind it, and what would help. */
export function WhyDialog(props: { userid: string; path: string; onClose: () => void }) {
  const t = useT();
  const { userid, path } = props;
  const choices = orderedFor(path);
  const [privilege, setPrivilege] = useState(path.startsWith('/vms') ? 'VM.PowerMgmt' : (choices[0] ?? ''));
  const answer = useCall(permissionWhy, { userid, path, privilege });
  return (
    <Modal variant="medium" isOpen onClose={props.onClose} aria-labelledby="why-title">
      <ModalHeader title={t('rights.whyTitle', { path })} labelId="why-title" description={userid} />
      <ModalBody>
        <div className="ry-form-rows">
          <SelectField
            id="why-privilege"
            label={t('rights.privilege')}
            value={privilege}
            onChange={setPrivilege}
            choices={choices.map((one) => ({ value: one, label: `${privilegeText(t, one)} (${one})` }))}
          />
          <Loaded answer={answer}>{(data) => <Verdict answer={data} />}</Loaded>
        </div>
      </ModalBody>
      <ModalFooter>
        <Button variant="secondary" onClick={props.onClose}>
          {t('action.close')}
        </Button>
      </ModalFooter>
    </Modal>
  );
}

function Verdict({ answer }: { answer: Answer }) {
  const t = useT();
  const words = { user: answer.userid, what: privilegeText(t, answer.privilege) };
  return (
    <>
      <Alert
        isInline
        component="h2"
        variant={answer.granted ? 'success' : 'warning'}
        title={answer.granted ? t('rights.can', words) : t('rights.cannot', words)}
      >
        {answer.obstacle === undefined ? null : <p>{t('rights.cannotLogIn')}</p>}
        {answer.needed.map((need) => (
          <Need key={`${need.subject} ${need.path}`} need={need} />
        ))}
      </Alert>
      {answer.checks.map((check) => (
        <Rules key={check.subject} check={check} />
      ))}
    </>
  );
}

function Need({ need }: { need: Answer['needed'][number] }) {
  const t = useT();
  const { subject, path } = need;
  if (need.action === 'remove') return <p>{t('rights.needRemove', { subject, path })}</p>;
  const roles = need.roles.slice(0, 5).join(', ');
  return (
    <p>
      {t('rights.needGive', { subject, path, roles })}
      {need.keep.length > 0 ? ` ${t('rights.keep', { roles: need.keep.join(', ') })}` : null}
    </p>
  );
}

function Rules({ check }: { check: Check }) {
  const t = useT();
  const { subject, rules } = check;
  if (rules.length === 0) return <p className="ry-subtle">{t('rights.noRules', { subject })}</p>;
  const title = t('rights.rulesOf', { subject });
  return (
    <div className="ry-table-scroller" tabIndex={0} role="region" aria-label={title}>
      <table className="ry-table ry-plain-table">
        <caption>{title}</caption>
        <thead>
          <tr>
            <th scope="col">{t('access.path')}</th>
            <th scope="col">{t('access.role')}</th>
            <th scope="col">{t('rights.allows')}</th>
            <th scope="col">{t('rights.counts')}</th>
          </tr>
        </thead>
        <tbody>
          {rules.map((rule) => (
            <tr key={`${rule.path} ${rule.ugid} ${rule.roleid} ${rule.pool ?? ''}`}>
              <td>
                <span className="ry-id">{rule.path}</span>
              </td>
              <td>
                {rule.roleid} ({rule.type === 'group' ? `@${rule.ugid}` : rule.ugid})
              </td>
              <td>{t(rule['has-privilege'] ? 'word.yes' : 'word.no')}</td>
              <td>{t(effectTexts[rule.effect])}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
