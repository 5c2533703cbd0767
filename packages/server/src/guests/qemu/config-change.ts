/** What a call changes in a configuration: which keys are set, removed or reverted, and what waits for the next start. */
import {
  qemuConfigFields,
  qemuIpconfigKeys,
  qemuUnusedKeys,
  qemuVolumeKeys,
} from '@ryokan/api/schema/qemu-config.ts';
import { type ConfigChange, configChanges, readChange } from '../config-change.ts';
import { isCdrom, isCloudInit, namesVolume, salvageDrive } from './drive-value.ts';

export { allProperties, type ConfigChange, pendingRows, shownValue, withPending } from '../config-change.ts';

/** Keys that hold at once, also while the guest runs: they say nothing to QEMU (those of cloud-init: to its next image). */
const immediate: ReadonlySet<string> = new Set([
  'name',
  'description',
  'tags',
  'onboot',
  'startup',
  'protection',
  'lock',
  'shares',
  'hookscript',
  'vmstatestorage',
  'migrate_downtime',
  'migrate_speed',
  'hotplug',
  ...['cicustom', 'cipassword', 'citype', 'ciuser', 'ciupgrade', 'nameserver', 'searchdomain', 'sshkeys'],
  ...qemuIpconfigKeys,
]);

/** Collects the change from a call's parameters. */
export function changeOf(params: Readonly<Record<string, unknown>>): ConfigChange {
  const { cdrom, ...rest }: Record<string, unknown> = params;
  // The older short form of a CD-ROM drive.
  if (typeof cdrom === 'string') rest.ide2 = /(^|,)media=/.test(cdrom) ? cdrom : `${cdrom},media=cdrom`;
  return readChange({ fields: qemuConfigFields }, rest);
}

export const isVolumeKey = (key: string): boolean =>
  (qemuVolumeKeys as readonly string[]).includes(key) || (qemuUnusedKeys as readonly string[]).includes(key);

/** The volume of a disk; undefined for CD-ROM drives, empty drives and paths. */
export function volumeOf(key: string, text: string): string | undefined {
  const drive = salvageDrive(key, text);
  return drive && namesVolume(drive) && !isCdrom(drive) ? drive.file : undefined;
}

/** The same, and the image of a cloud-init drive: it is the guest's own, but is never kept as an unused disk. */
function ownVolumeOf(key: string, text: string): string | undefined {
  const drive = salvageDrive(key, text);
  return drive && isCloudInit(drive) && namesVolume(drive) ? drive.file : volumeOf(key, text);
}

export const { mergeChange, applyPending, namesAnywhere, inSnapshot, droppedVolumes } = configChanges({
  fields: qemuConfigFields,
  immediate,
  unusedKeys: qemuUnusedKeys,
  isVolumeKey,
  volumeOf,
  ownVolumeOf,
});
