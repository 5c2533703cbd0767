import { Button } from '@patternfly/react-core';
import PlusIcon from '@patternfly/react-icons/dist/esm/icons/plus-icon';
import { ApiError } from '@ryokan/api/client.ts';
import type { ResultOf } from '@ryokan/api/method.ts';
import { permissionWho } from '@ryokan/api/methods/access-why.ts';
import { useState } from 'react';
import { useCall } from '../../api/query.ts';
import { useSession } from '../../api/session.ts';
import { DataTable } from '../../components/data-table.tsx';
import { Empty } from '../../components/empty.tsx';
import { Loaded } from '../../components/loaded.tsx';
import { type Translate, useT } from '../../i18n/index.ts';
import { AddPermissionDialog } from './add-permission.tsx';
import { WhyDialog } from './why-dialog.tsx';

type Row = ResultOf<typeof permissionWho>[number];

type Open = { readonly kind: 'add' } | { readonly kind: 'why'; readonly userid: string };

/** Who can do what to one object, by which rule, and one more permission for somebody. */
export default function ObjectPermissions({ path }: { path: string }) {
  const answer = useCall(permissionWho, { path });
  const [open, setOpen] = useState<Open>();
  const refused = answer.error instanceof ApiError && answer.error.code === 'forbidden';
  return (
    <>
      {refused ? (
        <OwnOnly onWhy={(userid) => setOpen({ kind: 'why', userid })} />
      ) : (
        <Loaded answer={answer}>{(rows) => <PeopleTable rows={rows} onOpen={setOpen} />}</Loaded>
      )}
      {open?.kind === 'add' ? <AddPermissionDialog path={path} onClose={() => setOpen(undefined)} /> : null}
      {open?.kind === 'why' ? (
        <WhyDialog userid={open.userid} path={path} onClose={() => setOpen(undefined)} />
      ) : null}
    </>
  );
}

function OwnOnly({ onWhy }: { onWhy: (userid: string) => void }) {
  const t = useT();
  const session = useSession();
  return (
    <Empty title={t('rights.noOverview')}>
      <p>{t('rights.noOverviewBody')}</p>
      <Button variant="secondary" onClick={() => onWhy(session?.username ?? '')}>
        {t('rights.why')}
      </Button>
    </Empty>
  );
}

function PeopleTable({ rows, onOpen }: { rows: readonly Row[]; onOpen: (open: Open) => void }) {
  const t = useT();
  return (
    <div className="ry-sections">
      <p className="ry-subtle ry-page-note">{t('rights.intro')}</p>
      <DataTable<Row>
        label={t('tab.permissions')}
        rows={rows}
        rowKey={(row) => row.userid}
        filterBy={(row) => [row.userid, rolesOf(t, row), ...row.rules.map((rule) => rule.ugid)]}
        initialSort={{ key: 'userid' }}
        columns={[
          {
            key: 'userid',
            title: t('access.who'),
            sort: (row) => row.userid,
            render: (row) => (
              <span className="ry-inline-list">
                <span className="ry-id">{row.userid}</span>
                {row.enabled ? null : <span className="ry-state-quiet">{t('access.disabled')}</span>}
              </span>
            ),
          },
          {
            key: 'role',
            title: t('access.role'),
            sort: (row) => rolesOf(t, row),
            render: (row) => rolesOf(t, row),
          },
          {
            key: 'from',
            title: t('rights.from'),
            wide: true,
            render: (row) => <span title={sourcesOf(t, row)}>{sourcesOf(t, row)}</span>,
          },
          {
            key: 'actions',
            title: '',
            width: 'min(7rem, 22vw)',
            render: (row) => (
              <Button
                variant="link"
                size="sm"
                isInline
                aria-label={t('rights.whyOf', { user: row.userid })}
                onClick={() => onOpen({ kind: 'why', userid: row.userid })}
              >
                {t('rights.why')}
              </Button>
            ),
          },
        ]}
        empty={<Empty title={t('rights.nobody')} />}
        actions={
          <Button size="sm" icon={<PlusIcon />} onClick={() => onOpen({ kind: 'add' })}>
            {t('access.addPermission')}
          </Button>
        }
      />
    </div>
  );
}

/** The roles that apply; root@pam and tokens with all rights of their user have no rules of their own. */
function rolesOf(t: Translate, row: Row): string {
  if (row.rules.length > 0) return [...new Set(row.rules.map((rule) => rule.roleid))].join(', ');
  return t(row.type === 'token' ? 'rights.asUser' : 'rights.all');
}

function sourcesOf(t: Translate, row: Row): string {
  const texts = row.rules.map((rule) => {
    const { path, ugid: group, pool } = rule;
    const where =
      rule.type === 'group' ? t('rights.fromGroup', { group, path }) : t('rights.fromUser', { path });
    return pool === undefined ? where : `${where} (${t('rights.fromPool', { pool })})`;
  });
  return [...new Set(texts)].join('; ');
}
