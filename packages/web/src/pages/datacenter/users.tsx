import { Button } from '@patternfly/react-core';
import PlusIcon from '@patternfly/react-icons/dist/esm/icons/plus-icon';
import type { ResultOf } from '@ryokan/api/method.ts';
import { tokenDelete, tokenUpdate, userDelete, userList } from '@ryokan/api/methods/access.ts';
import { type ReactNode, useState } from 'react';
import { useCall } from '../../api/query.ts';
import { run } from '../../api/run.ts';
import { api, useSession } from '../../api/session.ts';
import { ConfirmDialog } from '../../components/confirm-dialog.tsx';
import { type Column, DataTable } from '../../components/data-table.tsx';
import { Empty } from '../../components/empty.tsx';
import { ErrorNotice } from '../../components/error-notice.tsx';
import { Loading } from '../../components/loading.tsx';
import { type MenuEntry, RowMenu } from '../../components/row-menu.tsx';
import { Time } from '../../components/time.tsx';
import { RowButton } from '../../components/value-table.tsx';
import { useT } from '../../i18n/index.ts';
import { AddTokenDialog, SecretDialog } from '../rights/token-dialogs.tsx';
import { AddUserDialog, PasswordDialog } from './access-dialogs.tsx';
import { EditUserDialog, UserFactorsDialog } from './edit-dialogs.tsx';
import { GroupTable } from './group-table.tsx';
import { type Removal, RemovalDialog, RemoveButton } from './removal.tsx';
import { Sections } from './section.tsx';

type User = ResultOf<typeof userList>[number];
type Token = NonNullable<User['tokens']>[number] & { readonly userid: string };

export default function Users() {
  const t = useT();
  return (
    <Sections
      label={t('tab.users')}
      sections={[
        { key: 'users', title: t('tab.users'), content: <UserTable /> },
        { key: 'tokens', title: t('access.tokens'), content: <TokenTable /> },
        { key: 'groups', title: t('access.groups'), content: <GroupTable /> },
      ]}
    />
  );
}

function useUsers(): { users: readonly User[] | undefined; problem: ReactNode } {
  const { data, error, refetch } = useCall(userList, { full: true });
  if (data) return { users: data, problem: null };
  return { users: undefined, problem: error ? <ErrorNotice error={error} onRetry={refetch} /> : <Loading /> };
}

function UserTable() {
  const t = useT();
  const session = useSession();
  const { users, problem } = useUsers();
  const [removal, setRemoval] = useState<Removal>();
  const [open, setOpen] = useState<OpenUser>();
  if (!users) return problem;
  const entries = (user: User): MenuEntry[] => {
    const { userid } = user;
    const isKept = userid === 'root@pam' || userid === session?.username;
    const remove = () => api.call(userDelete, { userid });
    const removal = { name: userid, body: t('access.removeUserBody'), call: remove };
    return [
      { key: 'edit', label: t('action.edit'), onClick: () => setOpen({ what: 'edit', user }) },
      ...(user['realm-type'] === 'pve'
        ? [
            {
              key: 'password',
              label: t('login.password'),
              onClick: () => setOpen({ what: 'password', user }),
            },
          ]
        : []),
      { key: 'tfa', label: t('access.factorsEntry'), onClick: () => setOpen({ what: 'factors', user }) },
      ...(isKept
        ? []
        : [{ key: 'remove', label: t('action.remove'), danger: true, onClick: () => setRemoval(removal) }]),
    ];
  };
  const columns: Column<User>[] = [
    {
      key: 'userid',
      title: t('column.user'),
      sort: (user) => user.userid,
      render: (user) => <span className="ry-id">{user.userid}</span>,
    },
    {
      key: 'enable',
      title: t('column.status'),
      width: '8rem',
      sort: (user) => user.enable,
      render: (user) => (
        <span className={user.enable === 0 ? 'ry-state-quiet' : 'ry-state-good'}>
          {user.enable === 0 ? t('access.disabled') : t('access.enabled')}
        </span>
      ),
    },
    {
      key: 'name',
      title: t('column.name'),
      wide: true,
      sort: (user) => user.lastname,
      render: (user) => [user.lastname, user.firstname].filter(Boolean).join(' ') || '–',
    },
    { key: 'groups', title: t('access.groups'), wide: true, render: (user) => user.groups || '–' },
    {
      key: 'expire',
      title: t('access.expires'),
      width: '9rem',
      wide: true,
      sort: (user) => user.expire,
      render: (user) => (user.expire ? <Time at={user.expire} /> : t('access.never')),
    },
    { key: 'comment', title: t('access.comment'), wide: true, render: (user) => user.comment ?? '' },
    {
      key: 'actions',
      title: '',
      width: '4rem',
      render: (user) => (
        <RowMenu label={t('access.actionsOf', { name: user.userid })} entries={entries(user)} />
      ),
    },
  ];
  return (
    <>
      <DataTable<User>
        label={t('tab.users')}
        rows={users}
        rowKey={(user) => user.userid}
        filterBy={(user) => [
          user.userid,
          user.firstname,
          user.lastname,
          user.email,
          user.groups,
          user.comment,
        ]}
        initialSort={{ key: 'userid' }}
        columns={columns}
        empty={<Empty title={t('access.noUsers')} />}
        actions={
          <Button size="sm" icon={<PlusIcon />} onClick={() => setOpen('add')}>
            {t('access.addUser')}
          </Button>
        }
      />
      <RemovalDialog removal={removal} onClose={() => setRemoval(undefined)} />
      {open ? <UserDialog open={open} onClose={() => setOpen(undefined)} /> : null}
    </>
  );
}

