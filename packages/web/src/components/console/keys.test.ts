import { describe, expect, it } from 'vitest';
import { combinations, strokesOf } from './keys.ts';

describe('strokesOf', () => {
  it('presses shift for capitals and the upper signs of a US keyboard', () => {
    expect(strokesOf('aB1!')).toEqual([
      { keysym: 0x61, shift: false },
      { keysym: 0x42, shift: true },
      { keysym: 0x31, shift: false },
      { keysym: 0x21, shift: true },
    ]);
  });
  it('makes one Return of each kind of line end, and drops control characters', () => {
    expect(strokesOf('\r\n\n\t\x07')).toEqual([
      { keysym: 0xff0d, shift: false },
      { keysym: 0xff0d, shift: false },
      { keysym: 0xff09, shift: false },
    ]);
  });
  it('sends other characters as Unicode keysyms', () => {
    expect(strokesOf('旅😀').map((one) => one.keysym)).toEqual([0x01000000 + 0x65c5, 0x01000000 + 0x1f600]);
  });
});

describe('combinations', () => {
  it('know the function keys', () => {
    const f2 = combinations.find((one) => one.name === 'Ctrl+Alt+F2');
    expect(f2?.keys.map((one) => one.keysym)).toEqual([0xffe3, 0xffe9, 0xffbf]);
  });
});
