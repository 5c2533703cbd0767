import { describe, expect, it } from 'vitest';
import { hello, input, readGreeting, size } from './terminal-protocol.ts';

describe('terminal protocol', () => {
  it('counts input in bytes, not in characters', () => {
    expect(input('ls\r')).toBe('0:3:ls\r');
    expect(input('宿')).toBe('0:3:宿');
  });
  it('greets, resizes', () => {
    expect(hello('root@pam', 'PVEVNC:1')).toBe('root@pam:PVEVNC:1\n');
    expect(size(120, 40)).toBe('1:120:40:');
  });
  it('takes what comes right behind the OK as output', () => {
    const bytes = new TextEncoder().encode('OKlogin: ');
    const { accepted, rest } = readGreeting(bytes);
    expect([accepted, new TextDecoder().decode(rest)]).toEqual([true, 'login: ']);
    expect(readGreeting(new TextEncoder().encode('no')).accepted).toBe(false);
  });
});
