import { poolList } from '@ryokan/api/methods/pools.ts';
import type { ReactNode } from 'react';
import { useNodeNames } from '../../api/hooks.ts';
import { useCall } from '../../api/query.ts';
import { useT } from '../../i18n/index.ts';
import { CheckField, NumberField, SelectField, TextField } from '../fields.tsx';
import { type GuestDraft, type Problems, problemText } from './wizard-state.ts';

/** The part of a wizard that shared steps see. */
export interface GuestWizard {
  readonly draft: GuestDraft;
  readonly change: (part: Partial<GuestDraft>) => void;
  readonly problems: Problems;
}

/** Where the guest is and what it is called; `children`: its name and what else belongs beside it. */
export function GeneralFields({ wizard, children }: { wizard: GuestWizard; children: ReactNode }) {
  const t = useT();
  const { draft, change, problems } = wizard;
  const nodes = useNodeNames();
  const { data: pools = [] } = useCall(poolList, {});
  return (
    <>
      {nodes.length > 1 ? (
        <SelectField
          id="node"
          label={t('column.node')}
          value={draft.node}
          onChange={(node) => change({ node })}
          choices={nodes.map((one) => ({ value: one, label: one }))}
        />
      ) : null}
      <NumberField
        id="vmid"
        label={t('wizard.vmid')}
        required
        min={100}
        max={999_999_999}
        value={draft.vmid}
        onChange={(vmid) => change({ vmid })}
        problem={problemText(problems, 'vmid', t)}
      />
      {children}
      <TextField
        id="tags"
        label={t('guest.tags')}
        help={t('wizard.tagsHelp')}
        value={draft.tags}
        onChange={(tags) => change({ tags })}
        problem={problemText(problems, 'tags', t)}
      />
      {pools.length > 0 ? (
        <SelectField
          id="pool"
          label={t('wizard.pool')}
          value={draft.pool}
          onChange={(pool) => change({ pool })}
          problem={problemText(problems, 'pool', t)}
          choices={[
            { value: '', label: t('wizard.noPool') },
            ...pools.map(({ poolid, comment }) => ({
              value: poolid,
              label: comment ? `${poolid} (${comment})` : poolid,
            })),
          ]}
        />
      ) : null}
      <CheckField
        id="onboot"
        label={t('wizard.onboot')}
        value={draft.onboot}
        onChange={(onboot) => change({ onboot })}
      />
    </>
  );
}
