import { Button } from '@patternfly/react-core';
import { useNavigate } from 'react-router';
import { may } from '../api/session.ts';
import { useT } from '../i18n/index.ts';
import { Empty } from './empty.tsx';

/** Where the first guest is still to be made, on a node or anywhere. */
export function NoGuests({ node }: { node?: string }) {
  const t = useT();
  const navigate = useNavigate();
  const query = node ? `?${new URLSearchParams({ node })}` : '';
  return (
    <Empty
      title={t('summary.noGuests')}
      action={
        may('vms', 'VM.Allocate') ? (
          <>
            <Button onClick={() => navigate(`/create/qemu${query}`)}>{t('create.vm')}</Button>
            <Button variant="secondary" onClick={() => navigate(`/create/lxc${query}`)}>
              {t('create.container')}
            </Button>
          </>
        ) : null
      }
    >
      {t('summary.firstGuest')}
    </Empty>
  );
}
