/**
 * Puts the rules of this node's running guests in place. Which cards are to be protected stands in
 * DATA/run/firewall/guests/<vmid>.json, written before a card's tap is made and removed when it has gone; what their
 * rules are stands in the config store. All of it becomes one nftables transaction, under one lock for the node, so that
 * daemon and workers can both do it. The rules are the kernel's then: they hold while no daemon runs.
 */
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { messageOf, RyokanError } from '@ryokan/api/errors.ts';
import type { ConfigStore } from '../../cluster/store.ts';
import { ExecError, run } from '../../host/exec.ts';
import { readTextIfPresent, writeFileAtomic } from '../../host/files.ts';
import type { DataPaths } from '../../host/paths.ts';
import type { Locks } from '../../tasks/locks.ts';
import { compileFirewall, type FirewallCard, removalText } from './compile.ts';
import { parseDocument } from './document.ts';
import { firewallFeatures } from './kernel-features.ts';

export interface FirewallHost {
  readonly paths: Pick<DataPaths, 'root' | 'run'>;
  readonly store: ConfigStore;
  readonly locks: Locks;
}

export const clusterFirewall = 'firewall/cluster.fw';
export const guestFirewall = (vmid: number): string => `firewall/${vmid}.fw`;

/** Name of the node's nftables tables: nodes that share a network namespace have different ones. */
export function firewallTable(dataDir: string): string {
  return `ryokan_fw_${createHash('sha1').update(dataDir).digest('hex').slice(0, 8)}`;
}

const guestsFolder = (paths: FirewallHost['paths']) => join(paths.run, 'firewall', 'guests');
const loadedFile = (paths: FirewallHost['paths']) => join(paths.run, 'firewall', 'ruleset.nft');

/**
 * Protects these cards of a guest, and no others of it, before their taps carry traffic. Rejects with RyokanError
 * 'failed' when the rules cannot be put in place; the guest's earlier protection stays then.
 */
export async function guardGuest(
  host: FirewallHost,
  vmid: number,
  cards: readonly FirewallCard[],
): Promise<void> {
  await host.locks.with('firewall', async () => {
    const file = join(guestsFolder(host.paths), `${vmid}.json`);
    const before = readTextIfPresent(file);
    await store(file, cards.length === 0 ? undefined : JSON.stringify(cards));
    try {
      await load(host);
    } catch (error) {
      await store(file, before);
      throw error;
    }
  });
}

/** Puts the rules of all guests in place as the documents are now. Rejects as guardGuest; the last good rules stay. */
export async function applyFirewall(host: FirewallHost): Promise<void> {
  await host.locks.with('firewall', () => load(host));
}

async function store(file: string, text: string | undefined): Promise<void> {
  if (text === undefined) return rmSync(file, { force: true });
  mkdirSync(join(file, '..'), { recursive: true });
  await writeFileAtomic(file, text);
}

async function load({ paths, store: documents }: FirewallHost): Promise<void> {
  const table = firewallTable(paths.root);
  const parse = (path: string) => parseDocument(documents.get(path)?.text ?? '');
  const guests = guardedGuests(paths).map(({ vmid, cards }) => ({
    vmid,
    cards,
    document: parse(guestFirewall(vmid)),
  }));
  try {
    const input = { table, cluster: parse(clusterFirewall), guests };
    const probe = compileFirewall({ ...input, tracking: 'marks', reject: false });
    const nothing = probe === removalText(table);
    if (nothing && (readTextIfPresent(loadedFile(paths)) ?? probe) === probe) return;
    const text = nothing ? probe : compileFirewall({ ...input, ...(await firewallFeatures()) });
    await run('nft', ['-f', '-'], { input: text });
    await store(loadedFile(paths), text);
  } catch (cause) {
    const reason = cause instanceof ExecError ? cause.stderr.trim().split('\n')[0] : messageOf(cause);
    throw new RyokanError('failed', `firewall rules were not changed, the last good ones hold: ${reason}`, {
      cause,
    });
  }
}

function guardedGuests(paths: FirewallHost['paths']): { vmid: number; cards: FirewallCard[] }[] {
  const folder = guestsFolder(paths);
  mkdirSync(folder, { recursive: true });
  return readdirSync(folder).flatMap((name) => {
    const vmid = /^(\d+)\.json$/.exec(name)?.[1];
    const text = vmid === undefined ? undefined : readTextIfPresent(join(folder, name));
    return text === undefined ? [] : [{ vmid: Number(vmid), cards: JSON.parse(text) as FirewallCard[] }];
  });
}
