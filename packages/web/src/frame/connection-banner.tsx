import { Alert } from '@patternfly/react-core';
import { useConnection } from '../api/live.ts';
import { useT } from '../i18n/index.ts';

/** Says that what is on the page may be old. Lies over the page, so that nothing jumps. */
export function ConnectionBanner() {
  const t = useT();
  const connection = useConnection();
  return (
    <div className="ry-connection" role="status">
      {connection === 'lost' ? <Alert isInline variant="warning" title={t('connection.lost')} /> : null}
    </div>
  );
}
