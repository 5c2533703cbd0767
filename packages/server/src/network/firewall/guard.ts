/**
 * Puts the rules of this node and of its running guests in place. Which cards are to be protected stands in
 * DATA/run/firewall/guests/<vmid>.json, written before a card's tap is made and removed when it has gone; what their
 * rules are stands in the config store. All of it becomes one nftables transaction, under one lock for the node, so that
 * daemon and workers can both do it. The rules are the kernel's then: they hold while no daemon runs.
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { messageOf, RyokanError } from '@ryokan/api/errors.ts';
import type { ConfigStore } from '../../cluster/store.ts';
import { ExecError, run } from '../../host/exec.ts';
import { readTextIfPresent, writeFileAtomic } from '../../host/files.ts';
import type { DataPaths } from '../../host/paths.ts';
import type { Locks } from '../../tasks/locks.ts';
import {
  type CompiledFirewall,
  type CompileProblem,
  compileFirewall,
  removalText,
  understandingProblems,
} from './compile.ts';
import { isEnabled } from './compile-chain.ts';
import type { BridgeFeatures, FirewallCard } from './compile-guest.ts';
import { type FirewallDocument, parseDocument } from './document.ts';
import { clusterFirewall, guestFirewall, nodeFirewall, readDocument, withLocalNetwork } from './documents.ts';
import { firewallFeatures, prepareMarks } from './kernel-features.ts';
import { nodeFacts } from './node-facts.ts';
import { keepPacketLog, logGroup } from './packet-log.ts';

export interface FirewallHost {
  readonly paths: Pick<DataPaths, 'root' | 'run'>;
  readonly settings: { readonly node: string; readonly port: number };
  readonly store: ConfigStore;
  readonly locks: Locks;
}

type Paths = FirewallHost['paths'];

/** How the last attempt to load the rules went; stands in DATA/run/firewall/state.json. */
export interface FirewallState {
  readonly problems: readonly CompileProblem[];
  /** Nothing could be changed: what nft or the kernel said. */
  readonly failure?: string | undefined;
  /** Why packets are not logged although rules say so. */
  readonly log?: string | undefined;
  /** What the kernel can do; undefined as long as there were no rules to load. */
  readonly features?: BridgeFeatures | undefined;
}

/** Many guests may start at once, each with a transaction of its own. */
const lockPatience = 120_000;

/** Name of the node's nftables tables: nodes that share a network namespace have different ones. */
export function firewallTable(dataDir: string): string {
  return `ryokan_fw_${createHash('sha1').update(dataDir).digest('hex').slice(0, 8)}`;
}

const folder = (paths: Paths) => join(paths.run, 'firewall');
const guestsFolder = (paths: Paths) => join(folder(paths), 'guests');
const cardsFile = (paths: Paths, vmid: number) => join(guestsFolder(paths), `${vmid}.json`);
const loadedFile = (paths: Paths) => join(folder(paths), 'ruleset.nft');
const stateFile = (paths: Paths) => join(folder(paths), 'state.json');
/** The datacenter's document as it was understood last. */
const goodClusterFile = (paths: Paths) => join(folder(paths), 'cluster.fw');

/**
 * Protects these cards of a guest, and no others of it, before their taps carry traffic. Rejects with RyokanError
 * 'failed' when their rules cannot be put in place; the guest's earlier protection stays then.
 */
export function guardGuest(host: FirewallHost, vmid: number, cards: readonly FirewallCard[]): Promise<void> {
  return changeCards(host, vmid, () => cards);
}

/** Protects one card of a guest as well; with undefined instead of a card it is left alone from now on. */
export function guardCard(
  host: FirewallHost,
  vmid: number,
  key: string,
  card: FirewallCard | undefined,
): Promise<void> {
  return changeCards(host, vmid, (cards) => [
    ...cards.filter((one) => one.key !== key),
    ...(card ? [card] : []),
  ]);
}

/** The cards of a guest that are protected now. */
export function guardedCards(paths: Paths, vmid: number): FirewallCard[] {
  return JSON.parse(readTextIfPresent(cardsFile(paths, vmid)) ?? '[]') as FirewallCard[];
}

/** Forgets a guest's cards; its chains go with the next change. For clean-ups that have no store. */
export function forgetGuest(paths: Paths, vmid: number): void {
  rmSync(cardsFile(paths, vmid), { force: true });
}

/**
 * Puts all rules in place as the documents are now. A document that is broken keeps what was loaded of it; that and
 * failures stand in `firewallState`. Rejects with RyokanError 'failed' when nothing could be changed.
 */
export async function applyFirewall(host: FirewallHost): Promise<FirewallState> {
  return host.locks.with('firewall', () => load(host, true), { timeout: lockPatience });
}

/** Loads the rules again if they are not those that should be there: others' programs may flush all tables. */
export async function checkFirewall(host: FirewallHost): Promise<void> {
  const table = firewallTable(host.paths.root);
  const present = (await run('nft', ['list', 'tables'])).stdout.includes(` ${table}\n`);
  const expected = readTextIfPresent(loadedFile(host.paths)) ?? '';
  const lost = !present && expected !== '' && expected !== removalText(table);
  await host.locks.with('firewall', () => load(host, lost), { timeout: lockPatience });
}

export function firewallState(paths: Paths): FirewallState {
  return JSON.parse(readTextIfPresent(stateFile(paths)) ?? '{"problems":[]}') as FirewallState;
}

