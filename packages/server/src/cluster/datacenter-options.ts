/** Reading one option of the whole datacenter. The document is written by the API's /cluster/options. */
import type { ConfigStore } from './store.ts';

const path = 'datacenter.cfg';

/** The text of an option; undefined when it is not set. */
export function datacenterOption(store: ConfigStore, key: string): string | undefined {
  const start = `${key}:`;
  const line = store
    .get(path)
    ?.text.split('\n')
    .find((one) => one.startsWith(start));
  return line === undefined ? undefined : line.slice(start.length).trim() || undefined;
}
