/** Options of the whole datacenter (API: /cluster/options) and of one node (API: /nodes/{node}/config). */
import { readOptions } from './options-document.ts';
import type { ConfigStore } from './store.ts';

export const datacenterOptionsPath = 'datacenter.cfg';
export const nodeOptionsPath = (node: string): string => `nodes/${node}/config`;

/** The text of an option; undefined when it is not set. */
export function datacenterOption(store: ConfigStore, key: string): string | undefined {
  return readOptions(store, datacenterOptionsPath).options[key]?.trim() || undefined;
}

export function nodeOption(store: ConfigStore, node: string, key: string): string | undefined {
  return readOptions(store, nodeOptionsPath(node)).options[key]?.trim() || undefined;
}
