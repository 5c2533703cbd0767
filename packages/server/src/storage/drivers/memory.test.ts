import { describe } from 'vitest';
import { type ConformanceSubject, driverConformance } from '../driver-conformance.ts';
import { createMemoryDriver, MemoryBackend, type MemoryOptions } from './memory.ts';

async function subject(options: MemoryOptions = {}): Promise<ConformanceSubject> {
  const config = { storage: 'mem', type: 'memory', properties: {} };
  const backend = new MemoryBackend(options.capacity);
  const driver = createMemoryDriver(config, options, backend);
  return {
    driver,
    other: createMemoryDriver(config, options, backend),
    poke: async (name, offset, byte) => driver.poke(name, offset, byte),
    peek: async (name, offset) => driver.peek(name, offset),
    cleanup: async () => {},
  };
}

describe('memory', () => {
  driverConformance('memory', () => subject());
  // The suite itself must hold for a driver that can do next to nothing.
  driverConformance('memory, images only', () =>
    subject({
      capabilities: {
        content: ['images'],
        imageFormats: ['raw'],
        snapshot: [],
        linkedClone: [],
        snapshotClone: [],
        resize: false,
        attributes: [],
      },
    }),
  );
});
