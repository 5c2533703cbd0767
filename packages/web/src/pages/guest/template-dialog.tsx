import { Alert } from '@patternfly/react-core';
import { nameOf } from '../../api/guest-kinds.ts';
import { useGuestConfig } from '../../api/hooks.ts';
import { useCall } from '../../api/query.ts';
import type { Guest } from '../../api/rows.ts';
import { api } from '../../api/session.ts';
import { AskDialog } from '../../components/ask-dialog.tsx';
import { useT } from '../../i18n/index.ts';
import { volumesOf } from './config-model.ts';
import { copyCalls } from './copy-calls.ts';
import { currentName, type Snapshot } from './snapshots/snapshot-tree.ts';

/** Making a template: there is no way back, and a guest with snapshots cannot become one. */
export default function TemplateDialog({ guest, onClose }: { guest: Guest; onClose: () => void }) {
  const t = useT();
  const { node, vmid } = guest;
  const config = useGuestConfig(guest);
  const { data } = useCall(copyCalls(guest).snapshots, { node, vmid });
  const list: readonly Snapshot[] = data ?? [];
  const snapshots = list.filter((one) => one.name !== currentName);
  const volumes = config.data ? volumesOf(config.data) : [];
  return (
    <AskDialog
      title={t('template.title', { name: nameOf(guest) })}
      confirm={t('template.submit')}
      disabled={snapshots.length > 0}
      onClose={onClose}
      run={() => api.call(copyCalls(guest).template, { node, vmid })}
    >
      {snapshots.length > 0 ? (
        <Alert isInline variant="danger" title={t('template.snapshots')}>
          {snapshots.map((one) => one.name).join(', ')}
        </Alert>
      ) : null}
      <p>{t('template.body')}</p>
      <ul className="ry-id-list">
        {volumes.map((volume) => (
          <li key={volume.key}>
            <span className="ry-id">{volume.volid}</span> {volume.size ?? ''}
          </li>
        ))}
      </ul>
    </AskDialog>
  );
}
