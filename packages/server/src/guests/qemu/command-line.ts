/**
 * The command line of a guest as a pure function: no file is read, no program asked; what the configuration does not
 * say comes in as QemuHost. Golden cases stand in test/qemu-command-line/.
 */
import { type QemuConfig, qemuHostpciKeys } from '@ryokan/api/schema/qemu-config.ts';
import { Arguments, optionText, splitWords } from './arguments.ts';
import { addBuses } from './devices/chipset.ts';
import { addCpu } from './devices/cpu.ts';
import { addDisplay } from './devices/display.ts';
import { addDrives, hasSingleControllers } from './devices/drives.ts';
import {
  addAudio,
  addGenerationId,
  addHostpci,
  addRng,
  addTpm,
  addVirtiofs,
  addWatchdog,
} from './devices/extras.ts';
import { addClock, addIommu, addMachine, addSmbios } from './devices/machine.ts';
import { addBalloon, addMemory, addSharedMemory } from './devices/memory.ts';
import { addNetwork } from './devices/network.ts';
import { addAgent, addPorts } from './devices/ports.ts';
import { addUsb } from './devices/usb.ts';
import { cannot, type Guest, guestContext, notSupported } from './guest-context.ts';
import type { QemuHost } from './host-input.ts';

/**
 * Arguments for qemu-system-x86_64, without the program itself. QEMU is meant to run in the foreground, as the guest's
 * user; its sockets are those of guestRunPaths.
 *
 * `note` is told what is not as the configuration asks, a line each, for the log of the start.
 * Throws RyokanError: 'parameter' (the configuration contradicts itself), 'unsupported' (asks for what this version or
 * node does not have), 'failed' (`host` lacks something that the configuration needs).
 */
export function qemuCommandLine(
  config: QemuConfig,
  host: QemuHost,
  note: (line: string) => void = () => {},
): string[] {
  const guest = guestContext(config, host, note);
  refuseUnsupported(config);
  const args = new Arguments();
  addIdentity(guest, args);
  addMonitors(guest, args);
  const memory = addMemory(guest, args);
  addMachine(guest, memory, args);
  addCpu(guest, args);
  addSmbios(guest, args);
  addClock(guest, args);
  addBoot(guest, args);
  addIommu(guest, args);
  addBuses(guest.chipset, extraBuses(guest), args);
  addGenerationId(guest, args);
  addUsb(guest, args);
  addHostpci(guest, args);
  addPorts(guest, args);
  addAgent(guest, args);
  addDisplay(guest, args);
  addBalloon(guest, args);
  addWatchdog(guest, args);
  addRng(guest, args);
  addAudio(guest, args);
  addTpm(guest, args);
  addSharedMemory(guest, args);
  addVirtiofs(guest, args);
  addDrives(guest, args);
  addNetwork(guest, args);
  addOwnArguments(guest, args);
  return args.list;
}

function refuseUnsupported(config: QemuConfig): void {
  if (config.arch === 'aarch64') throw notSupported('arch', 'this node runs x86_64 guests only');
  if (config['amd-sev'] !== undefined)
    throw notSupported('amd-sev', 'memory encryption by AMD SEV is not supported yet');
  if (config['intel-tdx'] !== undefined)
    throw notSupported('intel-tdx', 'protection by Intel TDX is not supported yet');
}

/** Name, sandbox; and no defaults: nothing is in the guest that is not written here. */
function addIdentity(guest: Guest, args: Arguments): void {
  const { config, host } = guest;
  args.add(
    '-name',
    optionText(config.name ?? `vm-${host.vmid}`, { process: `vm-${host.vmid}`, 'debug-threads': true }),
  );
  args.add('-nodefaults', '-no-user-config');
  args.add('-sandbox', 'on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny');
  if (host.startPaused || config.freeze) args.add('-S');
  if (host.incoming) args.add('-incoming', 'defer');
  if (config.reboot === false) args.add('-action', 'reboot=shutdown');
}

/** Two monitors: one for whoever acts on the guest, one on which the daemon listens all the time. */
function addMonitors(guest: Guest, args: Arguments): void {
  for (const [id, path] of [
    ['qmp', guest.paths.qmp],
    ['event', guest.paths.event],
  ] as const) {
    args.socketChardev(id, path);
    args.add('-mon', `chardev=${id},mode=control`);
  }
}

/** A boot menu on Esc; only devices with a bootindex; a second try after a second, for a network that comes late. */
function addBoot(guest: Guest, args: Arguments): void {
  args.add('-boot', 'menu=on,strict=on,reboot-timeout=1000');
  // QEMU cannot tell the firmware "nothing": without any bootindex it looks everywhere.
  if (guest.boot.size === 0 && guest.config.boot !== undefined) {
    guest.note('boot: the order names no device, so the firmware looks for one itself');
  }
}

function extraBuses(guest: Guest): { pci3: boolean; pci4: boolean } {
  return {
    pci3: hasSingleControllers(guest),
    pci4: qemuHostpciKeys.slice(4).some((key) => guest.config[key] !== undefined),
  };
}

/** The key `args`, which only root@pam can set, comes last so that it can change what stands before. */
function addOwnArguments(guest: Guest, args: Arguments): void {
  if (guest.config.args === undefined) return;
  const words = splitWords(guest.config.args);
  if (!words) throw cannot('args', 'a quote is not closed');
  args.add(...words);
}
