/** Devices that stand alone: sound, random numbers, watchdog, TPM, generation id, shared folders, PCI pass-through. */
import { qemuHostpciKeys, qemuVirtiofsKeys } from '@ryokan/api/schema/qemu-config.ts';
import {
  audioFields,
  hostpciFields,
  type QemuHostpci,
  rngFields,
  virtiofsFields,
  watchdogFields,
} from '@ryokan/api/schema/qemu-options.ts';
import type { Arguments, OptionValue } from '../arguments.ts';
import { optionOf } from '../config.ts';
import { cannot, type Guest, notProvided, notSupported } from '../guest-context.ts';
import { pciPlace } from './chipset.ts';
import { hasSpice } from './spice.ts';

export function addAudio(guest: Guest, args: Arguments): void {
  const audio = optionOf(guest.config, 'audio0', audioFields);
  if (!audio) return;
  const toViewer = (audio.driver ?? 'spice') === 'spice';
  const spice = hasSpice(guest.config);
  if (toViewer && !spice) {
    guest.note('audio0: the guest plays to nobody, as sound goes by SPICE; vga: qxl or virtio offers that');
  }
  args.add('-audiodev', `${toViewer && spice ? 'spice' : 'none'},id=audio0`);
  const place = pciPlace(guest.chipset, 'audio0');
  if (audio.device === 'AC97') {
    args.device('AC97', { id: 'audio0', ...place, audiodev: 'audio0' });
    return;
  }
  args.device(audio.device, { id: 'audio0', ...place });
  for (const [cad, codec] of ['hda-micro', 'hda-duplex'].entries()) {
    args.device(codec, { id: `audio0-codec${cad}`, bus: 'audio0.0', cad, audiodev: 'audio0' });
  }
}

export function addRng(guest: Guest, args: Arguments): void {
  const rng = optionOf(guest.config, 'rng0', rngFields);
  if (!rng) return;
  args.object('rng-random', 'rng0', { filename: rng.source });
  const limit = rng.max_bytes ?? 1024;
  args.device('virtio-rng-pci', {
    id: 'rng0',
    rng: 'rng0',
    'max-bytes': limit > 0 ? limit : undefined,
    period: limit > 0 ? (rng.period ?? 1000) : undefined,
    ...pciPlace(guest.chipset, 'rng0'),
  });
}

export function addWatchdog(guest: Guest, args: Arguments): void {
  const watchdog = optionOf(guest.config, 'watchdog', watchdogFields);
  if (!watchdog) return;
  const model = watchdog.model ?? 'i6300esb';
  args.device(model, { id: 'watchdog0', ...(model === 'ib700' ? {} : pciPlace(guest.chipset, 'watchdog0')) });
  if (watchdog.action) args.add('-action', `watchdog=${watchdog.action}`);
}

export function addTpm(guest: Guest, args: Arguments): void {
  if (guest.config.tpmstate0 === undefined) return;
  const path = guest.host.tpmSocket;
  if (!path) throw notProvided('tpmstate0', 'the socket of swtpm');
  args.chardev('socket', { id: 'tpm0', path });
  args.add('-tpmdev', 'emulator,id=tpm0,chardev=tpm0');
  args.device('tpm-tis', { id: 'tpm0-device', tpmdev: 'tpm0' });
}

/** `1` stands for "make one" and is replaced when the guest is created; a guest made by hand gets a new one each start. */
export function addGenerationId(guest: Guest, args: Arguments): void {
  const id = guest.config.vmgenid;
  if (id === undefined || id === '0') return;
  args.device('vmgenid', { id: 'vmgenid', guid: id === '1' ? 'auto' : id });
}

export function addVirtiofs(guest: Guest, args: Arguments): void {
  for (const key of qemuVirtiofsKeys) {
    const folder = optionOf(guest.config, key, virtiofsFields);
    if (!folder) continue;
    const path = guest.host.virtiofsSockets?.[key];
    if (!path) throw notProvided(key, 'the socket of virtiofsd');
    args.chardev('socket', { id: key, path });
    args.device('vhost-user-fs-pci', {
      id: key,
      'queue-size': 1024,
      chardev: key,
      tag: folder.dirid,
      ...pciPlace(guest.chipset, key),
    });
  }
}

/** The first four passed-through devices find a root port on the board (see chipset.ts), others bring their own. */
const boardPorts = 4;
/** Slots 0x10..0x1b of the root bus are free for those. */
const firstPortSlot = 0x10;

export function addHostpci(guest: Guest, args: Arguments): void {
  for (const [index, key] of qemuHostpciKeys.entries()) {
    const device = optionOf(guest.config, key, hostpciFields);
    if (!device) continue;
    if (device['legacy-igd']) throw notSupported(key, 'legacy mode of Intel graphics is not supported');
    if (device.pcie && guest.chipset !== 'q35') throw cannot(key, 'pcie=1 needs machine: q35');
    const resolved = guest.host.pciDevices?.[key];
    if (!resolved) throw notProvided(key, 'the PCI device');
    const place = device.pcie ? expressPlace(index, args) : pciPlace(guest.chipset, key);
    const common = {
      ...shownIds(device),
      rombar: device.rombar === false ? 0 : undefined,
      romfile: romFile(key, device.romfile),
    };
    if (resolved.mdevPath) {
      args.device('vfio-pci', { sysfsdev: resolved.mdevPath, id: key, ...place, ...common });
      continue;
    }
    const several = resolved.functions.length > 1;
    for (const [number, host] of resolved.functions.entries()) {
      args.device('vfio-pci', {
        host,
        id: several ? `${key}.${number}` : key,
        bus: place.bus,
        addr: several ? `${place.addr}.0x${number}` : place.addr,
        multifunction: several && number === 0 ? true : undefined,
        // Only the first function is the graphics card; the others are its sound and the like.
        ...(number === 0
          ? { ...common, 'x-vga': device['x-vga'] || undefined, bootindex: guest.boot.get(key) }
          : {}),
      });
    }
  }
}

/** Where Proxmox VE looks for the files that configurations name. */
const romFolder = '/usr/share/kvm';

/** Only from its folder: QEMU may read the disks of all guests, and a guest can read its ROM. */
function romFile(key: string, name: string | undefined): string | undefined {
  if (name?.includes('/')) throw cannot(key, `romfile is the name of a file in ${romFolder}, without a path`);
  return name && `${romFolder}/${name}`;
}

function expressPlace(index: number, args: Arguments): { bus: string; addr: string } {
  const port = `ich9-pcie-port-${index + 1}`;
  if (index >= boardPorts) {
    args.device('pcie-root-port', {
      id: port,
      bus: 'pcie.0',
      addr: `0x${(firstPortSlot + index - boardPorts).toString(16)}`,
      port: index + 1,
      chassis: index + 1,
    });
  }
  return { bus: port, addr: '0x0' };
}

/** Ids that the guest is shown instead of the real ones. */
function shownIds(device: QemuHostpci): Record<string, OptionValue> {
  return {
    'x-pci-vendor-id': device['vendor-id'],
    'x-pci-device-id': device['device-id'],
    'x-pci-sub-vendor-id': device['sub-vendor-id'],
    'x-pci-sub-device-id': device['sub-device-id'],
  };
}
