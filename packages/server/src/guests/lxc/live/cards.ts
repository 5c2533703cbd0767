/** Network cards of a running container: plugged in, changed, taken out. */
import { run } from '../../../host/exec.ts';
import { guardCard } from '../../../network/firewall/guard.ts';
import { configureTap, removeTap, setTapLink } from '../../../network/tap.ts';
import { moveIntoContainer, vethName } from '../../../network/veth.ts';
import { type Outcome, orBack, waits } from '../../live-outcome.ts';
import { cardIndex, cardSettings, firewallCard, makeCard, parseCard } from '../card.ts';
import { initProcess } from '../process.ts';
import { betweenStates, type LiveChange } from './apply.ts';

/** Addresses are the container's own affair: it takes those of its files when they are set up at the next start. */
export async function changeCard(change: LiveChange): Promise<Outcome> {
  const { services, vmid, key, before, after } = change;
  const init = initProcess(services.paths, vmid);
  if (!init) return waits(betweenStates);
  if (before !== undefined && after !== undefined && sameDevice(key, before, after)) {
    await orBack(
      () => adjust(change, init.pid, before, after),
      () => adjust(change, init.pid, after, before),
    );
    return 'done';
  }
  if (before !== undefined) await removeTap(vethName(vmid, cardIndex(key)), services.paths.root);
  await orBack(
    () => plugIn(change, init.pid, after),
    () => plugIn(change, init.pid, before),
  );
  return 'done';
}

/** Bridge, VLAN, limit, firewall and cable change without a new card; addresses by the kernel. */
function sameDevice(key: string, before: string, after: string): boolean {
  const [old, next] = [parseCard(key, before), parseCard(key, after)];
  const same = old.name === next.name && old.hwaddr === next.hwaddr && old.mtu === next.mtu;
  return same && old.bridge !== undefined && next.bridge !== undefined;
}

async function adjust(
  { services, vmid, key }: LiveChange,
  pid: number,
  before: string,
  after: string,
): Promise<void> {
  const [old, next] = [parseCard(key, before), parseCard(key, after)];
  const name = vethName(vmid, cardIndex(key));
  await guardCard(services, vmid, key, firewallCard(vmid, key, after));
  await configureTap(name, cardSettings(next, next.bridge ?? ''));
  await setTapLink(name, next.link_down !== true);
  if (old.ip !== next.ip || old.ip6 !== next.ip6 || old.gw !== next.gw || old.gw6 !== next.gw6) {
    await inContainer(pid, ['address', 'flush', 'dev', next.name, 'scope', 'global']);
    await giveAddresses(pid, after, key);
  }
}

/** A new card; none without `text`. */
async function plugIn(
  { services, vmid, key }: LiveChange,
  pid: number,
  text: string | undefined,
): Promise<void> {
  await guardCard(services, vmid, key, firewallCard(vmid, key, text));
  const made = text === undefined ? undefined : await makeCard(services, vmid, key, text);
  if (!made || text === undefined) return;
  const { name, hwaddr, link_down } = parseCard(key, text);
  try {
    await moveIntoContainer(made.device, pid, { name, hwaddr, up: !link_down });
    await giveAddresses(pid, text, key);
  } catch (error) {
    await removeTap(vethName(vmid, cardIndex(key)), services.paths.root);
    throw error;
  }
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
