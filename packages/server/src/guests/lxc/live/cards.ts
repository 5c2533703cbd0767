/** Network cards of a running container: plugged in, changed, taken out. */
import { run } from '../../../host/exec.ts';
import { guardCard } from '../../../network/firewall/guard.ts';
import { configureTap, removeTap, setTapLink } from '../../../network/tap.ts';
import { moveIntoContainer, vethName } from '../../../network/veth.ts';
import { cardIndex, cardSettings, firewallCard, makeCard, parseCard } from '../card.ts';
import { initProcess } from '../process.ts';
import type { LiveChange } from './apply.ts';

/** Addresses are the container's own affair: it takes those of its files when they are set up at the next start. */
export async function changeCard(change: LiveChange): Promise<boolean> {
  const { services, vmid, key, before, after } = change;
  const init = initProcess(services.paths, vmid);
  if (!init) return false;
  const name = vethName(vmid, cardIndex(key));
  if (
    before !== undefined &&
    after !== undefined &&
    (await changedInPlace(change, before, after, name, init.pid))
  )
    return true;
  if (before !== undefined) await removeTap(name, services.paths.root);
  await guardCard(services, vmid, key, firewallCard(vmid, key, after));
  if (after === undefined) return true;
  const made = await makeCard(services, vmid, key, after);
  if (!made) return true;
  const card = parseCard(key, after);
  try {
    await moveIntoContainer(made.device, init.pid, {
      name: card.name,
      hwaddr: card.hwaddr,
      up: !card.link_down,
    });
    await giveAddresses(init.pid, after, key);
  } catch (error) {
    await removeTap(name, services.paths.root);
    throw error;
  }
  return true;
}

/** Bridge, VLAN, limit, firewall and cable change without a new card; addresses by the kernel. */
async function changedInPlace(
  { services, vmid, key }: LiveChange,
  before: string,
  after: string,
  name: string,
  pid: number,
): Promise<boolean> {
  const [old, next] = [parseCard(key, before), parseCard(key, after)];
  const same = old.name === next.name && old.hwaddr === next.hwaddr && old.mtu === next.mtu;
  if (!same || old.bridge === undefined || next.bridge === undefined) return false;
  await guardCard(services, vmid, key, firewallCard(vmid, key, after));
  await configureTap(name, cardSettings(next, next.bridge));
  await setTapLink(name, next.link_down !== true);
  if (old.ip !== next.ip || old.ip6 !== next.ip6 || old.gw !== next.gw || old.gw6 !== next.gw6) {
    await inContainer(pid, ['address', 'flush', 'dev', next.name, 'scope', 'global']);
    await giveAddresses(pid, after, key);
  }
  return true;
}

/** Static addresses and gateways; DHCP waits for a client in the container. */
async function giveAddresses(pid: number, text: string, key: string): Promise<void> {
  const { name, ip, gw, ip6, gw6, link_down } = parseCard(key, text);
  for (const address of [ip, ip6]) {
    if (address?.includes('/')) await inContainer(pid, ['address', 'replace', address, 'dev', name]);
  }
  if (link_down) return;
  for (const gateway of [gw, gw6]) {
    if (gateway) await inContainer(pid, ['route', 'replace', 'default', 'via', gateway, 'dev', name]);
  }
}

/** The node's own `ip` in the container's network. */
async function inContainer(pid: number, args: readonly string[]): Promise<void> {
  await run('nsenter', ['--target', String(pid), '--net', 'ip', ...args], { timeout: 10_000 });
}
