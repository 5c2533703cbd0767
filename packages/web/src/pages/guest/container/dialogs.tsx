/** Which form a resource or card of a container has. Loaded when the first dialog opens. */
import type { DeviceDialogProps, DeviceDialogsProps } from '../device-dialogs.tsx';
import { MoveDiskDialog } from '../dialogs/move-disk-dialog.tsx';
import { ReassignDialog } from '../dialogs/reassign-dialog.tsx';
import { RemoveDeviceDialog } from '../dialogs/remove-device-dialog.tsx';
import { ResizeDialog } from '../dialogs/resize-dialog.tsx';
import { TextDialog } from '../dialogs/text-dialog.tsx';
import { CardDialog } from './card-dialog.tsx';
import { CpuDialog, MemoryDialog } from './limit-dialogs.tsx';
import { AddMountDialog, EditMountDialog } from './mount-dialogs.tsx';
import { NodeDeviceDialog } from './node-device-dialog.tsx';

export default function ContainerDialogs({ open, ...rest }: DeviceDialogsProps) {
  switch (open.mode) {
    case 'remove':
      return <RemoveDeviceDialog {...rest} row={open.row} />;
    case 'resize':
      return <ResizeDialog {...rest} row={open.row} />;
    case 'edit':
      return <ResourceForm {...rest} group={open.row.group} row={open.row} />;
    case 'move':
      return <MoveDiskDialog {...rest} row={open.row} />;
    case 'reassign':
      return <ReassignDialog {...rest} row={open.row} />;
    default:
      return <ResourceForm {...rest} group={open.group} row={undefined} />;
  }
}

function ResourceForm(props: DeviceDialogProps) {
  const { row } = props;
  switch (props.group) {
    case 'memory':
    case 'swap':
      return <MemoryDialog {...props} />;
    case 'cpu':
      return <CpuDialog {...props} />;
    case 'rootfs':
      return row ? <EditMountDialog {...props} row={row} /> : null;
    case 'mountpoint':
      return row ? <EditMountDialog {...props} row={row} /> : <AddMountDialog {...props} />;
    case 'unused':
      return <AddMountDialog {...props} />;
    case 'device':
      return <NodeDeviceDialog {...props} />;
    case 'card':
      return <CardDialog {...props} />;
    default:
      return row ? <TextDialog {...props} row={row} /> : null;
  }
}
