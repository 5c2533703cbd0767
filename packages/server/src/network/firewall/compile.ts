/**
 * Firewall documents to an nftables ruleset. Pure; golden cases stand in test/firewall.
 *
 * Guests' cards are filtered in family bridge, at the hooks prerouting and postrouting, so that packets from and to the
 * node itself are seen as well as those between guests. The node's own packets are filtered in family inet. What cannot be
 * compiled keeps the chains that are loaded; everything else changes all the same.
 */
import { type ChainInput, isEnabled } from './compile-chain.ts';
import {
  type BridgeFeatures,
  cardStatements,
  type FirewallCard,
  type FirewallGuest,
  invalidMark,
  knownMark,
} from './compile-guest.ts';
import { type FirewallNode, hostChains, isNodeEnabled } from './compile-host.ts';
import { documentProblems, type FirewallDocument } from './document.ts';

export interface FirewallInput extends ChainInput, BridgeFeatures {
  /** Name of the tables; a node's own. */
  readonly table: string;
  readonly guests: readonly FirewallGuest[];
  readonly node?: FirewallNode | undefined;
}

/** A part whose documents cannot be compiled. */
export interface CompileProblem {
  /** Whose rules are concerned: 0 is the node itself. */
  readonly vmid: number;
  /** Names the document, the line or rule, and what is wrong. */
  readonly text: string;
  /** The rules that were loaded before still hold; without them there were none. */
  readonly kept: boolean;
}

export interface CompiledFirewall {
  /** One transaction for `nft -f`: the old tables go, the new ones come, and no packet passes in between. */
  readonly text: string;
  readonly problems: readonly CompileProblem[];
}

/** Text that removes the node's tables, whether they are there or not. */
export function removalText(table: string): string {
  return ['bridge', 'inet']
    .map((family) => `table ${family} ${table} {}\ndelete table ${family} ${table}\n`)
    .join('');
}

/** `loaded` is the text that was compiled last: what cannot be compiled now is taken from it. */
export function compileFirewall(input: FirewallInput, loaded = ''): CompiledFirewall {
  const compiler = new Compiler(input, loadedChains(loaded));
  if (isEnabled(input.cluster)) {
    for (const guest of input.guests) if (isEnabled(guest.document)) compiler.addGuest(guest);
    if (input.node && isNodeEnabled(input.cluster, input.node.document)) compiler.addNode(input.node);
  }
  return { text: compiler.text(), problems: compiler.problems };
}

type Chains = Record<string, readonly string[]>;

/** The chains of a compiled text by name, with the comment in their first line. */
function loadedChains(text: string): Chains {
  const chains: Record<string, string[]> = {};
  for (const [, name = '', body = ''] of text.matchAll(/^ {2}chain (\S+) \{\n((?: {4}.*\n)*) {2}\}$/gm)) {
    chains[name] = body.split('\n').flatMap((line) => (line === '' ? [] : [line.slice(4)]));
  }
  return chains;
}

/** Throws an Error that names the first line that is not understood. */
function demandUnderstood(path: string, document: FirewallDocument): void {
  const [problem] = understandingProblems(document);
  if (problem) throw new Error(`${path} line ${problem.line}: ${problem.text}`);
}

/** Lines that change the meaning of the rest. A section that is not known does not. */
export function understandingProblems(document: FirewallDocument) {
  return documentProblems(document).filter(({ text }) => !text.endsWith('this section is not known'));
}

class Compiler {
  readonly problems: CompileProblem[] = [];
  readonly #cards: FirewallCard[] = [];
  readonly #bridge: Chains = {};
  readonly #inet: Chains = {};

  constructor(
    private readonly input: FirewallInput,
    private readonly loaded: Chains,
  ) {}

