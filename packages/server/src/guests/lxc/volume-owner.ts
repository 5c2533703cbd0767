/** Whose the volumes of a container that exists are. */
import type { GuestServices } from '../guest-services.ts';
import { readGuest } from '../guest-store.ts';
import { requireLxcConfig } from './config.ts';
import { idRanges } from './ids.ts';
import type { VolumeOwner } from './volumes.ts';

export function volumeOwner(services: GuestServices, vmid: number): VolumeOwner {
  const { file } = readGuest(services.store, 'lxc', services.settings.node, vmid);
  return { services, vmid, ids: idRanges(requireLxcConfig(file.properties, vmid)) };
}
