import { Button } from '@patternfly/react-core';
import PlusIcon from '@patternfly/react-icons/dist/esm/icons/plus-icon';
import type { ResultOf } from '@ryokan/api/method.ts';
import { groupDelete, groupList } from '@ryokan/api/methods/access.ts';
import { useState } from 'react';
import { useCall } from '../../api/query.ts';
import { api } from '../../api/session.ts';
import { DataTable } from '../../components/data-table.tsx';
import { Empty } from '../../components/empty.tsx';
import { ErrorNotice } from '../../components/error-notice.tsx';
import { Loading } from '../../components/loading.tsx';
import { RowButton } from '../../components/value-table.tsx';
import { useT } from '../../i18n/index.ts';
import { AddGroupDialog } from './access-dialogs.tsx';
import { EditGroupDialog } from './edit-dialogs.tsx';
import { type Removal, RemovalDialog, RemoveButton } from './removal.tsx';

type Group = ResultOf<typeof groupList>[number];

export function GroupTable() {
  const t = useT();
  const { data, error, refetch } = useCall(groupList, {});
  const [removal, setRemoval] = useState<Removal>();
  const [adding, setAdding] = useState(false);
  const [editing, setEditing] = useState<Group>();
  if (error && !data) return <ErrorNotice error={error} onRetry={refetch} />;
  if (!data) return <Loading />;
  return (
    <>
      <DataTable<Group>
        label={t('access.groups')}
        rows={data}
        rowKey={(group) => group.groupid}
        filterBy={(group) => [group.groupid, group.comment, group.users]}
        initialSort={{ key: 'groupid' }}
        columns={[
          {
            key: 'groupid',
            title: t('access.group'),
            sort: (group) => group.groupid,
            render: (group) => <span className="ry-id">{group.groupid}</span>,
          },
          { key: 'users', title: t('access.members'), render: (group) => group.users || '–' },
          { key: 'comment', title: t('access.comment'), wide: true, render: (group) => group.comment ?? '' },
          {
            key: 'actions',
            title: '',
            width: 'min(12rem, 34vw)',
            render: (group) => (
              <span className="ry-inline-list">
                <RowButton
                  text={t('action.edit')}
                  label={t('access.editGroup', { group: group.groupid })}
                  onClick={() => setEditing(group)}
                />
                <RemoveButton
                  name={group.groupid}
                  onClick={() =>
                    setRemoval({
                      name: group.groupid,
                      body: t('access.removeGroupBody'),
                      call: () => api.call(groupDelete, { groupid: group.groupid }),
                    })
                  }
                />
              </span>
            ),
          },
        ]}
        empty={<Empty title={t('access.noGroups')}>{t('access.noGroupsBody')}</Empty>}
        actions={
          <Button size="sm" icon={<PlusIcon />} onClick={() => setAdding(true)}>
            {t('access.addGroup')}
          </Button>
        }
      />
      <RemovalDialog removal={removal} onClose={() => setRemoval(undefined)} />
      {adding ? <AddGroupDialog onClose={() => setAdding(false)} /> : null}
      {editing ? <EditGroupDialog group={editing} onClose={() => setEditing(undefined)} /> : null}
    </>
  );
}