  addGuest(guest: FirewallGuest): void {
    const { vmid, document, cards } = guest;
    try {
      demandUnderstood(`firewall/${vmid}.fw`, document);
      const made = cards.map((card) => this.#cardChains(guest, card));
      Object.assign(this.#bridge, ...made);
      this.#cards.push(...cards);
    } catch (error) {
      const names = cards.map((card) => chainNames(card));
      const old = cards.filter((card, i) =>
        (names[i] ?? []).every((name) => this.loaded[name]?.[0] === this.#mark(card)),
      );
      for (const name of old.flatMap(chainNames)) this.#bridge[name] = this.loaded[name] ?? [];
      this.#cards.push(...old);
      this.#tell(vmid, error, old.length === cards.length);
    }
  }

  addNode(node: FirewallNode): void {
    try {
      demandUnderstood(node.path, node.document);
      for (const [name, lines] of Object.entries(hostChains(this.input, node))) {
        this.#inet[name] = ['# node', ...lines];
      }
    } catch (error) {
      const old = ['host-in', 'host-out', 'host-forward'].filter((name) => this.loaded[name]);
      for (const name of old) this.#inet[name] = this.loaded[name] ?? [];
      this.#tell(0, error, old.length > 0);
    }
  }

  text(): string {
    const { table, tracking, reject } = this.input;
    const marks = tracking === 'marks' && this.#cards.length > 0 ? marksChains : {};
    const inet = {
      ...marks,
      ...('host-in' in this.#inet ? { refuse: refuseStatements } : {}),
      ...this.#inet,
    };
    const bridge = { ...(reject ? { refuse: refuseStatements } : {}), ...this.#bridge, ...this.#entrances() };
    return [
      removalText(table).trimEnd(),
      ...(Object.keys(inet).length > 0 ? tableLines('inet', table, inet) : []),
      ...(this.#cards.length > 0 ? tableLines('bridge', table, bridge) : []),
      '',
    ].join('\n');
  }

  #cardChains(guest: FirewallGuest, card: FirewallCard): Chains {
    const [out, into] = chainNames(card);
    const mark = this.#mark(card);
    return {
      [out]: [mark, ...cardStatements(this.input, guest, card, 'out')],
      [into]: [mark, ...cardStatements(this.input, guest, card, 'in')],
    };
  }

  /** Chains of another card, or for another kernel, are no substitute. */
  #mark({ key, mac, addresses = [] }: FirewallCard): string {
    const { tracking, reject } = this.input;
    return `# ${[key, mac, ...addresses, tracking, ...(reject ? ['reject'] : [])].join(' ')}`;
  }

  /** Where packets go into the chains: behind br_netfilter, which works at priority 0. */
  #entrances(): Chains {
    const verdicts = (direction: 'in' | 'out') =>
      this.#cards.map(({ ifname }) => `"${ifname}" : jump ${ifname}-${direction}`).join(', ');
    return {
      'from-guests': [
        'type filter hook prerouting priority 10; policy accept;',
        `iifname vmap { ${verdicts('out')} }`,
      ],
      'to-guests': [
        'type filter hook postrouting priority 10; policy accept;',
        `oifname vmap { ${verdicts('in')} }`,
      ],
    };
  }

  #tell(vmid: number, error: unknown, kept: boolean): void {
    this.problems.push({ vmid, text: (error as Error).message, kept });
  }
}

const chainNames = ({ ifname }: FirewallCard): [string, string] => [`${ifname}-out`, `${ifname}-in`];

const tableLines = (family: string, table: string, chains: Chains): string[] => [
  `table ${family} ${table} {`,
  ...Object.entries(chains).flatMap(([name, lines]) => [
    `  chain ${name} {`,
    ...lines.map((line) => `    ${line}`),
    '  }',
  ]),
  '}',
];

const marksChains: Chains = Object.fromEntries(
  ['prerouting', 'output'].map((hook) => [
    hook,
    [
      `type filter hook ${hook} priority -150; policy accept;`,
      `ct state established,related meta mark set meta mark | ${knownMark}`,
      `ct state invalid meta mark set meta mark | ${invalidMark}`,
    ],
  ]),
);

const refuseStatements = [
  'meta l4proto tcp reject with tcp reset',
  'meta protocol { ip, ip6 } reject with icmpx type port-unreachable',
  'drop',
];
