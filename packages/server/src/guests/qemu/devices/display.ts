/** Screen: graphics cards, VNC server, keyboard layout, pointer. */
import { type QemuVga, vgaFields } from '@ryokan/api/schema/qemu-options.ts';
import { type Arguments, type OptionValue, optionText } from '../arguments.ts';
import { optionOf } from '../config.ts';
import { cannot, type Guest } from '../guest-context.ts';
import { pciPlace } from './chipset.ts';
import { addSpice } from './spice.ts';

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
  args.add('-display', type === 'virtio-gl' ? 'egl-headless,gl=core' : 'none');
  for (const [number, { driver, ...properties }] of cards(guest, type, vga.memory).entries()) {
    const id = number === 0 ? 'vga' : `vga${number}`;
    args.device(driver, { id, ...properties, ...pciPlace(guest.chipset, id) });
  }
  // The password is set by QMP for one console at a time; until then nobody gets in.
  args.add('-vnc', optionText(`unix:${paths.vnc.replaceAll(',', ',,')}`, { password: true }));
  const keyboard = config.keyboard ?? guest.host.keyboard;
  if (keyboard) args.add('-k', keyboard);
  addSpice(guest, args);
}

interface Card {
  readonly driver: string;
  readonly [property: string]: OptionValue;
}

/** The primary card; Windows wants one more for each further screen of qxl2 … qxl4, others take them all from the first. */
function cards(guest: Guest, type: string, memory: number | undefined): Card[] {
  const screens = Number(/^qxl(\d)$/.exec(type)?.[1] ?? 1);
  if (screens === 1) return [card(type, memory)];
  if (!guest.windows) {
    const all = memory ?? defaultMemory * screens;
    return [{ ...card('qxl', all), vram_size_mb: 2 * all, max_outputs: screens }];
  }
  const first = card('qxl', memory);
  return [first, ...Array.from({ length: screens - 1 }, () => ({ ...first, driver: 'qxl' }))];
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

/** A tablet reports where the pointer is; without a screen there is no pointer. */
export function hasTablet(guest: Guest): boolean {
  const type = optionOf(guest.config, 'vga', vgaFields)?.type ?? 'std';
  return guest.config.tablet ?? !/^(?:serial\d|none)$/.test(type);
}
