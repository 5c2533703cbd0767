import { accessPassword, groupCreate, groupList, userCreate, userList } from '@ryokan/api/methods/access.ts';
import { accessRealms } from '@ryokan/api/methods/access-realms.ts';
import { useState } from 'react';
import { invalidate, useCall } from '../../api/query.ts';
import { api, useSession } from '../../api/session.ts';
import { SelectField, TextField } from '../../forms/fields.tsx';
import { FormDialog } from '../../forms/form-dialog.tsx';
import { useT } from '../../i18n/index.ts';

export function AddUserDialog({ onClose }: { onClose: () => void }) {
  const t = useT();
  const [name, setName] = useState('');
  const [realm, setRealm] = useState('pve');
  const [password, setPassword] = useState('');
  const [groups, setGroups] = useState('');
  const [comment, setComment] = useState('');
  const realms = useCall(accessRealms, {}).data ?? [];
  const isPve = realm === 'pve';
  return (
    <FormDialog
      title={t('access.addUser')}
      submit={t('access.add')}
      ready={name.trim() !== '' && (!isPve || password.length >= 8)}
      onClose={onClose}
      onSubmit={async () => {
        await api.call(userCreate, {
          userid: `${name.trim()}@${realm}`,
          ...(isPve ? { password } : {}),
          ...(groups.trim() ? { groups: groups.trim() } : {}),
          ...(comment.trim() ? { comment: comment.trim() } : {}),
        });
        await invalidate(userList, groupList);
      }}
    >
      <TextField id="user-name" label={t('login.user')} required value={name} onChange={setName} />
      <SelectField
        id="user-realm"
        label={t('login.realm')}
        help={isPve ? undefined : realm === 'pam' ? t('access.pamHelp') : t('access.realmHelp')}
        value={realm}
        onChange={setRealm}
        choices={realms.map((one) => ({
          value: one.realm,
          label: one.comment ? `${one.realm} (${one.comment})` : one.realm,
        }))}
      />
      {isPve ? (
        <TextField
          id="user-password"
          type="password"
          label={t('login.password')}
          help={t('access.passwordHelp')}
          required
          value={password}
          onChange={setPassword}
        />
      ) : null}
      <TextField id="user-groups" label={t('access.groups')} value={groups} onChange={setGroups} />
      <TextField id="user-comment" label={t('access.comment')} value={comment} onChange={setComment} />
    </FormDialog>
  );
}

export function PasswordDialog({ userid, onClose }: { userid: string; onClose: () => void }) {
  const t = useT();
  const session = useSession();
  const [password, setPassword] = useState('');
  const [again, setAgain] = useState('');
  const [own, setOwn] = useState('');
  const needsOwn = session?.username !== 'root@pam';
  return (
    <FormDialog
      title={t('access.passwordOf', { user: userid })}
      submit={t('action.save')}
      ready={password.length >= 8 && password === again && (!needsOwn || own !== '')}
      onClose={onClose}
      onSubmit={() =>
        api.call(accessPassword, { userid, password, ...(needsOwn ? { 'confirmation-password': own } : {}) })
      }
    >
      {needsOwn ? (
        <TextField
          id="own-password"
          type="password"
          label={t('access.ownPassword')}
          value={own}
          onChange={setOwn}
        />
      ) : null}
      <TextField
        id="new-password"
        type="password"
        label={t('access.newPassword')}
        help={t('access.passwordHelp')}
        value={password}
        onChange={setPassword}
      />
      <TextField
        id="again-password"
        type="password"
        label={t('access.again')}
        problem={again !== '' && again !== password ? t('access.different') : undefined}
        value={again}
        onChange={setAgain}
      />
    </FormDialog>
  );
}

export function AddGroupDialog({ onClose }: { onClose: () => void }) {
  const t = useT();
  const [groupid, setGroupid] = useState('');
  const [comment, setComment] = useState('');
  return (
    <FormDialog
      title={t('access.addGroup')}
      submit={t('access.add')}
      ready={groupid.trim() !== ''}
      onClose={onClose}
      onSubmit={async () => {
        await api.call(groupCreate, {
          groupid: groupid.trim(),
          ...(comment.trim() ? { comment: comment.trim() } : {}),
        });
        await invalidate(groupList);
      }}
    >
      <TextField id="group-id" label={t('access.group')} required value={groupid} onChange={setGroupid} />
      <TextField id="group-comment" label={t('access.comment')} value={comment} onChange={setComment} />
    </FormDialog>
  );
}
