import { expect, test } from 'vitest';
import {
  addEntry,
  addSection,
  digestOf,
  documentProblems,
  entries,
  entryLines,
  formatDocument,
  parseDocument,
  removeLine,
  sections,
  setEntry,
} from './document.ts';
import { formatRule, parsePorts, parseRule, ruleProblems } from './rule.ts';

const sample = `# kept
[OPTIONS]

enable: 1
policy_in: DROP
unknown_option: x

[ALIASES]

office 192.0.2.0/24 # the office
v6 2001:db8::1

[IPSET blocked] # bad ones

198.51.100.0/24
!198.51.100.7 # not this one
dc/office

[SOMETHING new]
whatever # stays

[RULES]
# a comment above
IN SSH(ACCEPT) -i net0 -source office -log info # from the office
|OUT DROP -p tcp -dport 25,465
GROUP webserver -i net1
IN ACCEPT -p icmp -icmp-type echo-request
nonsense here

[group webserver] # web
IN ACCEPT -p tcp -dport 80:81
`;

test('what is read is written back byte for byte', () => {
  for (const text of [sample, '', '\n', '# only', '[RULES]', '[RULES]\r\nIN ACCEPT\r\n', sample.trimEnd()]) {
    expect(formatDocument(parseDocument(text))).toBe(text);
  }
});

test('entries of each section', () => {
  const document = parseDocument(sample);
  expect(entries(document, 'options')).toContainEqual({ key: 'policy_in', value: 'DROP' });
  expect(entries(document, 'aliases')).toEqual([
    { name: 'office', cidr: '192.0.2.0/24', comment: 'the office' },
    { name: 'v6', cidr: '2001:db8::1' },
  ]);
  expect(sections(document, 'ipset', 'BLOCKED')[0]).toMatchObject({ name: 'blocked', comment: 'bad ones' });
  expect(entries(document, 'ipset', 'blocked')).toEqual([
    { cidr: '198.51.100.0/24', nomatch: false },
    { cidr: '198.51.100.7', nomatch: true, comment: 'not this one' },
    { cidr: 'dc/office', nomatch: false },
  ]);
  expect(entries(document, 'rules')).toHaveLength(5);
  expect(entries(document, 'rules')[4]).toMatchObject({ enable: false, comment: 'nonsense here' });
  expect(entries(document, 'group', 'webserver')).toEqual([
    { type: 'in', action: 'ACCEPT', enable: true, proto: 'tcp', dport: '80:81' },
  ]);
  expect(documentProblems(document)).toEqual([
    { line: 20, text: expect.stringContaining('this section is not known') },
    { line: 28, text: "'nonsense here': a rule begins with IN, OUT, FORWARD or GROUP, not 'nonsense'" },
  ]);
});

test('a change touches its own line only', () => {
  const document = parseDocument(sample);
  const lines = entryLines(document, 'rules');
  const [first, second] = lines;
  if (!first?.entry || !second?.entry) throw new Error('bad test');
  setEntry('rules', second, { ...second.entry, enable: true, comment: 'two\nlines' });
  addEntry(document, 'rules', { type: 'in', action: 'DROP', enable: true }, { before: first });
  removeLine(document, 'rules', lines[2] ?? first);
  addEntry(document, 'aliases', { name: 'new', cidr: '203.0.113.1' });
  const changed = formatDocument(document).split('\n');
  const before = sample.split('\n');
  expect(changed.filter((line) => !before.includes(line))).toEqual([
    'new 203.0.113.1',
    'IN DROP',
    'OUT DROP -p tcp -dport 25,465 # two lines',
  ]);
  expect(changed.indexOf('IN DROP')).toBe(changed.indexOf(before[23] ?? '') - 1);
  expect(before.filter((line) => !changed.includes(line))).toEqual([
    '|OUT DROP -p tcp -dport 25,465',
    'GROUP webserver -i net1',
  ]);
});

test('a document from nothing', () => {
  const document = parseDocument('');
  addEntry(document, 'rules', { type: 'in', action: 'ACCEPT', macro: 'SSH', enable: true });
  addEntry(document, 'options', { key: 'enable', value: '1' });
  addSection(document, 'ipset', 'set-a', 'a comment');
  addEntry(document, 'ipset', { cidr: '192.0.2.1', nomatch: true }, { name: 'set-a' });
  const text = '[OPTIONS]\nenable: 1\n\n[RULES]\nIN SSH(ACCEPT)\n\n[IPSET set-a] # a comment\n!192.0.2.1\n';
  expect(formatDocument(document)).toBe(text);
  expect(formatDocument(parseDocument(text))).toBe(text);
});

test('a digest changes with its own list only', () => {
  const [one, two] = [parseDocument(sample), parseDocument(sample.replace('2001:db8::1', '2001:db8::2'))];
  expect(digestOf(entryLines(one, 'rules'))).toBe(digestOf(entryLines(two, 'rules')));
  expect(digestOf(entryLines(one, 'aliases'))).not.toBe(digestOf(entryLines(two, 'aliases')));
});

test.each([
  'IN SSH(ACCEPT) -i net0 -source +dc/blocked -log info # why not',
  '|OUT REJECT -dest 2001:db8::/32 -p udp -dport 53 -sport 1024:65535',
  'IN DROP -p icmpv6 -icmp-type echo-request',
  'GROUP web-server -i net0',
  'FORWARD ACCEPT',
])('%s there and back', (line) => {
  expect(formatRule(parseRule(line))).toBe(line);
});

test.each([
  ['IN', 'the action is missing'],
  ['IN ACCEPT -x 1', "'-x' is not understood"],
  ['IN ACCEPT -p', "the value of '-p' is missing"],
  ['IN ACCEPT -p tcp -p udp', "'-p' stands twice"],
])('%s is refused', (line, reason) => {
  expect(() => parseRule(line)).toThrow(reason);
});

test.each([
  ['IN WHAT', 'action'],
  ['IN Nope(ACCEPT)', 'macro'],
  ['IN ACCEPT -dport 22', 'proto'],
  ['IN ACCEPT -p gre -dport 22', 'dport'],
  ['IN ACCEPT -p tcp -dport 70000', 'dport'],
  ['IN ACCEPT -p tcp -dport 90:80', 'dport'],
  ['IN ACCEPT -p nonsense', 'proto'],
  ['IN ACCEPT -p tcp -icmp-type any', 'icmp-type'],
  ['IN ACCEPT -p icmp -icmp-type bogus', 'icmp-type'],
  ['IN ACCEPT -source 192.0.2.300', 'source'],
  ['IN ACCEPT -dest +set,192.0.2.1', 'dest'],
  ['IN ACCEPT -source 192.0.2.9-192.0.2.1', 'source'],
  ['IN ACCEPT -log loud', 'log'],
])('%s: %s', (line, field) => {
  expect(Object.keys(ruleProblems(parseRule(line)))).toEqual([field]);
});

test('ports', () => {
  expect(parsePorts('22,80:90,5:5')).toEqual(['22', '80-90', '5']);
});
