/**
 * Runs one function of the network layer inside a network namespace: `node network-driver.mjs <function> <DATA> <JSON
 * arguments>`. Prints `{ok}` or `{error: {code, message}}` as JSON.
 */
import { RyokanError } from '@ryokan/api/errors.ts';
import { bridges, interfaces } from '@ryokan/server/network/bridge.ts';
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

const [name = '', dataDir = '', argumentText = '[]'] = process.argv.slice(2);
const host = { paths: { root: dataDir, run: `${dataDir}/run`, log: `${dataDir}/log` } };
const args = JSON.parse(argumentText) as [unknown, unknown];

const functions: Readonly<Record<string, () => unknown>> = {
  createNatBridge: () => createNatBridge(host, args[0] as { name?: string; cidr?: string }),
  restoreNatBridge: () => restoreNatBridge(host),
  removeNatBridge: () => removeNatBridge(host, args[0] as string | undefined),
  natBridge: () => natBridge(host),
  natLeases: () => natLeases(host),
  bridges: () => bridges(),
  interfaces: () => interfaces(),
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
