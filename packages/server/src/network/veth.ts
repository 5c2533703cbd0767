/**
 * Pairs of virtual network cards: the host's end is a port of the bridge, as a tap is (tap.ts changes and removes it);
 * the other end becomes the container's.
 */
import { RyokanError } from '@ryokan/api/errors.ts';
import { run } from '../host/exec.ts';
import { makePort, type PortOptions } from './tap.ts';

/** Longest interface name: IFNAMSIZ less its closing zero. */
const nameLimit = 15;

/** `veth100i0` is the host's end of net0 of container 100. */
export function vethName(vmid: number, index: number): string {
  const name = `veth${vmid}i${index}`;
  if (name.length > nameLimit) {
    throw new RyokanError('parameter', `VMID ${vmid} is too long for network card net${index}: ${name}`);
  }
  return name;
}

/** Makes a pair; returns the name of the container's end, still on the host. Rejects as makePort does. */
export async function createVeth(name: string, options: Omit<PortOptions, 'make'>): Promise<string> {
  const peer = name.replace(/^veth/, 'vetp');
  await makePort(name, {
    ...options,
    make: [`link add dev ${name} mtu ${options.mtu} type veth peer name ${peer} mtu ${options.mtu}`],
  });
  return peer;
}

/** Gives the container's end to the network of a process, under the name that it has there. */
export async function moveIntoContainer(
  device: string,
  pid: number,
  card: { readonly name: string; readonly hwaddr?: string | undefined; readonly up: boolean },
): Promise<void> {
  const address = card.hwaddr === undefined ? [] : ['address', card.hwaddr];
  await run('ip', ['link', 'set', 'dev', device, ...address]);
  await run('ip', ['link', 'set', 'dev', device, 'netns', String(pid), 'name', card.name]);
  if (card.up)
    await run('nsenter', ['--target', String(pid), '--net', 'ip', 'link', 'set', 'dev', card.name, 'up']);
}
