import {
  Alert,
  Button,
  ClipboardCopy,
  Modal,
  ModalBody,
  ModalFooter,
  ModalHeader,
} from '@patternfly/react-core';
import {
  accessPassword,
  aclList,
  aclUpdate,
  groupCreate,
  groupList,
  roleList,
  tokenCreate,
  userCreate,
  userList,
} from '@ryokan/api/methods/access.ts';
import { useState } from 'react';
import { invalidate, useCall } from '../../api/query.ts';
import { api, useSession } from '../../api/session.ts';
import { CheckField, SelectField, TextField } from '../../forms/fields.tsx';
import { FormDialog } from '../../forms/form-dialog.tsx';
import { useT } from '../../i18n/index.ts';

export function AddUserDialog({ onClose }: { onClose: () => void }) {
  const t = useT();
  const [name, setName] = useState('');
  const [realm, setRealm] = useState('pve');
  const [password, setPassword] = useState('');
  const [groups, setGroups] = useState('');
  const [comment, setComment] = useState('');
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
        help={isPve ? undefined : t('access.pamHelp')}
        value={realm}
        onChange={setRealm}
        choices={['pve', 'pam'].map((one) => ({ value: one, label: one }))}
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

/** A new token; its secret is shown once, right here. */
export function AddTokenDialog({ users, onClose }: { users: readonly string[]; onClose: () => void }) {
  const t = useT();
  const session = useSession();
  const [userid, setUserid] = useState(session?.username ?? users[0] ?? '');
  const [tokenid, setTokenid] = useState('');
  const [privsep, setPrivsep] = useState(true);
  const [comment, setComment] = useState('');
  const [made, setMade] = useState<{ id: string; secret: string }>();
  if (made) return <SecretDialog id={made.id} secret={made.secret} onClose={onClose} />;
  return (
    <FormDialog
      title={t('access.addToken')}
      submit={t('access.add')}
      ready={/^[A-Za-z][A-Za-z0-9.\-_]+$/.test(tokenid)}
      onClose={() => made || onClose()}
      onSubmit={async () => {
        const answer = await api.call(tokenCreate, {
          userid,
          tokenid,
          privsep,
          ...(comment.trim() ? { comment: comment.trim() } : {}),
        });
        await invalidate(userList);
        setMade({ id: answer['full-tokenid'], secret: answer.value });
        // Keep this component: the secret must be seen before the dialog goes.
        await new Promise(() => undefined);
      }}
    >
      <SelectField
        id="token-user"
        label={t('column.user')}
        value={userid}
        onChange={setUserid}
        choices={users.map((one) => ({ value: one, label: one }))}
      />
      <TextField
        id="token-id"
        label={t('access.token')}
        required
        mono
        value={tokenid}
        onChange={(value) => setTokenid(value.trim())}
      />
      <CheckField
        id="token-privsep"
        label={t('access.privsepLabel')}
        help={t('access.privsepHelp')}
        value={privsep}
        onChange={setPrivsep}
      />
      <TextField id="token-comment" label={t('access.comment')} value={comment} onChange={setComment} />
    </FormDialog>
  );
}

function SecretDialog({ id, secret, onClose }: { id: string; secret: string; onClose: () => void }) {
  const t = useT();
  return (
    <Modal variant="small" isOpen aria-labelledby="secret-title" onEscapePress={() => undefined}>
      <ModalHeader title={t('access.secretTitle')} labelId="secret-title" />
      <ModalBody>
        <div className="ry-form-rows">
          <Alert isInline variant="warning" title={t('access.secretOnce')} />
          <ClipboardCopy
            isReadOnly
            isCode
            hoverTip={t('action.copy')}
            clickTip={t('action.copied')}
            textAriaLabel={t('access.token')}
          >
            {id}
          </ClipboardCopy>
          <ClipboardCopy
            isReadOnly
            isCode
            hoverTip={t('action.copy')}
            clickTip={t('action.copied')}
            textAriaLabel={t('access.secretTitle')}
          >
            {secret}
          </ClipboardCopy>
        </div>
      </ModalBody>
      <ModalFooter>
        <Button onClick={onClose}>{t('access.secretKept')}</Button>
      </ModalFooter>
    </Modal>
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

type Subject = 'users' | 'groups' | 'tokens';

/** A role for a user, group or token on a path. */
export function AddPermissionDialog({ onClose }: { onClose: () => void }) {
  const t = useT();
  const { data: roles } = useCall(roleList, {});
  const [path, setPath] = useState('/');
  const [subject, setSubject] = useState<Subject>('users');
  const [who, setWho] = useState('');
  const [role, setRole] = useState('PVEAuditor');
  const [propagate, setPropagate] = useState(true);
  const names = (roles ?? []).map((one) => one.roleid).sort();
  return (
    <FormDialog
      title={t('access.addPermission')}
      submit={t('access.add')}
      ready={path.startsWith('/') && who.trim() !== ''}
      onClose={onClose}
      onSubmit={async () => {
        await api.call(aclUpdate, { path: path.trim(), roles: role, propagate, [subject]: who.trim() });
        await invalidate(aclList);
      }}
    >
      <TextField
        id="acl-path"
        label={t('access.path')}
        help={t('access.pathHelp')}
        mono
        value={path}
        onChange={setPath}
      />
      <SelectField
        id="acl-subject"
        label={t('access.subject')}
        value={subject}
        onChange={(value) => setSubject(value as Subject)}
        choices={[
          { value: 'users', label: t('column.user') },
          { value: 'groups', label: t('access.group') },
          { value: 'tokens', label: t('access.token') },
        ]}
      />
      <TextField
        id="acl-who"
        label={
          subject === 'users'
            ? t('column.user')
            : subject === 'groups'
              ? t('access.group')
              : t('access.token')
        }
        placeholder={subject === 'users' ? 'hanako@pve' : subject === 'groups' ? 'admins' : 'hanako@pve!ci'}
        mono
        value={who}
        onChange={setWho}
      />
      <SelectField
        id="acl-role"
        label={t('access.role')}
        value={role}
        onChange={setRole}
        choices={(names.length > 0 ? names : [role]).map((one) => ({ value: one, label: one }))}
      />
      <CheckField
        id="acl-propagate"
        label={t('access.propagate')}
        value={propagate}
        onChange={setPropagate}
      />
    </FormDialog>
  );
}
