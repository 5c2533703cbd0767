import { MemoryStore } from './memory-store.ts';
import { storeConformance } from './store-conformance.ts';

storeConformance('memory', async () => {
  const store = new MemoryStore();
  return { store, second: async () => new MemoryStore(store), dispose: async () => {} };
});
