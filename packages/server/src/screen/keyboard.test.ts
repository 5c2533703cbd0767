import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { expect, test } from 'vitest';
import { Keyboard } from './keyboard.ts';
import { codePointOf, keysym } from './keysyms.ts';

const press = (keys: readonly number[], key: number, applicationCursor = false) => {
  const keyboard = new Keyboard();
  for (const one of keys) keyboard.press(one, true, false);
  return keyboard.press(key, true, applicationCursor);
};
const { controlLeft, altLeft, shiftLeft } = keysym;
const [up, home, f1, f5, f12, remove, keypad7] = [0xff52, 0xff50, 0xffbe, 0xffc2, 0xffc9, 0xffff, 0xffb7];

test('characters, alone and with Control and Alt', () => {
  expect(press([], 0x41)).toBe('A');
  expect(press([], 0xe9)).toBe('é');
  expect(press([], 0x01003042)).toBe('あ');
  expect(press([], 0x0101f600)).toBe('😀');
  expect(press([], keypad7)).toBe('7');
  expect(press([controlLeft], 0x63)).toBe('\x03');
  expect(press([controlLeft], 0x20)).toBe('\0');
  expect(press([controlLeft], 0x5b)).toBe('\x1b');
  expect(press([controlLeft, altLeft], 0x63)).toBe('\x1b\x03');
  expect(press([altLeft], 0x2e)).toBe('\x1b.');
});

test('a modifier that was let go counts no more', () => {
  const keyboard = new Keyboard();
  keyboard.press(controlLeft, true, false);
  keyboard.press(controlLeft, false, false);
  expect(keyboard.press(0x63, true, false)).toBe('c');
  expect(keyboard.press(0x63, false, false)).toBeUndefined();
});

test.each([
  [[], up, '\x1b[A'],
  [[], home, '\x1b[H'],
  [[controlLeft], up, '\x1b[1;5A'],
  [[], f1, '\x1bOP'],
  [[shiftLeft], f1, '\x1b[1;2P'],
  [[], f5, '\x1b[15~'],
  [[altLeft], f12, '\x1b[24;3~'],
  [[], remove, '\x1b[3~'],
  [[], keysym.tab, '\t'],
  [[shiftLeft], keysym.tab, '\x1b[Z'],
  [[], keysym.backspace, '\x7f'],
  [[altLeft], keysym.return, '\x1b\r'],
])('held %j, key %i: %j', (held, key, sent) => {
  expect(press(held, key)).toBe(sent);
});

test('cursor keys in the mode of editors', () => {
  expect(press([], up, true)).toBe('\x1bOA');
  expect(press([shiftLeft], up, true)).toBe('\x1b[1;2A');
  expect(press([], f5, true)).toBe('\x1b[15~');
});

test('keys that a terminal does not know send nothing', () => {
  for (const key of [0xffe5, 0xff7f, 0xffeb, 0, 0xffffffff, 0x0110ffff + 1])
    expect(press([], key)).toBeUndefined();
});

/** noVNC's table, which its package does not offer by name: the keysym of a code point. */
async function novncLookup(): Promise<(code: number) => number> {
  const main = createRequire(import.meta.url).resolve('@novnc/novnc');
  const table = (await import(join(dirname(main), 'input/keysymdef.js'))) as {
    default: { lookup(code: number): number };
  };
  return table.default.lookup;
}

test('every character comes back from the keysym that noVNC sends for it', async () => {
  const lookup = await novncLookup();
  // Two entries of its table contradict the others: it lists ǒ and ≅ under the numbers of their neighbours.
  const doubtful = new Set([0x01d2, 0x2245]);
  const wrong: string[] = [];
  for (let code = 0x20; code < 0x10000; code++) {
    const isControl = code >= 0x7f && code < 0xa0;
    const isHalf = code >= 0xd800 && code < 0xe000;
    if (isControl || isHalf || doubtful.has(code)) continue;
    const key = lookup(code);
    if (codePointOf(key) !== code) wrong.push(`${key.toString(16)}: ${String.fromCharCode(code)}`);
  }
  expect(wrong).toEqual([]);
});
