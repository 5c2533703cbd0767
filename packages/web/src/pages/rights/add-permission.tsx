import { aclList, aclUpdate, groupList, roleList, userList } from '@ryokan/api/methods/access.ts';
import { permissionWho, permissionWhy } from '@ryokan/api/methods/access-why.ts';
import { useState } from 'react';
import { invalidate, useCall } from '../../api/query.ts';
import { api } from '../../api/session.ts';
import { CheckField, SelectField, TextField } from '../../forms/fields.tsx';
import { FormDialog } from '../../forms/form-dialog.tsx';
import { useT } from '../../i18n/index.ts';
import { roleText } from './names.ts';
import { PrivilegeList } from './role-details.tsx';

type Subject = 'users' | 'groups' | 'tokens';

/** A role for a user, group or token, on a path that is given or asked for. */
export function AddPermissionDialog(props: { path?: string; onClose: () => void }) {
  const t = useT();
  const { data: roles } = useCall(roleList, {});
  const [path, setPath] = useState(props.path ?? '/');
  const [subject, setSubject] = useState<Subject>('users');
  const [who, setWho] = useState('');
  const [role, setRole] = useState('PVEAuditor');
  const [propagate, setPropagate] = useState(true);
  const names = (roles ?? []).map((one) => one.roleid).sort();
  const privs = roles?.find((one) => one.roleid === role)?.privs ?? '';
  return (
    <FormDialog
      title={t('access.addPermission')}
      submit={t('access.add')}
      ready={path.startsWith('/') && who.trim() !== ''}
      onClose={props.onClose}
      onSubmit={async () => {
        await api.call(aclUpdate, { path: path.trim(), roles: role, propagate, [subject]: who.trim() });
        await invalidate(aclList, permissionWho, permissionWhy);
      }}
    >
      <TextField
        id="acl-path"
        label={t('access.path')}
        help={props.path === undefined ? t('access.pathHelp') : undefined}
        mono
        disabled={props.path !== undefined}
        value={path}
        onChange={setPath}
      />
      <SelectField
        id="acl-subject"
        label={t('access.subject')}
        value={subject}
        onChange={(value) => {
          setSubject(value as Subject);
          setWho('');
        }}
        choices={[
          { value: 'users', label: t('column.user') },
          { value: 'groups', label: t('access.group') },
          { value: 'tokens', label: t('access.token') },
        ]}
      />
      <WhoField subject={subject} value={who} onChange={setWho} />
      <SelectField
        id="acl-role"
        label={t('access.role')}
        help={roleText(t, role)}
        value={role}
        onChange={setRole}
        choices={(names.length > 0 ? names : [role]).map((one) => ({ value: one, label: one }))}
      />
      <details>
        <summary>{t('rights.roleOf', { role })}</summary>
        <PrivilegeList privs={privs} />
      </details>
      <CheckField
        id="acl-propagate"
        label={t('access.propagate')}
        value={propagate}
        onChange={setPropagate}
      />
    </FormDialog>
  );
}

const examples: Readonly<Record<Subject, string>> = {
  users: 'hanako@pve',
  groups: 'admins',
  tokens: 'hanako@pve!ci',
};

/** A choice of those that one may see, a field for a name where one sees none. */
function WhoField(props: { subject: Subject; value: string; onChange: (value: string) => void }) {
  const t = useT();
  const { subject, value, onChange } = props;
  const { data: users = [] } = useCall(userList, { full: true });
  const { data: groups = [] } = useCall(groupList, {});
  const names: Readonly<Record<Subject, readonly string[]>> = {
    users: users.map((user) => user.userid),
    groups: groups.map((group) => group.groupid),
    tokens: users.flatMap((user) => (user.tokens ?? []).map((token) => `${user.userid}!${token.tokenid}`)),
  };
  const label = { users: t('column.user'), groups: t('access.group'), tokens: t('access.token') }[subject];
  const known = [...names[subject]].sort();
  if (known.length === 0) {
    const placeholder = examples[subject];
    return <TextField id="acl-who" label={label} {...{ placeholder, value, onChange }} required mono />;
  }
  const choices = [{ value: '', label: '–' }, ...known.map((one) => ({ value: one, label: one }))];
  return <SelectField id="acl-who" label={label} required {...{ value, onChange, choices }} />;
}
