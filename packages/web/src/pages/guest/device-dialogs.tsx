/** Which form a device has. Loaded when the first dialog opens. */

import type { DialogTarget } from './apply-change.ts';
import type { DeviceGroup } from './config-model.ts';
import { CdromDialog } from './dialogs/cdrom-dialog.tsx';
import CloudInitDriveDialog from './dialogs/cloudinit-drive-dialog.tsx';
import { DirectoryDialog } from './dialogs/directory-dialog.tsx';
import { AddDiskDialog, EditDiskDialog } from './dialogs/disk-dialog.tsx';
import { EfiDialog } from './dialogs/efi-dialog.tsx';
import { MemoryDialog } from './dialogs/memory-dialog.tsx';
import { MoveDiskDialog } from './dialogs/move-disk-dialog.tsx';
import { NetworkDialog } from './dialogs/network-dialog.tsx';
import { PciDialog } from './dialogs/pci-dialog.tsx';
import { ProcessorDialog } from './dialogs/processor-dialog.tsx';
import { PropertyDialog, propertyDevices } from './dialogs/property-dialog.tsx';
import { ReassignDialog } from './dialogs/reassign-dialog.tsx';
import { RemoveDeviceDialog } from './dialogs/remove-device-dialog.tsx';
import { ResizeDialog } from './dialogs/resize-dialog.tsx';
import { BiosDialog, MachineDialog, PortDialog, ScsiDialog } from './dialogs/simple-dialogs.tsx';
import { TextDialog } from './dialogs/text-dialog.tsx';
import { TpmDialog } from './dialogs/tpm-dialog.tsx';
import { UsbDialog } from './dialogs/usb-dialog.tsx';
import type { HardwareRow } from './hardware-model.ts';
import type { Entries } from './use-entries.ts';

export interface DeviceDialogProps {
  readonly group: DeviceGroup;
  /** The device that is edited; undefined while adding one. */
  readonly row: HardwareRow | undefined;
  readonly target: DialogTarget;
  readonly entries: Entries;
  readonly onClose: () => void;
}

/** Dialogs about a disk as a whole, or about taking a device away. */
export interface DiskDialogProps {
  readonly row: HardwareRow;
  readonly target: DialogTarget;
  readonly onClose: () => void;
}

export type OpenDialog =
  | { readonly mode: 'add'; readonly group: DeviceGroup }
  | { readonly mode: 'edit' | 'remove' | 'resize' | 'move' | 'reassign'; readonly row: HardwareRow };

/** What the forms of a table of devices are given. */
export interface DeviceDialogsProps {
  readonly open: OpenDialog;
  readonly target: DialogTarget;
  readonly entries: Entries;
  readonly onClose: () => void;
}

export default function DeviceDialogs({ open, ...rest }: DeviceDialogsProps) {
  switch (open.mode) {
    case 'remove':
      return <RemoveDeviceDialog {...rest} row={open.row} />;
    case 'resize':
      return <ResizeDialog {...rest} row={open.row} />;
    case 'move':
      return <MoveDiskDialog {...rest} row={open.row} />;
    case 'reassign':
      return <ReassignDialog {...rest} row={open.row} />;
    case 'edit':
      return <DeviceForm {...rest} group={open.row.group} row={open.row} />;
    default:
      return <DeviceForm {...rest} group={open.group} row={undefined} />;
  }
}

function DeviceForm(props: DeviceDialogProps) {
  switch (props.group) {
    case 'memory':
      return <MemoryDialog {...props} />;
    case 'processor':
      return <ProcessorDialog {...props} />;
    case 'bios':
      return <BiosDialog {...props} />;
    case 'machine':
      return <MachineDialog {...props} />;
    case 'scsihw':
      return <ScsiDialog {...props} />;
    case 'disk':
      return props.row ? <EditDiskDialog {...props} row={props.row} /> : <AddDiskDialog {...props} />;
    case 'unused':
      return <AddDiskDialog {...props} />;
    case 'cdrom':
      return <CdromDialog {...props} />;
    case 'cloudinit':
      return <CloudInitDriveDialog {...props} />;
    case 'network':
      return <NetworkDialog {...props} />;
    case 'efidisk':
      return <EfiDialog {...props} />;
    case 'tpm':
      return <TpmDialog {...props} />;
    case 'serial':
    case 'parallel':
      return <PortDialog {...props} family={props.group} />;
    case 'usb':
      return <UsbDialog {...props} />;
    case 'pci':
      return <PciDialog {...props} />;
    case 'directory':
      return <DirectoryDialog {...props} />;
    case 'display':
    case 'rng':
    case 'audio':
    case 'watchdog':
    case 'sharedmemory':
    case 'numanode':
      return <PropertyDialog {...props} device={propertyDevices[props.group]} />;
    default:
      return props.row ? <TextDialog {...props} row={props.row} /> : null;
  }
}
