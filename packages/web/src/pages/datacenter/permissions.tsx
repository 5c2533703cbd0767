import { Button } from '@patternfly/react-core';
import PlusIcon from '@patternfly/react-icons/dist/esm/icons/plus-icon';
import type { ResultOf } from '@ryokan/api/method.ts';
import { aclList, aclUpdate, roleDelete, roleList } from '@ryokan/api/methods/access.ts';
import { useState } from 'react';
import { invalidate, useCall } from '../../api/query.ts';
import { run } from '../../api/run.ts';
import { api } from '../../api/session.ts';
import { ConfirmDialog } from '../../components/confirm-dialog.tsx';
import { DataTable } from '../../components/data-table.tsx';
import { Empty } from '../../components/empty.tsx';
import { ErrorNotice } from '../../components/error-notice.tsx';
import { Loading } from '../../components/loading.tsx';
import { RowButton } from '../../components/value-table.tsx';
import { useT } from '../../i18n/index.ts';
import { AddPermissionDialog } from '../rights/add-permission.tsx';
import { roleText } from '../rights/names.ts';
import { RoleDetails } from '../rights/role-details.tsx';
import { RoleDialog } from '../rights/role-dialog.tsx';
import { Sections } from './section.tsx';

type Rule = ResultOf<typeof aclList>[number];
type Role = ResultOf<typeof roleList>[number];

export default function Permissions() {
  const t = useT();
  return (
    <Sections
      label={t('tab.permissions')}
      sections={[
        { key: 'rules', title: t('tab.permissions'), content: <RuleTable /> },
        { key: 'roles', title: t('access.roles'), content: <RoleTable /> },
      ]}
    />
  );
}

function RuleTable() {
  const t = useT();
  const { data, error, refetch } = useCall(aclList, {});
  const [adding, setAdding] = useState(false);
  const [removing, setRemoving] = useState<Rule>();
  if (error && !data) return <ErrorNotice error={error} onRetry={refetch} />;
  if (!data) return <Loading />;
  const kinds = { user: t('column.user'), group: t('access.group'), token: t('access.token') } as const;
  const text = (rule: Rule) => `${rule.path} · ${rule.ugid} · ${rule.roleid}`;
  const remove = (rule: Rule) =>
    run(t('access.removeFailed', { name: text(rule) }), async () => {
      const subject = { user: 'users', group: 'groups', token: 'tokens' }[rule.type];
      await api.call(aclUpdate, { path: rule.path, roles: rule.roleid, delete: true, [subject]: rule.ugid });
      await invalidate(aclList);
    });
  return (
    <>
      <DataTable<Rule>
        label={t('tab.permissions')}
        rows={data}
        rowKey={(rule) => `${rule.path} ${rule.type} ${rule.ugid} ${rule.roleid}`}
        filterBy={(rule) => [rule.path, rule.ugid, rule.roleid]}
        initialSort={{ key: 'path' }}
        columns={[
          {
            key: 'path',
            title: t('access.path'),
            sort: (rule) => rule.path,
            render: (rule) => <span className="ry-id">{rule.path}</span>,
          },
          {
            key: 'type',
            title: t('access.subject'),
            width: '9rem',
            wide: true,
            sort: (rule) => rule.type,
            render: (rule) => kinds[rule.type],
          },
          {
            key: 'ugid',
            title: t('access.who'),
            sort: (rule) => rule.ugid,
            render: (rule) => <span className="ry-id">{rule.ugid}</span>,
          },
          {
            key: 'roleid',
            title: t('access.role'),
            sort: (rule) => rule.roleid,
            render: (rule) => rule.roleid,
          },
          {
            key: 'propagate',
            title: t('access.propagateColumn'),
            width: '10rem',
            wide: true,
            render: (rule) => (rule.propagate ? t('word.yes') : t('word.no')),
          },
          {
            key: 'actions',
            title: '',
            width: 'min(7rem, 22vw)',
            render: (rule) => (
              <Button
                variant="link"
                size="sm"
                isInline
                isDanger
                aria-label={t('action.removeOf', { device: text(rule) })}
                onClick={() => setRemoving(rule)}
              >
                {t('action.remove')}
              </Button>
            ),
          },
        ]}
        empty={<Empty title={t('access.noRules')}>{t('access.noRulesBody')}</Empty>}
        actions={
          <Button size="sm" icon={<PlusIcon />} onClick={() => setAdding(true)}>
            {t('access.addPermission')}
          </Button>
        }
      />
      {adding ? <AddPermissionDialog onClose={() => setAdding(false)} /> : null}
      {removing ? (
        <ConfirmDialog
          danger
          title={t('access.removeTitle', { name: text(removing) })}
          body={t('access.removeRuleBody')}
          confirm={t('action.remove')}
          onClose={() => setRemoving(undefined)}
          onConfirm={() => {
            setRemoving(undefined);
            void remove(removing);
          }}
        />
      ) : null}
    </>
  );
}

