import { deviceFields, lxcConfigFields } from '@ryokan/api/schema/lxc-config.ts';
import { freeKey } from '../config-model.ts';
import type { DeviceDialogProps } from '../device-dialogs.tsx';
import { PropertyDialog } from '../dialogs/property-dialog.tsx';
import { deviceWords } from './words.ts';

/** A device of the node, such as /dev/ttyUSB0, that the container may use. */
export function NodeDeviceDialog(props: DeviceDialogProps) {
  const key = props.row?.id ?? freeKey('dev', new Set(props.entries.keys()), lxcConfigFields) ?? 'dev0';
  return (
    <PropertyDialog
      {...props}
      device={{
        key,
        fields: deviceFields,
        title: 'container.device',
        help: 'container.deviceHelp',
        words: deviceWords,
        preset: {},
      }}
    />
  );
}
