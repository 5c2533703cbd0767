/** How a running guest's disk is opened: with the options of its drive, as at a start. */
import { RyokanError } from '@ryokan/api/errors.ts';
import type { GuestDisk } from '../../guest-kind.ts';
import type { GuestServices } from '../../guest-services.ts';
import { readGuest } from '../../guest-store.ts';
import { requireQemuConfig } from '../config.ts';
import { fileNode, imageNodes } from '../devices/block.ts';
import { configuredDrives } from '../drive-options.ts';
import { hasIoUring } from '../qemu-facts.ts';
import type { QmpClient } from '../qmp-client.ts';
import { resolveVolume } from '../start-host.ts';
import { layerProblem } from './disks.ts';
import type { RunningDisk } from './layers.ts';

/** Rejects with 'state' when the configuration has no such disk. */
export async function runningDisk(
  services: GuestServices,
  vmid: number,
  qmp: QmpClient,
  { key, volid }: GuestDisk,
): Promise<RunningDisk> {
  const { file } = readGuest(services.store, 'qemu', services.settings.node, vmid);
  const drive = configuredDrives(requireQemuConfig(file.properties, vmid)).find((one) => one.key === key);
  const problem = await layerProblem(services, key, file.properties[key] ?? volid);
  if (problem) throw new RyokanError('unsupported', problem);
  const volume = await resolveVolume(services, key, file.properties[key] ?? volid);
  const volumePath = volume?.source.filename;
  if (!volume || typeof volumePath !== 'string') {
    throw new RyokanError('state', `'${key}' is no file that the running guest has open`);
  }
  return {
    qmp,
    key,
    volumePath,
    describe: (source, names) => {
      const { layers: _layers, ...one } = volume;
      const opened = { ...one, source };
      // The variables of the firmware have none of a drive's options.
      if (!drive) {
        const file = fileNode(opened, names.file, {});
        return { driver: volume.format, 'node-name': names.format, file };
      }
      return imageNodes(drive, opened, names, hasIoUring());
    },
  };
}
