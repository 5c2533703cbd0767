/** DATA/node.json: what `./ryokan up` was told, and settings that change while the node runs. */
import { readFileSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { writeFileAtomic } from './files.ts';
import type { DataPaths } from './paths.ts';

export interface NodeSettings {
  readonly node: string;
  readonly listen: string;
  readonly port: number;
  /** What runs the guests: `auto` is the result of the self-test. */
  readonly accelerator: 'auto' | 'kvm' | 'tcg';
}

export function readSettings(paths: DataPaths): NodeSettings {
  const stored = JSON.parse(readFileSync(paths.nodeJson, 'utf8')) as Partial<NodeSettings>;
  return {
    node: stored.node ?? 'localhost',
    listen: stored.listen ?? '0.0.0.0',
    port: stored.port ?? 8006,
    accelerator: stored.accelerator ?? 'auto',
  };
}

/** Changes some of the settings and leaves the rest of the file as it is. */
export async function changeSettings(paths: DataPaths, change: Partial<NodeSettings>): Promise<void> {
  const stored = JSON.parse(readFileSync(paths.nodeJson, 'utf8')) as Partial<NodeSettings>;
  await writeFileAtomic(paths.nodeJson, `${JSON.stringify({ ...stored, ...change }, null, 2)}\n`);
}

/** Where others reach the node: for a wildcard address the machine's first own one. */
export function nodeAddress({ listen }: Pick<NodeSettings, 'listen'>): string {
  if (listen !== '0.0.0.0' && listen !== '::') return listen;
  const own = Object.values(networkInterfaces())
    .flatMap((list) => list ?? [])
    .find((one) => !one.internal && one.family === 'IPv4')?.address;
  return own ?? '127.0.0.1';
}

/** A name or an address as it stands in a URL. */
export const urlHost = (host: string): string => (host.includes(':') ? `[${host}]` : host);
