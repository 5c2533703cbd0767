import { expect, test } from 'vitest';
import { type IfaceStanza, InterfacesFile } from './interfaces-file.ts';

const sample = `# This file describes the network interfaces
# see interfaces(5)

source /etc/network/interfaces.d/*

# The loopback
auto lo
iface lo inet loopback

auto eno1
iface eno1 inet manual

# Management
auto vmbr0
iface vmbr0 inet static
	address 192.0.2.10/24
	gateway   192.0.2.1
	bridge-ports eno1
	bridge-stp off
	up ip route add 198.51.100.0/24 \\
	    via 192.0.2.254
	up echo "second # not a comment"
#rack 3, port 12

iface vmbr0 inet6 auto
    # own indentation
    accept_ra 2

allow-hotplug usb0 usb1
iface usb0 inet dhcp
    x-unknown-option some value
`;

const only = (file: InterfacesFile, name: string, family = 'inet'): IfaceStanza => {
  const [stanza] = file.ifaces(name).filter((one) => one.family === family);
  if (!stanza) throw new Error(`no ${name}`);
  return stanza;
};

/** Lines that differ: `-` of the first text, `+` of the second. */
function difference(before: string, after: string): string[] {
  const [old, fresh] = [before.split('\n'), after.split('\n')];
  return [
    ...old.filter((line) => !fresh.includes(line)).map((line) => `-${line}`),
    ...fresh.filter((line) => !old.includes(line)).map((line) => `+${line}`),
  ];
}

test.each([
  ['the sample', sample],
  ['nothing', ''],
  ['one newline', '\n'],
  ['comments only', '# a\n\n# b'],
  ['no newline at the end', 'auto lo\niface lo inet loopback'],
  ['windows line ends', 'auto lo\r\niface lo inet loopback\r\n\taddress 1\r\n'],
  ['an open continuation', 'auto lo \\'],
  ['a mapping', 'mapping eth0\n  script /x\n  map HOME eth0-home\n\niface eth0-home inet dhcp\n'],
  ['text before all', 'nonsense here\nauto lo\n   more nonsense\n'],
])('writes what it read: %s', (_name, text) => {
  expect(InterfacesFile.parse(text).toString()).toBe(text);
});

test('reads stanzas and options', () => {
  const file = InterfacesFile.parse(sample);
  expect(file.problems).toEqual([]);
  expect(file.autoNames()).toEqual(['lo', 'eno1', 'vmbr0']);
  expect(file.ifaces().map((one) => `${one.name} ${one.family} ${one.method}`)).toEqual([
    'lo inet loopback',
    'eno1 inet manual',
    'vmbr0 inet static',
    'vmbr0 inet6 auto',
    'usb0 inet dhcp',
  ]);
  const bridge = only(file, 'vmbr0');
  expect(file.values(bridge, 'gateway')).toEqual(['192.0.2.1']);
  expect(file.values(bridge, 'up')).toEqual([
    'ip route add 198.51.100.0/24 via 192.0.2.254',
    'echo "second # not a comment"',
  ]);
  expect(file.options(only(file, 'usb0'))).toEqual([{ key: 'x-unknown-option', value: 'some value' }]);
  expect(file.stanzas().find((one) => one.kind === 'list')).toMatchObject({
    keyword: 'source',
    words: ['/etc/network/interfaces.d/*'],
  });
});

test('names what it does not understand, by line', () => {
  const file = InterfacesFile.parse(
    '# first\nauto lo \\\n  eth0\nadress 1\niface lo inet loopback\n  fine 1\n',
  );
  expect(file.problems).toEqual([{ line: 4, text: 'adress 1' }]);
});

test('a changed value changes its line only, with the blanks in it', () => {
  const file = InterfacesFile.parse(sample);
  file.setValues(only(file, 'vmbr0'), 'gateway', ['192.0.2.2']);
  expect(difference(sample, file.toString())).toEqual(['-	gateway   192.0.2.1', '+	gateway   192.0.2.2']);
});

