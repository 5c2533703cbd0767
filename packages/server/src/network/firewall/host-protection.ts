/** What the node's chain drops whatever the rules say: options nosmurfs, tcpflags and protection_synflood. Pure. */
import { type ChainInput, type ChainPlace, isOn, logStatement } from './compile-chain.ts';

type Options = Readonly<Record<string, string>>;

/** Senders that no host can be: broadcast and multicast addresses. On unless switched off. */
export function smurfs(input: ChainInput, place: ChainPlace, options: Options): string[] {
  if (!isOn(options.nosmurfs, true)) return [];
  return [
    // The unspecified address counts as broadcast too, and is who asks for an address by DHCP.
    'meta protocol ip ip saddr != 0.0.0.0 fib saddr type broadcast',
    'meta protocol ip ip saddr 224.0.0.0/4',
  ].flatMap((match) => dropped(input, place, options.smurf_log_level, match));
}

/** Combinations of TCP flags that no connection has. */
export function tcpFlags(input: ChainInput, place: ChainPlace, options: Options): string[] {
  if (!isOn(options.tcpflags, false)) return [];
  return [
    'tcp flags & (fin | syn | rst | psh | ack | urg) == (fin | psh | urg)',
    'tcp flags & (fin | syn | rst | psh | ack | urg) == 0x0',
    'tcp flags & (syn | rst) == (syn | rst)',
    'tcp flags & (fin | syn) == (fin | syn)',
    'tcp sport 0 tcp flags & (fin | syn | rst | ack) == syn',
  ].flatMap((match) => dropped(input, place, options.tcp_flags_log_level, match));
}

/** New connections of one sender above so many a second. */
export function synFlood(options: Options): string[] {
  if (!isOn(options.protection_synflood, false)) return [];
  const number = (text: string | undefined, fallback: number) => Number(text) || fallback;
  const rate = number(options.protection_synflood_rate, 200);
  const burst = number(options.protection_synflood_burst, 1000);
  return (['ip', 'ip6'] as const).map(
    (family) =>
      `tcp flags & (fin | syn | rst | ack) == syn meter syn-${family} { ${family} saddr limit rate over ${rate}/second burst ${burst} packets } drop`,
  );
}

const dropped = (
  input: ChainInput,
  place: ChainPlace,
  level: string | undefined,
  match: string,
): string[] => [...logStatement(input, place, level, 'DROP', match), `${match} drop`];
