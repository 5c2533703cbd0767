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
  logGroup: 7,
  tracking: 'bridge',
  reject: true,
  node: {
    path: 'nodes/one/host.fw',
    document: document('host.fw'),
    apiPort: 8006,
    localNetworks: ['192.0.2.0/24', '2001:db8:1::/64'],
    bridges: ['vmbr0'],
    natBridge: 'vmbr0',
  },
});

test.each([
  ['tracking-bridge.nft', {}],
  ['tracking-marks.nft', { tracking: 'marks', reject: false }],
] as [string, Partial<FirewallInput>][])('%s', (name, change) => {
  const { text, problems } = compileFirewall({ ...base(), ...change });
  expect(problems).toEqual([]);
  if (process.env.RYOKAN_GOLDEN === 'write') writeFileSync(file(name), text);
  expect(text).toBe(readFileSync(file(name), 'utf8'));
});

const compiled = (change: Partial<FirewallInput>, loaded?: string) =>
  compileFirewall({ ...base(), node: undefined, ...change }, loaded);

test('datacenter, guest and card all have to be switched on', () => {
  const removal = removalText('ryokan_fw');
  const off = parseDocument('[OPTIONS]\nenable: 0\n');
  const rules = (change: Partial<FirewallInput>) => compiled(change).text;
  expect(rules({ cluster: off, node: base().node })).toBe(removal);
  expect(rules({ guests: [] })).toBe(removal);
  expect(rules({ guests: [{ ...guest(100, 'full.fw'), document: off }] })).toBe(removal);
  expect(rules({ guests: [{ ...guest(100, 'full.fw'), cards: [] }] })).toBe(removal);
});

test('a time as the datacenter’s switch means on', () => {
  const on = parseDocument('[OPTIONS]\nenable: 1760000000\n');
  expect(compiled({ cluster: on, guests: [guest(101, 'open.fw')] }).text).toContain('tap101i0-in');
});

const broken = (line: string) => ({
  ...guest(100, 'full.fw'),
  document: parseDocument(`[OPTIONS]\nenable: 1\n[RULES]\n${line}\n`),
});

test.each([
  ['IN ACCEPT -source nobody', "firewall/100.fw rule 0: there is no alias 'nobody'"],
  ['GROUP nothing', "firewall/100.fw: there is no security group 'nothing'"],
  ['IN ACCEPT -p tcp -dport x', 'firewall/100.fw line 4'],
  ['who knows', 'firewall/100.fw line 4'],
])('%s is named; the guest keeps what was loaded, and others change', (line, reason) => {
  const before = compiled({ guests: [guest(100, 'full.fw')] }).text;
  const after = compiled({ guests: [broken(line), guest(101, 'open.fw')] }, before);
  expect(after.problems).toEqual([{ vmid: 100, text: expect.stringContaining(reason), kept: true }]);
  const chain = (text: string) => /chain tap100i0-in \{[\s\S]*?\n {2}\}/.exec(text)?.[0];
  expect(chain(after.text)).toBe(chain(before));
  expect(after.text).toContain('chain tap101i0-in');
});

test('nothing is kept for a card that has changed, or where nothing was loaded', () => {
  const before = compiled({ guests: [guest(100, 'full.fw')] }).text;
  const one = broken('who knows');
  const [card] = one.cards;
  if (!card) throw new Error('bad test');
  const other = { ...one, cards: [{ ...card, mac: 'BC:24:11:00:00:99' }] };
  for (const [input, loaded] of [
    [other, before],
    [one, ''],
  ] as const) {
    const { text, problems } = compiled({ guests: [input] }, loaded);
    expect(problems).toMatchObject([{ kept: false }]);
    expect(text).not.toContain('tap100i0');
  }
});

test('the node’s rules are kept too', () => {
  const node = base().node;
  const before = compiled({ node }).text;
  const document = parseDocument('[RULES]\nIN ACCEPT -source nobody\n');
  const { text, problems } = compiled({ node: node && { ...node, document } }, before);
  expect(problems).toMatchObject([{ vmid: 0, kept: true }]);
  expect(text).toBe(before);
});
