import { Alert } from '@patternfly/react-core';
import { lxcDocument, qemuDocument } from '@ryokan/api/methods/guest-repair.ts';
import { useState } from 'react';
import { nameOf } from '../../api/guest-kinds.ts';
import { invalidate, useCall } from '../../api/query.ts';
import type { Guest } from '../../api/rows.ts';
import { api } from '../../api/session.ts';
import { Loaded } from '../../components/loaded.tsx';
import { AreaField } from '../../forms/fields.tsx';
import { FormDialog } from '../../forms/form-dialog.tsx';
import { useT } from '../../i18n/index.ts';
import { configReads } from './use-entries.ts';

const documents = { qemu: qemuDocument, lxc: lxcDocument } as const;

/** The document of a guest whose configuration cannot be read, with the lines that are wrong, to set it right by hand. */
export default function RepairDialog({ guest, onClose }: { guest: Guest; onClose: () => void }) {
  const t = useT();
  const { node, vmid } = guest;
  const { read, repair } = documents[guest.type];
  const answer = useCall(read, { node, vmid }, { staleTime: 0 });
  const [typed, setTyped] = useState<string>();
  const before = answer.data?.text;
  return (
    <FormDialog
      title={t('repair.title', { name: nameOf(guest) })}
      submit={t('action.save')}
      ready={typed !== undefined && typed !== before}
      wide
      onClose={onClose}
      onSubmit={async () => {
        const digest = answer.data?.digest;
        await api.call(repair, { node, vmid, text: typed ?? '', ...(digest ? { digest } : {}) });
        await invalidate(read, ...configReads);
      }}
    >
      <Loaded answer={answer}>
        {({ text, problems }) => (
          <>
            {problems.length > 0 ? (
              <Alert isInline variant="warning" title={t('repair.problems')}>
                <ul className="ry-id-list">
                  {problems.map((one) => (
                    <li key={one.line}>{t('repair.line', { line: one.line, problem: one.problem })}</li>
                  ))}
                </ul>
              </Alert>
            ) : null}
            <AreaField
              id="document"
              label={t('repair.document')}
              help={t('repair.help')}
              mono
              rows={18}
              value={typed ?? text}
              onChange={setTyped}
            />
          </>
        )}
      </Loaded>
    </FormDialog>
  );
}
