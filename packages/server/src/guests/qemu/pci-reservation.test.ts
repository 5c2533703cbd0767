import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { dataPaths } from '../../host/paths.ts';
import type { PciHost } from '../../host/pci-binding.ts';
import { releasePci, reservedPci, reservePci } from './pci-reservation.ts';
import { qemuRunPaths } from './run-paths.ts';

let root: string;
let sys: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'ryokan-reserved-'));
  sys = join(root, 'sys');
  mkdirSync(dataPaths(root).qemuRun, { recursive: true });
  for (const address of ['0000:01:00.0', '0000:01:00.1', '0000:02:00.0']) {
    const folder = join(sys, 'bus/pci/devices', address);
    mkdirSync(folder, { recursive: true });
    for (const name of ['class', 'vendor', 'device']) writeFileSync(join(folder, name), '0x1\n');
    symlinkSync(join(sys, 'bus/pci/drivers/vfio-pci'), join(folder, 'driver'));
  }
});
afterEach(() => rmSync(root, { recursive: true }));

test('what had a driver goes back to it, the rest stays, and one that fails keeps no other', () => {
  const paths = dataPaths(root);
  const probed: string[] = [];
  const host: PciHost = {
    sys,
    loadDriver: async () => {},
    write(path, text) {
      if (text === '0000:01:00.0') throw new Error('EBUSY');
      if (path.endsWith('unbind')) rmSync(join(sys, 'bus/pci/devices', text, 'driver'));
      if (path.endsWith('drivers_probe')) probed.push(text);
    },
  };
  reservePci(paths, 100, {
    '0000:01:00.0': 'nouveau',
    '0000:01:00.1': 'snd_hda_intel',
    '0000:02:00.0': null,
  });
  expect(Object.keys(reservedPci(paths, 100))).toHaveLength(3);
  releasePci(paths, 100, host);
  expect(probed).toEqual(['0000:01:00.1']);
  expect(existsSync(qemuRunPaths(paths, 100).hostpci)).toBe(false);
  releasePci(paths, 100, host);
  expect(probed).toHaveLength(1);
});
