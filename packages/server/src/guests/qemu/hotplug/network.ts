/** Network cards of a running guest: plugged in, taken away, moved to another network behind its back. */
import { parsePropertyString } from '@ryokan/api/schema/property-string.ts';
import { type QemuNet, qemuNetFields } from '@ryokan/api/schema/qemu-net.ts';
import { type Outcome, orBack, waits } from '../../live-outcome.ts';
import { protectCard } from '../card-firewall.ts';
import { type CardGuest, changeTap, makeTap, removeCardTap } from '../card-network.ts';
import { addNetworkCard } from '../devices/network.ts';
import { guestAccount } from '../guest-account.ts';
import type { QmpClient } from '../qmp-client.ts';
import type { LiveChange, LiveGuest } from './live-guest.ts';
import { LivePlan } from './plan.ts';
import { deviceIds, releaseDevice } from './release.ts';

/** What the guest itself sees of its card: another value is another card. */
const hardware = ['model', 'macaddr', 'queues', 'mtu', 'host-tunnel'] as const;
/** What the node does with the card's packets. */
const network = ['bridge', 'tag', 'trunks', 'rate'] as const;

export async function changeCard(live: LiveGuest, change: LiveChange): Promise<Outcome> {
  const { key, before, after } = change;
  if (before === undefined) return after === undefined ? 'done' : plugCard(live, key, after);
  if (after === undefined) return unplugCard(live, key);
  const [old, wanted] = [cardOf(before), cardOf(after)];
  const differs = (fields: readonly (keyof QemuNet)[]) =>
    fields.some((field) => old[field] !== wanted[field]);
  const otherBackend = (old.bridge === undefined) !== (wanted.bridge === undefined);
  if (differs(hardware) || otherBackend) return replaceCard(live, key, before, after);
  if (!(await deviceIds(live.qmp)).has(key)) return waits('the running guest has no such card');
  await orBack(
    async () => {
      if (differs(['firewall'])) await protectCard(live, key, after);
      if (differs(network)) await changeTap(cardGuest(live), key, after);
      if (differs(['link_down'])) await setLink(live.qmp, key, !wanted.link_down);
    },
    async () => {
      if (differs(network)) await changeTap(cardGuest(live), key, before);
      if (differs(['firewall'])) await protectCard(live, key, before);
    },
  );
  return 'done';
}

const cardOf = (text: string): QemuNet => parsePropertyString(qemuNetFields, text);

const cardGuest = ({ services, vmid }: LiveGuest): CardGuest => ({
  services,
  vmid,
  user: guestAccount(),
});

/** Plugs or unplugs the cable, as the guest sees it. */
const setLink = (qmp: QmpClient, key: string, up: boolean) => qmp.execute('set_link', { name: key, up });

function notPluggable(live: LiveGuest, key: string, text: string): string | undefined {
  if (!live.features.has('network')) return "the option 'hotplug' of this guest does not allow 'network'";
  if (cardOf(text).model === 'ne2k_isa')
    return `${key} is an ISA card, which cannot come or go while the guest runs`;
  return undefined;
}

async function plugCard(live: LiveGuest, key: string, text: string): Promise<Outcome> {
  const { qmp, vmid, context } = live;
  const reason = notPluggable(live, key, text);
  if (reason !== undefined) return waits(reason);
  // What is left where an earlier plug or unplug broke off in between: the configuration knows of no card there.
  await dropCard(live, key);
  context.undo('guest.unplug', { vmid, key });
  await orBack(
    async () => {
      await protectCard(live, key, text);
      const tap = await makeTap(cardGuest(live), key, text);
      const guest = live.describe({ key, value: text }, tap ? { taps: { [key]: tap } } : {});
      const plan = new LivePlan();
      addNetworkCard(guest, key, cardOf(text), plan);
      await plan.carryOut(qmp, (line) => context.log(line));
      if (cardOf(text).link_down) await setLink(qmp, key, false);
    },
    () => dropCard(live, key),
  );
  return 'done';
}

async function unplugCard(live: LiveGuest, key: string): Promise<Outcome> {
  const reason = notPluggable(live, key, live.properties[key] ?? '');
  if (reason !== undefined) return waits(reason);
  await dropCard(live, key);
  return 'done';
}

/** Takes a card from the guest, then its backend and its tap. No error when there is none. */
export async function dropCard(live: LiveGuest, key: string): Promise<void> {
  await releaseDevice(live.qmp, key);
  await removeBackend(live, key);
}

async function removeBackend(live: LiveGuest, key: string): Promise<void> {
  // QEMU tells of network backends in text only.
  const text = await live.qmp.execute<string>('human-monitor-command', { 'command-line': 'info network' });
  const present = text.split(/\r?\n/).some((line) => line.replace(/^[\s\\]+/, '').startsWith(`${key}: `));
  if (present) await live.qmp.execute('netdev_del', { id: key });
  await removeCardTap(live, key);
  await protectCard(live, key, undefined);
}

/** Another model or address: the guest sees one card go and another one come. */
async function replaceCard(live: LiveGuest, key: string, before: string, after: string): Promise<Outcome> {
  const reason = notPluggable(live, key, before) ?? notPluggable(live, key, after);
  if (reason !== undefined) return waits(reason);
  await dropCard(live, key);
  return orBack(
    () => plugCard(live, key, after),
    () => plugCard(live, key, before),
  );
}
