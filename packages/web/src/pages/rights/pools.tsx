import { Button, Modal, ModalBody, ModalFooter, ModalHeader } from '@patternfly/react-core';
import PlusIcon from '@patternfly/react-icons/dist/esm/icons/plus-icon';
import type { ResultOf } from '@ryokan/api/method.ts';
import { poolCreate, poolDelete, poolList } from '@ryokan/api/methods/pools.ts';
import { useState } from 'react';
import { invalidate, useCall } from '../../api/query.ts';
import { run } from '../../api/run.ts';
import { api } from '../../api/session.ts';
import { ConfirmDialog } from '../../components/confirm-dialog.tsx';
import { DataTable } from '../../components/data-table.tsx';
import { Empty } from '../../components/empty.tsx';
import { Loaded } from '../../components/loaded.tsx';
import { RowButton } from '../../components/value-table.tsx';
import { TextField } from '../../forms/fields.tsx';
import { FormDialog } from '../../forms/form-dialog.tsx';
import { useT } from '../../i18n/index.ts';
import ObjectPermissions from './object-permissions.tsx';
import { PoolMembers } from './pool-members.tsx';

type Pool = ResultOf<typeof poolList>[number];
type Open =
  | { readonly kind: 'members' | 'permissions' | 'remove'; readonly pool: string }
  | { readonly kind: 'add' };

export default function Pools() {
  const t = useT();
  const answer = useCall(poolList, {});
  const [open, setOpen] = useState<Open>();
  return (
    <>
      <Loaded answer={answer}>
        {(pools) => (
          <DataTable<Pool>
            label={t('rights.pools')}
            rows={pools}
            rowKey={(pool) => pool.poolid}
            filterBy={(pool) => [pool.poolid, pool.comment]}
            initialSort={{ key: 'poolid' }}
            columns={[
              {
                key: 'poolid',
                title: t('rights.pool'),
                sort: (pool) => pool.poolid,
                render: (pool) => <span className="ry-id">{pool.poolid}</span>,
              },
              {
                key: 'comment',
                title: t('access.comment'),
                wide: true,
                render: (pool) => pool.comment ?? '',
              },
              {
                key: 'actions',
                title: '',
                width: 'min(16rem, 60vw)',
                render: (pool) => <PoolButtons pool={pool.poolid} onOpen={setOpen} />,
              },
            ]}
            empty={<Empty title={t('rights.poolsNone')}>{t('rights.poolsNoneBody')}</Empty>}
            actions={
              <Button size="sm" icon={<PlusIcon />} onClick={() => setOpen({ kind: 'add' })}>
                {t('rights.poolAdd')}
              </Button>
            }
          />
        )}
      </Loaded>
      {open ? <PoolDialog open={open} onClose={() => setOpen(undefined)} /> : null}
    </>
  );
}

function PoolButtons({ pool, onOpen }: { pool: string; onOpen: (open: Open) => void }) {
  const t = useT();
  const button = (kind: 'members' | 'permissions' | 'remove', text: string, label: string) => (
    <RowButton text={text} label={label} onClick={() => onOpen({ kind, pool })} />
  );
  return (
    <span className="ry-inline-list">
      {button('members', t('access.members'), t('rights.poolMembers', { pool }))}
      {button('permissions', t('tab.permissions'), `${t('tab.permissions')}: ${pool}`)}
      {button('remove', t('action.remove'), t('action.removeOf', { device: pool }))}
    </span>
  );
}

function PoolDialog({ open, onClose }: { open: Open; onClose: () => void }) {
  const t = useT();
  if (open.kind === 'add') return <AddPool onClose={onClose} />;
  const { pool } = open;
  if (open.kind === 'members') return <PoolMembers pool={pool} onClose={onClose} />;
  if (open.kind === 'remove') {
    return (
      <ConfirmDialog
        danger
        title={t('access.removeTitle', { name: pool })}
        body={t('rights.poolRemoveBody')}
        confirm={t('action.remove')}
        onClose={onClose}
        onConfirm={() => {
          onClose();
          void run(t('access.removeFailed', { name: pool }), async () => {
            await api.call(poolDelete, { poolid: pool });
            await invalidate(poolList);
          });
        }}
      />
    );
  }
  return (
    <Modal variant="large" isOpen onClose={onClose} aria-labelledby="pool-rights-title">
      <ModalHeader title={t('rights.poolPermissions', { pool })} labelId="pool-rights-title" />
      <ModalBody>
        <ObjectPermissions path={`/pool/${pool}`} />
      </ModalBody>
      <ModalFooter>
        <Button variant="secondary" onClick={onClose}>
          {t('action.close')}
        </Button>
      </ModalFooter>
    </Modal>
  );
}

function AddPool({ onClose }: { onClose: () => void }) {
  const t = useT();
  const [poolid, setPoolid] = useState('');
  const [comment, setComment] = useState('');
  return (
    <FormDialog
      title={t('rights.poolAdd')}
      submit={t('access.add')}
      ready={poolid.trim() !== ''}
      onClose={onClose}
      onSubmit={async () => {
        const text = comment.trim();
        await api.call(poolCreate, { poolid: poolid.trim(), ...(text ? { comment: text } : {}) });
        await invalidate(poolList);
      }}
    >
      <TextField
        id="pool-id"
        label={t('rights.pool')}
        help={t('rights.poolHelp')}
        required
        mono
        value={poolid}
        onChange={setPoolid}
      />
      <TextField id="pool-comment" label={t('access.comment')} value={comment} onChange={setComment} />
    </FormDialog>
  );
}
