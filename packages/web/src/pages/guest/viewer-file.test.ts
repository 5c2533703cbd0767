import { expect, it } from 'vitest';
import { hasSpice, viewerFile } from './viewer-file.ts';

it('a viewer file keeps each value on one line', () => {
  expect(viewerFile({ type: 'spice', 'tls-port': 61000, ca: '-----BEGIN\nabc\n' })).toBe(
    '[virt-viewer]\ntype=spice\ntls-port=61000\nca=-----BEGIN\\nabc\\n\n',
  );
});

it('QXL displays are the ones of SPICE', () => {
  expect(['qxl', 'qxl2,memory=64', 'type=qxl', 'std', 'virtio', undefined].map(hasSpice)).toEqual([
    true,
    true,
    true,
    false,
    false,
    false,
  ]);
});