async function changeCards(
  host: FirewallHost,
  vmid: number,
  change: (cards: readonly FirewallCard[]) => readonly FirewallCard[],
): Promise<void> {
  const { paths, locks } = host;
  const file = cardsFile(paths, vmid);
  // Not even a lock for the many guests without a firewall: the file is written by who holds the guest's own.
  const isFree = () => change([]).length === 0 && !existsSync(file) && !hasChains(paths, vmid);
  if (isFree()) return;
  const work = async () => {
    const before = readTextIfPresent(file);
    const cards = change(guardedCards(paths, vmid));
    if (isFree()) return;
    await store(file, cards.length === 0 ? undefined : JSON.stringify(cards));
    try {
      const { problems } = await load(host, cards.length > 0);
      const problem = problems.find((one) => one.vmid === vmid && !one.kept);
      if (problem && cards.length > 0) throw new RyokanError('failed', brokenText(vmid, problem.text));
    } catch (error) {
      await store(file, before);
      throw error;
    }
  };
  await locks.with('firewall', work, { timeout: lockPatience });
}

const brokenText = (vmid: number, reason: string): string =>
  `the firewall of guest ${vmid} cannot be put in place: ${reason}; correct that, or switch the firewall off`;

/** Chains of a guest whose clean-up could not reach the kernel. */
const hasChains = (paths: Paths, vmid: number): boolean =>
  (readTextIfPresent(loadedFile(paths)) ?? '').match(new RegExp(`chain (?:tap|veth)${vmid}i`)) !== null;

async function store(file: string, text: string | undefined): Promise<void> {
  if (text === undefined) return rmSync(file, { force: true });
  mkdirSync(dirname(file), { recursive: true });
  await writeFileAtomic(file, text);
}

/** The caller holds the lock. With `force` the kernel gets the rules even when they are those that it had last. */
async function load(host: FirewallHost, force: boolean): Promise<FirewallState> {
  const { paths } = host;
  let features: BridgeFeatures | undefined;
  try {
    const cluster = await understoodCluster(host);
    const loaded = readTextIfPresent(loadedFile(paths)) ?? '';
    const nothing = removalText(firewallTable(paths.root));
    const off = !isEnabled(cluster.document);
    if (!off) features = await kernelFeatures(host, force);
    const { text, problems } = off
      ? { text: nothing, problems: [] }
      : await compile(host, cluster.document, features as BridgeFeatures, loaded);
    if (!(text === (loaded || nothing) && (!force || text === nothing))) {
      await run('nft', ['-f', '-'], { input: text });
      await store(loadedFile(paths), text);
    }
    const log = await keepPacketLog(host, text);
    return await remember(paths, { problems: [...cluster.problems, ...problems], log, features });
  } catch (cause) {
    const reason = cause instanceof ExecError ? cause.stderr.trim().split('\n')[0] : messageOf(cause);
    await remember(paths, { problems: [], failure: reason || messageOf(cause), features });
    throw new RyokanError('failed', `firewall rules were not changed, the last good ones hold: ${reason}`, {
      cause,
    });
  }
}

async function remember(paths: Paths, state: FirewallState): Promise<FirewallState> {
  const text = JSON.stringify(state);
  if (readTextIfPresent(stateFile(paths)) !== text) await store(stateFile(paths), text);
  return state;
}

/** The kernel is asked when rules are to be loaded; a mere look rests on what it said before. */
async function kernelFeatures({ paths }: FirewallHost, ask: boolean): Promise<BridgeFeatures> {
  const before = firewallState(paths).features;
  const features = before && !ask ? before : await firewallFeatures();
  if (features.tracking === 'marks') await prepareMarks();
  return features;
}

/**
 * The datacenter's document, as it was understood last when it cannot be understood now. Throws an Error when it never
 * was: nobody can say then what should hold.
 */
async function understoodCluster({
  store: documents,
  paths,
}: FirewallHost): Promise<{ document: FirewallDocument; problems: CompileProblem[] }> {
  const text = documents.get(clusterFirewall)?.text ?? '';
  const document = parseDocument(text);
  const good = readTextIfPresent(goodClusterFile(paths));
  const [problem] = understandingProblems(document);
  if (!problem || !isEnabled(document)) {
    if (good !== text) await store(goodClusterFile(paths), text);
    return { document, problems: [] };
  }
  const reason = `${clusterFirewall} line ${problem.line}: ${problem.text}`;
  if (good === undefined) throw new Error(reason);
  return { document: parseDocument(good), problems: [{ vmid: 0, text: reason, kept: true }] };
}

async function compile(
  host: FirewallHost,
  cluster: FirewallDocument,
  features: BridgeFeatures,
  loaded: string,
): Promise<CompiledFirewall> {
  const { paths, store: documents, settings } = host;
  const facts = await nodeFacts(host);
  const path = nodeFirewall(settings.node);
  const input = {
    table: firewallTable(paths.root),
    cluster: withLocalNetwork(cluster, facts.localNetworks),
    logGroup: logGroup(paths.root),
    guests: guardedGuests(paths).map(({ vmid, cards }) => ({
      vmid,
      cards,
      document: readDocument(documents, guestFirewall(vmid)),
    })),
    node: { ...facts, path, document: readDocument(documents, path) },
    ...features,
  };
  return compileFirewall(input, loaded);
}

function guardedGuests(paths: Paths): { vmid: number; cards: FirewallCard[] }[] {
  if (!existsSync(guestsFolder(paths))) return [];
  return readdirSync(guestsFolder(paths))
    .map((name) => Number(/^(\d+)\.json$/.exec(name)?.[1]))
    .filter((vmid) => Number.isInteger(vmid))
    .sort((a, b) => a - b)
    .map((vmid) => ({ vmid, cards: guardedCards(paths, vmid) }));
}