function RoleTable() {
  const t = useT();
  const [shown, setShown] = useState<Role>();
  const [edited, setEdited] = useState<Role | 'new'>();
  const [removing, setRemoving] = useState<Role>();
  const { data, error, refetch } = useCall(roleList, {});
  if (error && !data) return <ErrorNotice error={error} onRetry={refetch} />;
  if (!data) return <Loading />;
  return (
    <>
      <DataTable<Role>
        label={t('access.roles')}
        rows={data}
        rowKey={(role) => role.roleid}
        filterBy={(role) => [role.roleid, role.privs]}
        initialSort={{ key: 'roleid' }}
        columns={[
          {
            key: 'roleid',
            title: t('access.role'),
            width: 'min(16rem, 45vw)',
            sort: (role) => role.roleid,
            render: (role) => (
              <Button
                variant="link"
                isInline
                className="ry-id"
                aria-label={t('rights.roleOf', { role: role.roleid })}
                onClick={() => setShown(role)}
              >
                {role.roleid}
              </Button>
            ),
          },
          { key: 'what', title: t('rights.what'), render: (role) => roleText(t, role.roleid) },
          {
            key: 'special',
            title: t('access.builtin'),
            width: '8rem',
            wide: true,
            sort: (role) => role.special ?? 0,
            render: (role) => (role.special ? t('word.yes') : t('word.no')),
          },
          {
            key: 'privs',
            title: t('access.privileges'),
            wide: true,
            render: (role) => (
              <span title={(role.privs ?? '').replaceAll(',', ', ')}>
                {(role.privs ?? '').replaceAll(',', ', ')}
              </span>
            ),
          },
          {
            key: 'actions',
            title: '',
            width: 'min(12rem, 34vw)',
            render: (role) =>
              role.special ? null : (
                <span className="ry-inline-list">
                  <RowButton
                    text={t('action.edit')}
                    label={t('access.editRole', { role: role.roleid })}
                    onClick={() => setEdited(role)}
                  />
                  <RowButton
                    text={t('action.remove')}
                    label={t('action.removeOf', { device: role.roleid })}
                    onClick={() => setRemoving(role)}
                  />
                </span>
              ),
          },
        ]}
        empty={<Empty title={t('access.noRoles')} />}
        actions={
          <Button size="sm" icon={<PlusIcon />} onClick={() => setEdited('new')}>
            {t('access.addRole')}
          </Button>
        }
      />
      {edited ? (
        <RoleDialog
          {...(edited === 'new' ? {} : { role: edited.roleid, privs: edited.privs ?? '' })}
          onClose={() => setEdited(undefined)}
        />
      ) : null}
      {removing ? <RemoveRoleDialog role={removing.roleid} onClose={() => setRemoving(undefined)} /> : null}
      {shown ? (
        <RoleDetails role={shown.roleid} privs={shown.privs ?? ''} onClose={() => setShown(undefined)} />
      ) : null}
    </>
  );
}

function RemoveRoleDialog({ role, onClose }: { role: string; onClose: () => void }) {
  const t = useT();
  return (
    <ConfirmDialog
      danger
      title={t('access.removeTitle', { name: role })}
      body={t('access.removeRoleBody')}
      confirm={t('action.remove')}
      onClose={onClose}
      onConfirm={() => {
        onClose();
        void run(t('access.removeFailed', { name: role }), async () => {
          await api.call(roleDelete, { roleid: role });
          await invalidate(roleList, aclList);
        });
      }}
    />
  );
}
