import { Checkbox } from '@patternfly/react-core';
import { qemuConfigGet, qemuPending, qemuUnlink } from '@ryokan/api/methods/qemu.ts';
import { useState } from 'react';
import { invalidate } from '../../api/query.ts';
import { api } from '../../api/session.ts';
import { ConfirmDialog } from '../../components/confirm-dialog.tsx';
import { ErrorNotice } from '../../components/error-notice.tsx';
import { useT } from '../../i18n/index.ts';
import { applyChange, type DialogTarget } from './config-dialog.tsx';
import { deviceName } from './device-text.tsx';
import { driveText, type HardwareRow } from './hardware-model.ts';

/** Takes a device away. A disk is kept as unused unless the person wants its volume removed. */
export default function RemoveDeviceDialog(props: {
  target: DialogTarget;
  row: HardwareRow;
  onClose: () => void;
}) {
  const t = useT();
  const { target, row } = props;
  const unused = row.group === 'unused';
  const isDisk = row.group === 'disk' || row.group === 'efidisk' || row.group === 'tpm';
  const [destroy, setDestroy] = useState(unused);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>();
  const volume = driveText(row.id, row.now[row.id] ?? row.next[row.id] ?? '').main;
  const remove = async () => {
    setBusy(true);
    setError(undefined);
    try {
      if (isDisk || unused) {
        await api.call(qemuUnlink, { node: target.node, vmid: target.vmid, idlist: row.id, force: destroy });
        await invalidate(qemuConfigGet, qemuPending);
      } else await applyChange(target, { delete: row.id }, false);
      props.onClose();
    } catch (failure) {
      setError(failure);
      setBusy(false);
    }
  };
  return (
    <ConfirmDialog
      danger
      busy={busy}
      title={t('hardware.removeTitle', { device: deviceName(row, t) })}
      confirm={destroy ? t('hardware.removeVolume') : isDisk ? t('hardware.detach') : t('hardware.remove')}
      onClose={props.onClose}
      onConfirm={remove}
      body={
        <div className="ry-form-rows">
          {error ? <ErrorNotice error={error} /> : null}
          {isDisk || unused ? <p className="ry-id">{volume}</p> : null}
          <p>
            {destroy
              ? t('hardware.volumeGoes')
              : isDisk
                ? t('hardware.volumeStays')
                : t('hardware.deviceGoes')}
          </p>
          {isDisk ? (
            <Checkbox
              id="destroy"
              label={t('hardware.alsoVolume')}
              isChecked={destroy}
              onChange={(_, checked) => setDestroy(checked)}
            />
          ) : null}
        </div>
      }
    />
  );
}
