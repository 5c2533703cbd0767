/** The second factors of the person who is logged in. */
import { Button } from '@patternfly/react-core';
import type { ResultOf } from '@ryokan/api/method.ts';
import { tfaUser } from '@ryokan/api/methods/access-tfa.ts';
import { useState } from 'react';
import { useCall } from '../../api/query.ts';
import { useSession } from '../../api/session.ts';
import { DataTable } from '../../components/data-table.tsx';
import { Empty } from '../../components/empty.tsx';
import { ErrorNotice } from '../../components/error-notice.tsx';
import { Loading } from '../../components/loading.tsx';
import { Time } from '../../components/time.tsx';
import { useT } from '../../i18n/index.ts';
import { AddKeyDialog, AddRecoveryDialog, AddTotpDialog, RemoveFactorDialog } from './factor-dialogs.tsx';
import { kindText } from './kinds.ts';

type Factor = ResultOf<typeof tfaUser>[number];
type Open = 'totp' | 'webauthn' | 'recovery' | Factor;

export function Factors() {
  const t = useT();
  const userid = useSession()?.username ?? '';
  const { data, error, refetch } = useCall(tfaUser, { userid });
  const [open, setOpen] = useState<Open>();
  if (error && !data) return <ErrorNotice error={error} onRetry={refetch} />;
  if (!data) return <Loading />;
  const close = () => setOpen(undefined);
  const hasRecovery = data.some(({ type }) => type === 'recovery');
  return (
    <>
      <DataTable<Factor>
        label={t('account.factors')}
        rows={data}
        rowKey={({ id }) => id}
        initialSort={{ key: 'created' }}
        columns={[
          { key: 'type', title: t('account.kind'), render: ({ type }) => kindText(t, type) },
          {
            key: 'description',
            title: t('account.description'),
            render: ({ description, left }) =>
              left === undefined ? description : t('account.keysLeft', { count: left }),
          },
          {
            key: 'created',
            title: t('account.created'),
            width: '10rem',
            wide: true,
            sort: ({ created }) => created,
            render: ({ created }) => <Time at={created} />,
          },
          {
            key: 'actions',
            title: '',
            width: 'min(8rem, 22vw)',
            render: (factor) => (
              <Button
                variant="link"
                size="sm"
                isInline
                isDanger
                aria-label={t('action.removeOf', { device: factor.description || kindText(t, factor.type) })}
                onClick={() => setOpen(factor)}
              >
                {t('action.remove')}
              </Button>
            ),
          },
        ]}
        empty={<Empty title={t('account.noFactors')}>{t('account.noFactorsBody')}</Empty>}
        actions={
          <>
            <Button size="sm" variant="primary" onClick={() => setOpen('totp')}>
              {t('account.addTotp')}
            </Button>
            <Button size="sm" variant="secondary" onClick={() => setOpen('webauthn')}>
              {t('account.addKey')}
            </Button>
            <Button
              size="sm"
              variant="secondary"
              isDisabled={hasRecovery}
              onClick={() => setOpen('recovery')}
            >
              {t('account.addRecovery')}
            </Button>
          </>
        }
      />
      {open === 'totp' ? <AddTotpDialog userid={userid} onClose={close} /> : null}
      {open === 'webauthn' ? <AddKeyDialog userid={userid} onClose={close} /> : null}
      {open === 'recovery' ? <AddRecoveryDialog userid={userid} onClose={close} /> : null}
      {typeof open === 'object' ? <RemoveFactorDialog userid={userid} id={open.id} onClose={close} /> : null}
    </>
  );
}
