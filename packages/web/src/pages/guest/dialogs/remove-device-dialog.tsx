import { qemuUnlink } from '@ryokan/api/methods/qemu.ts';
import { useState } from 'react';
import { invalidate } from '../../../api/query.ts';
import { api } from '../../../api/session.ts';
import { AskDialog } from '../../../components/ask-dialog.tsx';
import { CheckField } from '../../../forms/fields.tsx';
import { useT } from '../../../i18n/index.ts';
import { applyChange } from '../apply-change.ts';
import type { DiskDialogProps } from '../device-dialogs.tsx';
import { deviceName } from '../device-text.tsx';
import { hasVolume, volumeOf } from '../hardware-model.ts';
import { configReads } from '../use-entries.ts';

/**
 * Takes a device away. A disk is kept as unused unless the person wants its volume removed; a volume of a container first
 * becomes an unused one.
 */
export function RemoveDeviceDialog({ target, row, onClose }: DiskDialogProps) {
  const t = useT();
  const unused = row.group === 'unused';
  const [destroy, setDestroy] = useState(unused);
  const remove = async () => {
    if (hasVolume(row) && target.type === 'qemu') {
      await api.call(qemuUnlink, { node: target.node, vmid: target.vmid, idlist: row.id, force: destroy });
      await invalidate(...configReads);
    } else await applyChange(target, { delete: row.id }, false);
  };
  const confirm = destroy ? 'hardware.removeVolume' : hasVolume(row) ? 'hardware.detach' : 'action.remove';
  const what = destroy
    ? 'hardware.volumeGoes'
    : hasVolume(row)
      ? 'hardware.volumeStays'
      : row.group === 'cloudinit'
        ? 'cloudinit.driveGoes'
        : 'hardware.deviceGoes';
  return (
    <AskDialog
      title={t('hardware.removeTitle', { device: deviceName(row, t) })}
      confirm={t(confirm)}
      onClose={onClose}
      run={remove}
    >
      {hasVolume(row) ? <p className="ry-id">{volumeOf(row)?.volid}</p> : null}
      <p>{t(what)}</p>
      {hasVolume(row) && !unused && target.type === 'qemu' ? (
        <CheckField id="destroy" label={t('hardware.alsoVolume')} value={destroy} onChange={setDestroy} />
      ) : null}
    </AskDialog>
  );
}
