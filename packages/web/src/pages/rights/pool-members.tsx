import { poolList, poolUpdate } from '@ryokan/api/methods/pools.ts';
import { useState } from 'react';
import { invalidate, useCall } from '../../api/query.ts';
import { run } from '../../api/run.ts';
import { api } from '../../api/session.ts';
import { Loaded } from '../../components/loaded.tsx';
import { RowButton } from '../../components/value-table.tsx';
import { CheckField, TextField } from '../../forms/fields.tsx';
import { FormDialog } from '../../forms/form-dialog.tsx';
import { useT } from '../../i18n/index.ts';

/** What is in a pool; takes members in and lets them go. */
export function PoolMembers({ pool, onClose }: { pool: string; onClose: () => void }) {
  const t = useT();
  const answer = useCall(poolList, { poolid: pool });
  const [vms, setVms] = useState('');
  const [storage, setStorage] = useState('');
  const [move, setMove] = useState(false);
  const change = async (parameters: {
    vms?: string;
    storage?: string;
    delete?: true;
    'allow-move'?: true;
  }) => {
    await api.call(poolUpdate, { poolid: pool, ...parameters });
    await invalidate(poolList);
  };
  const letGo = (name: string, member: { vms: string } | { storage: string }) =>
    void run(t('access.removeFailed', { name }), () => change({ ...member, delete: true }));
  return (
    <FormDialog
      title={t('rights.poolMembers', { pool })}
      submit={t('access.add')}
      ready={vms.trim() !== '' || storage.trim() !== ''}
      onClose={onClose}
      onSubmit={() =>
        change({
          ...(vms.trim() ? { vms: vms.trim() } : {}),
          ...(storage.trim() ? { storage: storage.trim() } : {}),
          ...(move ? { 'allow-move': true } : {}),
        })
      }
    >
      <Loaded answer={answer}>
        {([whole]) => (
          <ul className="ry-word-list">
            {(whole?.members ?? []).map((member) => {
              const name =
                member.vmid === undefined ? (member.storage ?? '') : `${member.vmid} ${nameOf(member)}`;
              const what = member.vmid === undefined ? { storage: name } : { vms: String(member.vmid) };
              return (
                <li key={member.id}>
                  <span className="ry-inline-list">
                    <span className="ry-id">{name.trim()}</span>
                    <RowButton
                      text={t('action.remove')}
                      label={t('action.removeOf', { device: name.trim() })}
                      onClick={() => letGo(name.trim(), what)}
                    />
                  </span>
                </li>
              );
            })}
            {whole?.members?.length ? null : <li className="ry-subtle">–</li>}
          </ul>
        )}
      </Loaded>
      <TextField
        id="pool-vms"
        label={t('rights.poolVms')}
        placeholder="100,101"
        mono
        value={vms}
        onChange={setVms}
      />
      <TextField
        id="pool-storage"
        label={t('rights.poolStorages')}
        placeholder="local"
        mono
        value={storage}
        onChange={setStorage}
      />
      <CheckField id="pool-move" label={t('rights.poolMove')} value={move} onChange={setMove} />
    </FormDialog>
  );
}

const nameOf = (member: Readonly<Record<string, unknown>>): string =>
  typeof member.name === 'string' ? member.name : '';
