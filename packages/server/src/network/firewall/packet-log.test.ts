import { expect, test } from 'vitest';
import { logGroup, parsePacket } from './packet-log.ts';

const packet = (fields: Record<string, unknown>) =>
  JSON.stringify({
    'oob.prefix': ':100:6:tap100i0-in: policy DROP: ',
    'oob.time.sec': 1795276566,
    ...fields,
  });

test('a packet of TCP', () => {
  const line = packet({
    ...{ 'oob.in': '', 'oob.out': 'vmbr0', src_ip: '192.0.2.1', dest_ip: '192.0.2.9', 'ip.protocol': 6 },
    ...{ 'ip.totlen': 60, src_port: 4711, dest_port: 22, 'tcp.syn': 1 },
  });
  expect(parsePacket(line)).toEqual({
    vmid: 100,
    time: 1795276566,
    text: '100 6 tap100i0-in 21/Nov/2026:15:56:06 +0000 policy DROP: OUT=vmbr0 SRC=192.0.2.1 DST=192.0.2.9 LEN=60 PROTO=TCP SPT=4711 DPT=22 SYN',
  });
});

test.each(['', '{"oob.pre', '{"oob.prefix":"somebody else"}'])('%j is no packet of ours', (line) => {
  expect(parsePacket(line)).toBeUndefined();
});

test('nodes have groups of their own, never the one that everybody has', () => {
  const groups = Array.from({ length: 200 }, (_, i) => logGroup(`/var/lib/node${i}`));
  expect(Math.min(...groups)).toBeGreaterThan(0);
  expect(Math.max(...groups)).toBeLessThan(65_536);
  expect(new Set(groups).size).toBeGreaterThan(190);
});
