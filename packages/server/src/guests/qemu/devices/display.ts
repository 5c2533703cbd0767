/** Screen: graphics card, VNC server, keyboard layout, clipboard, pointer. */
import { type QemuVga, vgaFields } from '@ryokan/api/schema/qemu-options.ts';
import { type Arguments, type OptionValue, optionText } from '../arguments.ts';
import { optionOf } from '../config.ts';
import { cannot, type Guest, notSupported } from '../guest-context.ts';
import { pciPlace } from './chipset.ts';

/** Video memory in MiB where the configuration says nothing: enough for 2560x1600. */
const defaultMemory = 16;

export function addDisplay(guest: Guest, args: Arguments): void {
  const { config, paths } = guest;
  const vga: QemuVga = optionOf(config, 'vga', vgaFields) ?? {};
  const type = vga.type ?? 'std';
  if (/^serial\d$/.test(type)) {
    const port = type as 'serial0' | 'serial1' | 'serial2' | 'serial3';
    if (config[port] === undefined) throw cannot('vga', `'${type}' needs that port: set '${type}: socket'`);
  }
  if (/^(?:serial\d|none)$/.test(type)) {
    args.add('-display', 'none');
    return;
  }
  if (/^qxl\d$/.test(type)) {
    throw notSupported(
      'vga',
      `'${type}' shows several screens by SPICE, which Ryokan does not offer; use qxl or virtio`,
    );
  }
  const { driver, ...properties } = card(type, vga.memory);
  args.add('-display', type === 'virtio-gl' ? 'egl-headless,gl=core' : 'none');
  args.device(driver, { id: 'vga', ...properties, ...pciPlace(guest.chipset, 'vga') });
  // The password is set by QMP for one console at a time; until then nobody gets in.
  args.add('-vnc', optionText(`unix:${paths.vnc.replaceAll(',', ',,')}`, { password: true }));
  if (config.keyboard) args.add('-k', config.keyboard);
  if (vga.clipboard) addClipboard(guest, args);
}

interface Card {
  readonly driver: string;
  readonly [property: string]: OptionValue;
}

function card(type: string, memory: number | undefined): Card {
  switch (type) {
    case 'virtio':
      return { driver: 'virtio-vga', max_hostmem: memory === undefined ? undefined : memory * 1024 * 1024 };
    case 'virtio-gl':
      return {
        driver: 'virtio-vga-gl',
        max_hostmem: memory === undefined ? undefined : memory * 1024 * 1024,
      };
    case 'qxl':
      // Its video memory has three parts; the first is the screen, the others what drivers draw with.
      return {
        driver: 'qxl-vga',
        vgamem_mb: memory ?? defaultMemory,
        ram_size_mb: 4 * (memory ?? defaultMemory),
      };
    case 'vmware':
      return { driver: 'vmware-svga', vgamem_mb: memory ?? defaultMemory };
    case 'cirrus':
      return { driver: 'cirrus-vga', vgamem_mb: memory };
    default:
      return { driver: 'VGA', vgamem_mb: memory ?? defaultMemory };
  }
}

/** The channel of the vdagent in the guest, answered by QEMU itself. */
function addClipboard(guest: Guest, args: Arguments): void {
  args.chardev('qemu-vdagent', { id: 'vdagent', name: 'vdagent', clipboard: true, mouse: false });
  args.device('virtio-serial-pci', { id: 'vdagent', ...pciPlace(guest.chipset, 'vdagent') });
  args.device('virtserialport', { bus: 'vdagent.0', chardev: 'vdagent', name: 'com.redhat.spice.0' });
}

/** A tablet reports where the pointer is; without a screen there is no pointer. */
export function hasTablet(guest: Guest): boolean {
  const type = optionOf(guest.config, 'vga', vgaFields)?.type ?? 'std';
  return guest.config.tablet ?? !/^(?:serial\d|none)$/.test(type);
}
