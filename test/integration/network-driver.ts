/**
 * Runs one function of the network layer inside a network namespace: `node network-driver.mjs <function> <DATA> <JSON
 * arguments>`. Prints `{ok}` or `{error: {code, message}}` as JSON.
 */
import { RyokanError } from '@ryokan/api/errors.ts';
import { openSqliteStore } from '@ryokan/server/cluster/sqlite-store.ts';
import { bridges, interfaces } from '@ryokan/server/network/bridge.ts';
import type { FirewallCard } from '@ryokan/server/network/firewall/compile-guest.ts';
import {
  applyFirewall,
  checkFirewall,
  type FirewallHost,
  guardGuest,
} from '@ryokan/server/network/firewall/guard.ts';
import {
  createNatBridge,
  natBridge,
  natLeases,
  removeNatBridge,
  restoreNatBridge,
} from '@ryokan/server/network/nat-bridge.ts';
import {
  configureTap,
  createTap,
  removeTap,
  type TapOptions,
  type TapSettings,
} from '@ryokan/server/network/tap.ts';
import { NodeDb } from '@ryokan/server/tasks/node-db.ts';
import { NodeLocks } from '@ryokan/server/tasks/node-locks.ts';

const [name = '', dataDir = '', argumentText = '[]'] = process.argv.slice(2);
const host = { paths: { root: dataDir, run: `${dataDir}/run`, log: `${dataDir}/log` } };
const args = JSON.parse(argumentText) as [unknown, unknown];

/** With the store and the locks of the node in the data folder. */
async function withFirewall<T>(work: (firewall: FirewallHost) => Promise<T>): Promise<T> {
  const store = openSqliteStore(`${dataDir}/config.db`);
  const locks = new NodeLocks(new NodeDb(`${dataDir}/node.db`), () => 'test');
  const settings = { node: 'lab', port: 8006 };
  return work({ ...host, settings, store, locks }).finally(() => store.close());
}

/** Writes a document; null removes it. */
async function writeDocument(path: string, text: string | null): Promise<void> {
  await withFirewall(async ({ store }) => {
    await store.commit([], [{ path, text }]);
  });
}

const functions: Readonly<Record<string, () => unknown>> = {
  createNatBridge: () => createNatBridge(host, args[0] as { name?: string; cidr?: string }),
  restoreNatBridge: () => restoreNatBridge(host),
  removeNatBridge: () => removeNatBridge(host, args[0] as string | undefined),
  natBridge: () => natBridge(host),
  natLeases: () => natLeases(host),
  bridges: () => bridges(),
  interfaces: () => interfaces(),
  writeDocument: () => writeDocument(args[0] as string, args[1] as string | null),
  guardGuest: () =>
    withFirewall((firewall) => guardGuest(firewall, args[0] as number, args[1] as FirewallCard[])),
  applyFirewall: () => withFirewall(applyFirewall),
  checkFirewall: () => withFirewall(checkFirewall),
  createTap: () => createTap(args[0] as string, { dataDir, ...(args[1] as Omit<TapOptions, 'dataDir'>) }),
  configureTap: () => configureTap(args[0] as string, args[1] as TapSettings),
  removeTap: () => removeTap(args[0] as string, dataDir),
};

try {
  const result = await functions[name]?.();
  process.stdout.write(JSON.stringify({ ok: result ?? null }));
} catch (error) {
  const code = error instanceof RyokanError ? error.code : 'unexpected';
  process.stdout.write(JSON.stringify({ error: { code, message: String(error) } }));
}
