import { Alert } from '@patternfly/react-core';
import { may, useSession } from '../../../api/session.ts';
import { useT } from '../../../i18n/index.ts';
import { CheckField, TextField } from '../../fields.tsx';
import { SshKeysField } from '../../ssh-keys-field.tsx';
import { GeneralFields } from '../general-fields.tsx';
import { problemText } from '../wizard-state.ts';
import { useContainer } from './container-model.ts';

export function GeneralStep() {
  const t = useT();
  const wizard = useContainer();
  const { draft, change, problems } = wizard;
  return (
    <>
      <GeneralFields wizard={wizard}>
        <TextField
          id="hostname"
          label={t('container.hostname')}
          help={t('newct.hostnameHelp', { name: `CT${draft.vmid.trim()}` })}
          value={draft.hostname}
          onChange={(hostname) => change({ hostname })}
          problem={problemText(problems, 'hostname', t)}
        />
      </GeneralFields>
      <Isolation />
      <Login />
    </>
  );
}

/** How much the container is kept away from its node. */
function Isolation() {
  const t = useT();
  const { draft, change } = useContainer();
  const isRoot = useSession()?.username === 'root@pam';
  const mayPrivileged = may('dc', 'Sys.Modify');
  // Features of a privileged container are root's to give.
  const mayNest = draft.unprivileged || isRoot;
  return (
    <>
      <CheckField
        id="unprivileged"
        label={t('container.unprivileged')}
        help={t(mayPrivileged ? 'newct.unprivilegedHelp' : 'newct.unprivilegedOnly')}
        value={draft.unprivileged}
        disabled={!mayPrivileged}
        onChange={(unprivileged) =>
          change({ unprivileged, nesting: unprivileged || isRoot ? draft.nesting : false })
        }
      />
      {draft.unprivileged ? null : (
        <Alert isInline variant="warning" title={t('newct.privilegedTitle')}>
          {t('newct.privilegedWarning')}
        </Alert>
      )}
      <CheckField
        id="nesting"
        label={t('container.nesting')}
        help={t(mayNest ? 'container.nestingHelp' : 'newct.nestingRoot')}
        value={draft.nesting}
        disabled={!mayNest}
        onChange={(nesting) => change({ nesting })}
      />
    </>
  );
}

/** How root gets in: a password, keys, or both. */
function Login() {
  const t = useT();
  const { draft, change, problems } = useContainer();
  const shut = draft.password === '' && draft.sshKeys.trim() === '';
  return (
    <fieldset className="ry-card">
      <legend>{t('newct.login')}</legend>
      <div className="ry-form-grid">
        <TextField
          id="password"
          type="password"
          label={t('newct.password')}
          value={draft.password}
          onChange={(password) => change({ password })}
          problem={problemText(problems, 'password', t)}
        />
        <TextField
          id="password-again"
          type="password"
          label={t('newct.passwordAgain')}
          value={draft.passwordAgain}
          onChange={(passwordAgain) => change({ passwordAgain })}
          problem={problemText(problems, 'passwordAgain', t)}
        />
      </div>
      <SshKeysField
        id="ssh-keys"
        value={draft.sshKeys}
        onChange={(sshKeys) => change({ sshKeys })}
        problem={problemText(problems, 'ssh-public-keys', t)}
      />
      {shut ? <p className="ry-subtle">{t('newct.noLogin')}</p> : null}
    </fieldset>
  );
}
