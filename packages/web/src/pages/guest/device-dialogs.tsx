/** Which form a device has. Loaded when the first dialog opens. */

import type { DialogTarget } from './config-dialog.tsx';
import type { ConfigEntry, DeviceGroup } from './config-model.ts';
import { CdromDialog } from './dialogs/cdrom-dialog.tsx';
import { AddDiskDialog, EditDiskDialog } from './dialogs/disk-dialog.tsx';
import { EfiDialog } from './dialogs/efi-dialog.tsx';
import { MemoryDialog } from './dialogs/memory-dialog.tsx';
import { NetworkDialog } from './dialogs/network-dialog.tsx';
import { ProcessorDialog } from './dialogs/processor-dialog.tsx';
import {
  BiosDialog,
  DisplayDialog,
  MachineDialog,
  RngDialog,
  ScsiDialog,
  SerialDialog,
  TextDialog,
} from './dialogs/simple-dialogs.tsx';
import type { HardwareRow } from './hardware-model.ts';

export interface DeviceDialogProps {
  readonly mode: 'add' | 'edit';
  readonly group: DeviceGroup;
  /** The device that is edited; undefined while adding one. */
  readonly row: HardwareRow | undefined;
  readonly target: DialogTarget;
  readonly entries: ReadonlyMap<string, ConfigEntry>;
  readonly onClose: () => void;
}

export default function DeviceDialog(props: DeviceDialogProps) {
  switch (props.group) {
    case 'memory':
      return <MemoryDialog {...props} />;
    case 'processor':
      return <ProcessorDialog {...props} />;
    case 'bios':
      return <BiosDialog {...props} />;
    case 'display':
      return <DisplayDialog {...props} />;
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
    case 'network':
      return <NetworkDialog {...props} />;
    case 'efidisk':
      return props.row ? <TextDialog {...props} row={props.row} /> : <EfiDialog {...props} />;
    case 'serial':
      return <SerialDialog {...props} />;
    case 'rng':
      return <RngDialog {...props} />;
    default:
      return props.row ? <TextDialog {...props} row={props.row} /> : null;
  }
}
