import { Button } from '@patternfly/react-core';
import PlusIcon from '@patternfly/react-icons/dist/esm/icons/plus-icon';
import type { ResultOf } from '@ryokan/api/method.ts';
import { accessRealmDelete, accessRealms } from '@ryokan/api/methods/access-realms.ts';
import { useState } from 'react';
import { invalidate, useCall } from '../../../api/query.ts';
import { run } from '../../../api/run.ts';
import { api, may } from '../../../api/session.ts';
import { ConfirmDialog } from '../../../components/confirm-dialog.tsx';
import { type Column, DataTable } from '../../../components/data-table.tsx';
import { Empty } from '../../../components/empty.tsx';
import { Loaded } from '../../../components/loaded.tsx';
import { type MenuEntry, RowMenu } from '../../../components/row-menu.tsx';
import { type Translate, useT } from '../../../i18n/index.ts';
import { Sections } from '../section.tsx';
import { AddRealmDialog, EditRealmDialog } from './realm-dialogs.tsx';
import './realms.css';
import { addableTypes, isDirectory, typeNames } from './realm-draft.ts';
import { SyncDialog } from './sync-dialog.tsx';
import { SyncJobs } from './sync-jobs.tsx';

type Realm = ResultOf<typeof accessRealms>[number];

/** An open dialog: what is done, and with which realm. */
interface Open {
  readonly what: 'add' | 'edit' | 'sync' | 'remove';
  readonly realm: string;
}

function typeName(type: string, t: Translate): string {
  if (type === 'pam') return t('realms.type.pam');
  if (type === 'pve') return t('realms.type.pve');
  const known = addableTypes.find((one) => one === type);
  return known ? typeNames[known] : type;
}

/** Where users log in, and when the users of directories are fetched. */
export default function Realms() {
  const t = useT();
  if (!may('dc', 'Sys.Audit')) return <RealmTable />;
  return (
    <Sections
      label={t('tab.realms')}
      sections={[
        { key: 'realms', title: t('tab.realms'), content: <RealmTable /> },
        { key: 'jobs', title: t('realms.jobs'), content: <SyncJobs /> },
      ]}
    />
  );
}

/** The node itself, directories, OpenID providers. */
function RealmTable() {
  const t = useT();
  const answer = useCall(accessRealms, {});
  const [open, setOpen] = useState<Open>();
  const entries = ({ realm, type }: Realm): MenuEntry[] => [
    ...(isDirectory(type)
      ? [{ key: 'sync', label: t('realms.syncEntry'), onClick: () => setOpen({ what: 'sync', realm }) }]
      : []),
    { key: 'edit', label: t('action.edit'), onClick: () => setOpen({ what: 'edit', realm }) },
    ...(type === 'pam' || type === 'pve'
      ? []
      : [
          {
            key: 'remove',
            label: t('action.remove'),
            danger: true,
            onClick: () => setOpen({ what: 'remove', realm }),
          },
        ]),
  ];
  const columns: Column<Realm>[] = [
    { key: 'realm', title: t('login.realm'), render: ({ realm }) => <span className="ry-id">{realm}</span> },
    {
      key: 'type',
      title: t('realms.type'),
      render: ({ type }) => typeName(type, t),
    },
    { key: 'comment', title: t('access.comment'), wide: true, render: ({ comment }) => comment ?? '' },
    {
      key: 'default',
      title: t('realms.preselected'),
      width: '9rem',
      wide: true,
      render: (realm) => (realm.default ? t('realms.yes') : ''),
    },
    {
      key: 'actions',
      title: '',
      width: '4rem',
      render: (realm) => (
        <RowMenu label={t('realms.actionsOf', { realm: realm.realm })} entries={entries(realm)} />
      ),
    },
  ];
  return (
    <Loaded answer={answer}>
      {(realms) => (
        <>
          <DataTable<Realm>
            label={t('tab.realms')}
            rows={realms}
            rowKey={({ realm }) => realm}
            columns={columns}
            empty={<Empty title={t('realms.none')} />}
            actions={
              <Button size="sm" icon={<PlusIcon />} onClick={() => setOpen({ what: 'add', realm: '' })}>
                {t('realms.add')}
              </Button>
            }
          />
          {open ? <OpenDialog open={open} onClose={() => setOpen(undefined)} /> : null}
        </>
      )}
    </Loaded>
  );
}

function OpenDialog({ open: { what, realm }, onClose }: { open: Open; onClose: () => void }) {
  const t = useT();
  if (what === 'add') return <AddRealmDialog onClose={onClose} />;
  if (what === 'edit') return <EditRealmDialog realm={realm} onClose={onClose} />;
  if (what === 'sync') return <SyncDialog realm={realm} onClose={onClose} />;
  return (
    <ConfirmDialog
      danger
      title={t('access.removeTitle', { name: realm })}
      body={t('realms.removeBody', { realm })}
      confirm={t('action.remove')}
      onClose={onClose}
      onConfirm={() => {
        onClose();
        void run(t('access.removeFailed', { name: realm }), async () => {
          await api.call(accessRealmDelete, { realm });
          await invalidate(accessRealms);
        });
      }}
    />
  );
}
