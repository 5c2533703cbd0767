/** Documents of a node's store changed past the API, as an editor or a restored backup of the store does. */
import { join } from 'node:path';
import { openSqliteStore } from '../../packages/server/src/cluster/sqlite-store.ts';
import type { TestNode } from './node.ts';

/** `path` as in the store: `nodes/NODE/lxc/100.conf`. */
export async function editStored(
  node: TestNode,
  path: string,
  edit: (text: string) => string,
): Promise<void> {
  const store = openSqliteStore(join(node.dataDir, 'config.db'));
  try {
    await store.commit([], [{ path, text: edit(store.get(path)?.text ?? '') }]);
  } finally {
    await store.close();
  }
}