test('new options come behind the others, indented like them', () => {
  const file = InterfacesFile.parse(sample);
  file.setValues(only(file, 'vmbr0', 'inet6'), 'mtu', ['9000']);
  file.setValues(only(file, 'eno1'), 'mtu', ['9000']);
  const text = file.toString();
  expect(text).toContain('    accept_ra 2\n    mtu 9000\n');
  expect(text).toContain('iface eno1 inet manual\n\tmtu 9000\n\n');
  expect(difference(sample, text)).toEqual(['+	mtu 9000', '+    mtu 9000']);
});

test('several values of one option: change, add, remove', () => {
  const file = InterfacesFile.parse(sample);
  const bridge = only(file, 'vmbr0');
  const [first = ''] = file.values(bridge, 'up');
  file.setValues(bridge, 'up', [first, 'echo other', 'echo third']);
  expect(file.values(bridge, 'up')).toEqual([first, 'echo other', 'echo third']);
  // The continued line of the first one is as it was.
  expect(file.toString()).toContain(
    '198.51.100.0/24 \\\n	    via 192.0.2.254\n	up echo other\n	up echo third\n#rack',
  );
  file.setValues(bridge, 'up', []);
  expect(difference(sample, file.toString()).every((line) => line.startsWith('-'))).toBe(true);
  expect(file.values(bridge, 'up')).toEqual([]);
});

test('a change and its reversal give the first text', () => {
  const file = InterfacesFile.parse(sample);
  const bridge = only(file, 'vmbr0');
  file.setValues(bridge, 'address', ['192.0.2.77/24']);
  file.setValues(bridge, 'mtu', ['1400']);
  file.setAuto('usb0', true);
  const added = file.addIface({ name: 'vmbr1', family: 'inet', method: 'manual' }, [
    ['bridge-ports', 'none'],
  ]);
  expect(file.toString()).not.toBe(sample);
  file.removeIface(added);
  file.setAuto('usb0', false);
  file.setValues(bridge, 'mtu', []);
  file.setValues(bridge, 'address', ['192.0.2.10/24']);
  expect(file.toString()).toBe(sample);
});

test('auto: above the definition, below its comments; several names on one line', () => {
  const file = InterfacesFile.parse('# uplink\niface a inet manual\n\nauto b c\niface b inet manual\n');
  file.setAuto('a', true);
  file.setAuto('b', false);
  file.setAuto('c', true);
  expect(file.toString()).toBe('# uplink\nauto a\niface a inet manual\n\nauto c\niface b inet manual\n');
  file.setAuto('c', false);
  expect(file.autoNames()).toEqual(['a']);
});

test('a definition is added at the end of any file', () => {
  const options = [
    ['address', '192.0.2.1/24'],
    ['bridge-ports', 'none'],
  ] as const;
  const added = 'iface vmbr9 inet static\n\taddress 192.0.2.1/24\n\tbridge-ports none\n';
  const add = (text: string): string => {
    const file = InterfacesFile.parse(text);
    const stanza = file.addIface({ name: 'vmbr9', family: 'inet', method: 'static' }, options);
    file.setValues(stanza, 'address', ['192.0.2.1/24']);
    return file.toString();
  };
  expect(add('')).toBe(added);
  expect(add('# only a comment')).toBe(`# only a comment\n\n${added}`);
  expect(add('auto lo\niface lo inet loopback')).toBe(`auto lo\niface lo inet loopback\n\n${added}`);
  expect(add(sample)).toBe(`${sample}\n${added}`);
  expect(InterfacesFile.parse(add(sample)).ifaces('vmbr9')).toHaveLength(1);
});

test('a removed definition takes its own comments along and no others', () => {
  const file = InterfacesFile.parse(sample);
  file.setAuto('vmbr0', false);
  for (const stanza of file.ifaces('vmbr0')) file.removeIface(stanza);
  const text = file.toString();
  expect(text).not.toMatch(/vmbr0|Management|rack 3|accept_ra/);
  expect(text).toContain('# The loopback\nauto lo');
  expect(text).toContain('iface eno1 inet manual\n\nallow-hotplug usb0 usb1\n');
  file.removeIface(only(file, 'lo'));
  file.setAuto('lo', false);
  expect(file.toString()).toContain('# see interfaces(5)\n\nsource /etc/network/interfaces.d/*\n');
});
