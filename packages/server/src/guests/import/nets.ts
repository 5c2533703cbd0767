/** Network cards of an OVF descriptor. */
import { netModels } from '@ryokan/api/schema/qemu-net.ts';
import { itemType, type OvfItem, type OvfMachine } from './ovf.ts';
import type { RecognisedNet } from './recognised.ts';
import type { Warnings } from './warnings.ts';

const mostCards = 32;

export function netsOf(machine: OvfMachine, warnings: Warnings): Record<string, RecognisedNet> {
  const nets: Record<string, RecognisedNet> = {};
  const cards = machine.items.filter((item) => item.type === itemType.ethernet);
  for (const [index, item] of cards.slice(0, mostCards).entries()) {
    const macaddr = macOf(item.address) ?? macOf(machine.virtualBox?.macs[index]);
    nets[`net${index}`] = {
      model: modelOf(item, `net${index}`, warnings),
      ...(macaddr === undefined ? {} : { macaddr }),
      ...(item.connection === undefined ? {} : { network: item.connection.slice(0, 120) }),
    };
  }
  for (const item of cards.slice(mostCards)) warnings.add('device-not-imported', item.name, item.subType);
  return nets;
}

function modelOf({ subType }: OvfItem, key: string, warnings: Warnings): string {
  // VMware offers several: `VmxNet3 E1000`.
  const kinds = subType.toLowerCase().split(/\s+/);
  for (const kind of kinds) {
    const model = netModels.find((one) => one === kind);
    if (model) return model;
    if (/^pcnet|^am79c/.test(kind)) return 'pcnet';
    if (/^8254|^e1000/.test(kind)) return 'e1000';
    if (/^virtio/.test(kind)) return 'virtio';
  }
  if (subType !== '') warnings.add('device-replaced', key, `${subType} → e1000`);
  return 'e1000';
}

/** Six bytes in any notation; undefined for none, and for group addresses, which no card may have. */
function macOf(text: string | undefined): string | undefined {
  const digits = text?.replace(/[:.-]/g, '').toUpperCase() ?? '';
  if (!/^[0-9A-F]{12}$/.test(digits) || /^0{12}$/.test(digits)) return undefined;
  if (Number.parseInt(digits.slice(0, 2), 16) & 1) return undefined;
  return digits.match(/../g)?.join(':');
}
