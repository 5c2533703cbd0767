/**
 * /etc/network/interfaces, interfaces(5): Debian, Devuan, Alpine. The container's cards stand in a section of ours; what
 * a person added to their stanzas (`post-up` and so on) moves along, everything else stays where it is.
 */
import { aroundSection, section, withSection } from '../marked-section.ts';
import type { ContainerNet } from '../setup.ts';
import type { Step } from '../step.ts';
import { type AddressPlan, addressPlans, netmask } from './families.ts';

export const ifupdown: Step = ({ files, config, ostype, first }) => {
  files.edit('/etc/network/interfaces', (text) => interfacesText(text, config.nets, ostype === 'alpine'));
  const service = '/etc/init.d/networking';
  if (ostype === 'alpine' && first && files.has(service))
    files.tree.link('/etc/runlevels/boot/networking', service);
};

/** A line that begins a stanza, with the lines that follow it. */
interface Stanza {
  readonly head: string;
  readonly body: readonly string[];
}

/** Alpine's ifup knows neither routers nor DHCP for IPv6, so its `kernelOnly` leaves both to the kernel. */
export function interfacesText(text: string, nets: readonly ContainerNet[], kernelOnly = false): string {
  const names = new Set(nets.map(({ name }) => name));
  const extras = new Extras();
  for (const stanza of stanzas(section(text) ?? '')) extras.take(stanza);
  let loopback = false;
  const theirs = aroundSection(text, (part) =>
    stanzas(part)
      .flatMap((stanza) => {
        const [kind, card = ''] = words(stanza.head);
        if (kind === 'iface' && card === 'lo') loopback = true;
        if (kind === 'iface' && names.has(card)) {
          extras.take(stanza);
          return stanza.body.filter((line) => /^\s*#/.test(line));
        }
        return [withoutCards(stanza.head, names), ...stanza.body];
      })
      .join(''),
  );
  const content = [
    ...(loopback ? [] : ['auto lo\niface lo inet loopback\n']),
    ...nets.map((net) => cardText(net, extras, kernelOnly)),
  ].join('\n');
  return withSection(theirs, content, 'bottom');
}

/** Takes a file apart without losing a character; what comes before the first stanza is one with an empty head. */
function stanzas(text: string): Stanza[] {
  const found: { head: string; body: string[] }[] = [{ head: '', body: [] }];
  for (const line of text.split(/(?<=\n)/)) {
    if (
      /^\s*(auto|allow-\S+|iface|mapping|source|source-directory|no-auto-down|no-scripts|template)\s/.test(
        line,
      )
    ) {
      found.push({ head: line, body: [] });
    } else if (line !== '') found.at(-1)?.body.push(line);
  }
  return found;
}

const words = (line: string): string[] => line.trim().split(/\s+/);

/** `auto eth0 eth1` without the cards that have their own line; nothing when none is left. */
function withoutCards(head: string, names: ReadonlySet<string>): string {
  const [kind = '', ...cards] = words(head);
  if (!/^(auto|allow-\S+)$/.test(kind)) return head;
  const left = cards.filter((card) => !names.has(card));
  if (left.length === cards.length) return head;
  return left.length === 0 ? '' : `${[kind, ...left].join(' ')}\n`;
}

/** Options that follow from the configuration. */
const ourOptions =
  /^\s*(address|netmask|broadcast|network|gateway)\s|^\s*(post-up|pre-down) ip (-6 )?route (add|del) /;

/** Options of a card's stanzas that somebody else wrote, by `eth0 inet`. */
class Extras {
  private readonly lines = new Map<string, string[]>();

  take({ head, body }: Stanza): void {
    const [kind, card = '', family = ''] = words(head);
    if (kind !== 'iface') return;
    const key = `${card} ${family}`;
    const seen = this.lines.get(key) ?? [];
    const more = body.filter((line) => line.trim() !== '' && !/^\s*#/.test(line) && !ourOptions.test(line));
    this.lines.set(key, [...seen, ...more.filter((line) => !seen.includes(line))]);
  }

  of(card: string, family: string): string[] {
    return this.lines.get(`${card} ${family}`) ?? [];
  }
}

function cardText(net: ContainerNet, extras: Extras, kernelOnly: boolean): string {
  const text = addressPlans(net).map((plan) => {
    const method = kernelOnly && plan.family === 'inet6' && plan.method !== 'static' ? 'manual' : plan.method;
    const options = [...optionsOf(net.name, plan), ...extras.of(net.name, plan.family)];
    return `iface ${net.name} ${plan.family} ${method}\n${options.join('')}`;
  });
  return `auto ${net.name}\n${text.join('\n')}`;
}

function optionsOf(
  card: string,
  { family, address, prefix, gateway, gatewayOutside }: AddressPlan,
): string[] {
  if (address === undefined || prefix === undefined) return [];
  const lines = [`address ${address}`, `netmask ${family === 'inet' ? netmask(prefix) : prefix}`];
  if (gateway !== undefined && !gatewayOutside) lines.push(`gateway ${gateway}`);
  if (gateway !== undefined && gatewayOutside) {
    const route = family === 'inet' ? 'ip route' : 'ip -6 route';
    lines.push(
      `post-up ${route} add ${gateway} dev ${card}`,
      `post-up ${route} add default via ${gateway} dev ${card}`,
      `pre-down ${route} del default via ${gateway} dev ${card}`,
      `pre-down ${route} del ${gateway} dev ${card}`,
    );
  }
  return lines.map((line) => `\t${line}\n`);
}
