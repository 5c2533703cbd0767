/**
 * SPICE: the second way to a guest's screen, with several screens, sound, clipboard, folders and USB devices of the
 * viewer (QEMU's docs, "-spice"). QEMU listens on a Unix socket without TLS: its key would be in reach of the guests'
 * user. The gateway has the node's certificate and stands in front.
 */
import type { QemuConfig } from '@ryokan/api/schema/qemu-config.ts';
import { spiceFields, vgaFields } from '@ryokan/api/schema/qemu-options.ts';
import { type Arguments, optionText } from '../arguments.ts';
import { optionOf } from '../config.ts';
import type { Guest } from '../guest-context.ts';
import { pciPlace } from './chipset.ts';

/** Name by which programs in the guest (spice-vdagent, spice-webdavd) find their channel. */
const agentChannel = 'com.redhat.spice.0';
const folderChannel = 'org.spice-space.webdav.0';

/** Graphics cards that SPICE goes with, as guests from Proxmox VE have it. */
export function hasSpice(config: QemuConfig): boolean {
  return /^(?:qxl|virtio)/.test(optionOf(config, 'vga', vgaFields)?.type ?? '');
}

/** Server and channels. The password is set by QMP for one viewer at a time; until then nobody gets in. */
export function addSpice(guest: Guest, args: Arguments): void {
  const { config, paths } = guest;
  const clipboard = optionOf(config, 'vga', vgaFields)?.clipboard;
  const spice = hasSpice(config);
  if (!spice && !clipboard) return;
  const enhancements = optionOf(config, 'spice_enhancements', spiceFields);
  if (spice) {
    const streaming = enhancements?.videostreaming;
    args.add(
      '-spice',
      optionText('unix=on', { addr: paths.spice, 'seamless-migration': true, 'streaming-video': streaming }),
    );
  }
  args.device('virtio-serial-pci', { id: 'spice', ...pciPlace(guest.chipset, 'spice') });
  // The channel of the agent in the guest leads to one place: QEMU itself, which speaks VNC, or the viewer.
  if (clipboard)
    args.chardev('qemu-vdagent', { id: 'vdagent', name: 'vdagent', clipboard: true, mouse: false });
  else args.chardev('spicevmc', { id: 'vdagent', name: 'vdagent' });
  args.device('virtserialport', { bus: 'spice.0', chardev: 'vdagent', name: agentChannel });
  if (!spice || !enhancements?.foldersharing) return;
  args.chardev('spiceport', { id: 'folders', name: folderChannel });
  args.device('virtserialport', { bus: 'spice.0', chardev: 'folders', name: folderChannel });
}
