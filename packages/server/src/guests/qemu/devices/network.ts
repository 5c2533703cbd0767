/** Network cards. */
import { qemuNetKeys } from '@ryokan/api/schema/qemu-config.ts';
import { type QemuNet, qemuNetFields } from '@ryokan/api/schema/qemu-net.ts';
import type { Arguments, DeviceSink } from '../arguments.ts';
import { optionOf } from '../config.ts';
import { cannot, type Guest, notProvided } from '../guest-context.ts';
import { pciPlace } from './chipset.ts';

export function addNetwork(guest: Guest, args: Arguments): void {
  for (const key of qemuNetKeys) {
    const net = optionOf(guest.config, key, qemuNetFields);
    if (net) addNetworkCard(guest, key, net, args);
  }
}

/** A card with its backend, whether the guest starts or runs. */
export function addNetworkCard(guest: Guest, key: string, net: QemuNet, args: DeviceSink): void {
  const queues = net.model === 'virtio' && net.queues ? net.queues : undefined;
  addBackend(guest, key, net, queues, args);
  addCard(guest, key, net, queues, args);
}

function addBackend(
  guest: Guest,
  key: string,
  net: QemuNet,
  queues: number | undefined,
  args: DeviceSink,
): void {
  if (net.bridge === undefined) {
    // NAT inside QEMU: the guest reaches out, nobody reaches in.
    args.netdev('user', { id: key, hostname: guest.config.name });
    return;
  }
  const tap = guest.host.taps[key];
  if (!tap) throw notProvided(key, `a tap device on '${net.bridge}'`);
  args.netdev('tap', {
    id: key,
    ifname: tap.ifname,
    script: 'no',
    downscript: 'no',
    vhost: net.model === 'virtio' && tap.vhost ? true : undefined,
    queues,
  });
}

function addCard(
  guest: Guest,
  key: string,
  net: QemuNet,
  queues: number | undefined,
  args: DeviceSink,
): void {
  if (net.macaddr === undefined) throw cannot(key, 'macaddr is missing; set the card again and it gets one');
  const isa = net.model === 'ne2k_isa';
  const virtio = net.model === 'virtio';
  args.device(virtio ? 'virtio-net-pci' : net.model, {
    id: key,
    netdev: key,
    mac: net.macaddr,
    ...(isa ? {} : pciPlace(guest.chipset, key)),
    bootindex: isa ? undefined : guest.boot.get(key),
    ...(virtio ? virtioProperties(guest, key, net, queues) : {}),
  });
}

function virtioProperties(guest: Guest, key: string, net: QemuNet, queues: number | undefined) {
  return {
    mq: queues ? true : undefined,
    // Two for each queue, one for configuration changes, one for the control queue.
    vectors: queues ? 2 * queues + 2 : undefined,
    // Larger rings lose fewer packets in bursts; 256 is the most that a tap takes for sending.
    rx_queue_size: 1024,
    tx_queue_size: 256,
    host_mtu: mtu(guest, key, net),
  };
}

/** 1 means "as the bridge". */
function mtu(guest: Guest, key: string, net: QemuNet): number | undefined {
  if (net.mtu === undefined) return undefined;
  const bridge = guest.host.taps[key]?.bridgeMtu;
  if (net.mtu === 1) return bridge;
  // Smallest MTU of IPv4 hosts, which is also what virtio demands.
  if (net.mtu < 576) throw cannot(key, `mtu=${net.mtu} is below 576 (or 1 for that of the bridge)`);
  if (bridge !== undefined && net.mtu > bridge) {
    throw cannot(key, `mtu=${net.mtu} is larger than that of the bridge '${net.bridge}' (${bridge})`);
  }
  return net.mtu;
}