/** An open dialog: what is done, and with whom. */
type OpenUser = 'add' | { readonly what: 'edit' | 'password' | 'factors'; readonly user: User };

function UserDialog({ open, onClose }: { open: OpenUser; onClose: () => void }) {
  if (open === 'add') return <AddUserDialog onClose={onClose} />;
  const { what, user } = open;
  if (what === 'edit') return <EditUserDialog user={user} onClose={onClose} />;
  if (what === 'password') return <PasswordDialog userid={user.userid} onClose={onClose} />;
  return <UserFactorsDialog userid={user.userid} onClose={onClose} />;
}

function TokenTable() {
  const t = useT();
  const { users, problem } = useUsers();
  const [removal, setRemoval] = useState<Removal>();
  const [adding, setAdding] = useState(false);
  const [renewing, setRenewing] = useState<Token>();
  const [made, setMade] = useState<{ readonly id: string; readonly secret: string }>();
  if (!users) return problem;
  const tokens: Token[] = users.flatMap((user) =>
    (user.tokens ?? []).map((token) => ({ ...token, userid: user.userid })),
  );
  const nameOf = (token: Token) => `${token.userid}!${token.tokenid}`;
  return (
    <>
      <DataTable<Token>
        label={t('access.tokens')}
        rows={tokens}
        rowKey={nameOf}
        filterBy={(token) => [nameOf(token), token.comment]}
        initialSort={{ key: 'id' }}
        columns={[
          {
            key: 'id',
            title: t('access.token'),
            sort: nameOf,
            render: (token) => <span className="ry-id">{nameOf(token)}</span>,
          },
          {
            key: 'privsep',
            title: t('access.privsep'),
            wide: true,
            render: (token) => (token.privsep === 0 ? t('access.fullRights') : t('access.ownRights')),
          },
          {
            key: 'expire',
            title: t('access.expires'),
            width: '9rem',
            wide: true,
            sort: (token) => token.expire,
            render: (token) => (token.expire ? <Time at={token.expire} /> : t('access.never')),
          },
          { key: 'comment', title: t('access.comment'), wide: true, render: (token) => token.comment ?? '' },
          {
            key: 'actions',
            title: '',
            width: 'min(16rem, 50vw)',
            render: (token) => (
              <span className="ry-inline-list">
                <RowButton
                  text={t('rights.newSecret')}
                  label={t('rights.newSecretTitle', { name: nameOf(token) })}
                  onClick={() => setRenewing(token)}
                />
                <RemoveButton
                  name={nameOf(token)}
                  onClick={() =>
                    setRemoval({
                      name: nameOf(token),
                      body: t('access.removeTokenBody'),
                      call: () => api.call(tokenDelete, { userid: token.userid, tokenid: token.tokenid }),
                    })
                  }
                />
              </span>
            ),
          },
        ]}
        empty={<Empty title={t('access.noTokens')}>{t('access.noTokensBody')}</Empty>}
        actions={
          <Button size="sm" icon={<PlusIcon />} onClick={() => setAdding(true)}>
            {t('access.addToken')}
          </Button>
        }
      />
      <RemovalDialog removal={removal} onClose={() => setRemoval(undefined)} />
      {renewing ? (
        <ConfirmDialog
          danger
          title={t('rights.newSecretTitle', { name: nameOf(renewing) })}
          body={t('rights.newSecretBody')}
          confirm={t('rights.newSecret')}
          onClose={() => setRenewing(undefined)}
          onConfirm={() => {
            const { userid, tokenid } = renewing;
            setRenewing(undefined);
            void run(t('rights.newSecretFailed', { name: nameOf(renewing) }), async () => {
              const answer = await api.call(tokenUpdate, { userid, tokenid, regenerate: true });
              setMade({ id: `${userid}!${tokenid}`, secret: answer.value ?? '' });
            });
          }}
        />
      ) : null}
      {made ? <SecretDialog {...made} onClose={() => setMade(undefined)} /> : null}
      {adding ? (
        <AddTokenDialog users={users.map((user) => user.userid)} onClose={() => setAdding(false)} />
      ) : null}
    </>
  );
}
