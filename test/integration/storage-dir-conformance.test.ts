/** The conformance suite of storage drivers on `dir`, with the real qemu-img. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run } from '../../packages/server/src/host/exec.ts';
import {
  type ConformanceSubject,
  driverConformance,
} from '../../packages/server/src/storage/driver-conformance.ts';
import { createDirDriver } from '../../packages/server/src/storage/drivers/dir.ts';

async function subject(properties: Record<string, string> = {}): Promise<ConformanceSubject> {
  const path = await mkdtemp(join(tmpdir(), 'ryokan-dir-'));
  const config = { storage: 'local', type: 'dir', properties: { path, ...properties } };
  const driver = createDirDriver(config);
  const formatOf = async (name: string) => (await driver.info(name)).format;
  return {
    driver,
    other: createDirDriver(config),
    poke: async (name, offset, byte) => {
      const command = `write -q -P ${byte} ${offset} 4k`;
      await run('qemu-io', ['-f', await formatOf(name), '-c', command, driver.path(name)]);
    },
    peek: async (name, offset) => {
      const args = ['-r', '-f', await formatOf(name), '-c', `read -v ${offset} 512`, driver.path(name)];
      const { stdout } = await run('qemu-io', args);
      return Number.parseInt(/^[0-9a-f]+:\s+([0-9a-f]{2})/m.exec(stdout)?.[1] ?? '', 16);
    },
    cleanup: () => rm(path, { recursive: true }),
  };
}

driverConformance('dir', () => subject());
driverConformance('dir, qcow2 first', () => subject({ format: 'qcow2', preallocation: 'metadata' }));
driverConformance('dir, snapshots as layers', () =>
  subject({ format: 'qcow2', 'snapshot-as-volume-chain': '1' }),
);
