/** Serial and parallel ports, and the guest agent's channel. */
import { qemuParallelKeys, qemuSerialKeys } from '@ryokan/api/schema/qemu-config.ts';
import { agentFields } from '@ryokan/api/schema/qemu-options.ts';
import type { Arguments } from '../arguments.ts';
import { optionOf } from '../config.ts';
import { cannot, type Guest } from '../guest-context.ts';
import { pciPlace } from './chipset.ts';

/** ISA has four serial ports; a channel to the agent takes the last one. */
const isaAgentPort = 3;

export function addPorts(guest: Guest, args: Arguments): void {
  for (const [index, key] of qemuSerialKeys.entries()) {
    const backend = guest.config[key];
    if (backend === undefined) continue;
    if (backend === 'socket') args.socketChardev(key, guest.paths.serial(index));
    else args.chardev('serial', { id: key, path: backend });
    args.device('isa-serial', { id: key, chardev: key, index });
  }
  for (const [index, key] of qemuParallelKeys.entries()) {
    const path = guest.config[key];
    if (path === undefined) continue;
    // A USB printer is no parallel port for the kernel: plain bytes go to it.
    args.chardev(path.startsWith('/dev/usb/') ? 'serial' : 'parallel', { id: key, path });
    args.device('isa-parallel', { id: key, chardev: key, index });
  }
}

export function addAgent(guest: Guest, args: Arguments): void {
  const agent = optionOf(guest.config, 'agent', agentFields);
  if (!agent?.enabled) return;
  args.socketChardev('qga0', guest.paths.qga);
  if (agent.type === 'isa') {
    if (guest.config.serial3 !== undefined)
      throw cannot('agent', 'type=isa takes the port of serial3; remove that');
    args.device('isa-serial', { id: 'qga0', chardev: 'qga0', index: isaAgentPort });
    return;
  }
  args.device('virtio-serial-pci', { id: 'qga0', ...pciPlace(guest.chipset, 'qga0') });
  args.device('virtserialport', { bus: 'qga0.0', chardev: 'qga0', name: 'org.qemu.guest_agent.0' });
}
