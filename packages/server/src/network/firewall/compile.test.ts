/** Golden cases in test/firewall: documents beside the ruleset that they give. RYOKAN_GOLDEN=write makes them anew. */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { compileFirewall, type FirewallInput, removalText } from './compile.ts';
import { parseDocument } from './document.ts';

const file = (name: string) =>
  fileURLToPath(new URL(`../../../../../test/firewall/${name}`, import.meta.url));
const document = (name: string) => parseDocument(readFileSync(file(name), 'utf8'));

const guest = (vmid: number, name: string) => ({
  vmid,
  document: document(name),
  cards: [
    { key: 'net0', ifname: `tap${vmid}i0`, mac: 'BC:24:11:00:00:01' },
    { key: 'net1', ifname: `tap${vmid}i1`, mac: 'BC:24:11:00:00:02', addresses: ['198.51.100.20'] },
  ],
});

const base = (): FirewallInput => ({
  table: 'ryokan_fw',
  cluster: document('cluster.fw'),
  guests: [guest(100, 'full.fw'), guest(101, 'open.fw')],
  tracking: 'bridge',
  reject: true,
});

test.each([
  ['tracking-bridge.nft', {}],
  ['tracking-marks.nft', { tracking: 'marks', reject: false }],
] as [string, Partial<FirewallInput>][])('%s', (name, change) => {
  const text = compileFirewall({ ...base(), ...change });
  if (process.env.RYOKAN_GOLDEN === 'write') writeFileSync(file(name), text);
  expect(text).toBe(readFileSync(file(name), 'utf8'));
});

test('datacenter, guest and card all have to be switched on', () => {
  const removal = removalText('ryokan_fw');
  const off = parseDocument('[OPTIONS]\nenable: 0\n');
  expect(compileFirewall({ ...base(), cluster: off })).toBe(removal);
  expect(compileFirewall({ ...base(), guests: [] })).toBe(removal);
  expect(compileFirewall({ ...base(), guests: [{ ...guest(100, 'full.fw'), document: off }] })).toBe(removal);
  expect(compileFirewall({ ...base(), guests: [{ ...guest(100, 'full.fw'), cards: [] }] })).toBe(removal);
});

test.each([
  ['IN ACCEPT -source nobody', "firewall/100.fw rule 0: there is no alias 'nobody'"],
  ['GROUP nothing', "firewall/100.fw: there is no security group 'nothing'"],
  ['IN ACCEPT -p tcp -dport x', 'firewall/100.fw line 4'],
  ['who knows', 'firewall/100.fw line 4'],
])('%s stops everything', (line, reason) => {
  const broken = parseDocument(`[OPTIONS]\nenable: 1\n[RULES]\n${line}\n`);
  expect(() =>
    compileFirewall({ ...base(), guests: [{ ...guest(100, 'full.fw'), document: broken }] }),
  ).toThrow(reason);
});
