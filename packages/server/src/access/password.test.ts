import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { hashPassword, verifyPassword } from './password.ts';

/** The host's crypt(3), asked directly: the other implementation of `$7$`. */
function systemCrypt(password: string, setting: string): string {
  return execFileSync('/usr/bin/perl', ['-e', 'print crypt($ARGV[0], $ARGV[1])', password, setting], {
    encoding: 'utf8',
  });
}

// Real hashing costs are the point here; a busy machine takes seconds for them.
describe('password hashes', { timeout: 60_000 }, () => {
  it('are what crypt(3) makes of the same setting', async () => {
    const hash = await hashPassword('Grüße aus 東京');
    expect(hash).toMatch(/^\$7\$D6\.\.\.\.1\.\.\.\.[./0-9A-Za-z]{22}\$[./0-9A-Za-z]{43}$/);
    expect(systemCrypt('Grüße aus 東京', hash)).toBe(hash);
    expect(await verifyPassword('Grüße aus 東京', hash)).toBe(true);
    expect(await verifyPassword('Grüsse aus 東京', hash)).toBe(false);
  });

  it('differ for the same password', async () => {
    expect(await hashPassword('same')).not.toBe(await hashPassword('same'));
  });

  it.each([
    [
      'scrypt, published test vector',
      '$7$C6..../....SodiumChloride$kBGj9fHznVYFQMEn/qDCfrDevf9YDtcDdKvEqHJLV8D',
    ],
    ['sha256-crypt', systemCrypt('pleaseletmein', '$5$saltstring')],
    ['sha256-crypt with rounds', systemCrypt('pleaseletmein', '$5$rounds=1400$anothersalt')],
    ['sha512-crypt', systemCrypt('pleaseletmein', '$6$saltstring')],
    ['yescrypt', systemCrypt('pleaseletmein', '$y$j9T$abcdefghijklmnop')],
    ['bcrypt', systemCrypt('pleaseletmein', '$2b$05$abcdefghijklmnopqrstuu')],
  ])('of other origin are verified: %s', async (_, hash) => {
    expect(await verifyPassword('pleaseletmein', hash)).toBe(true);
    expect(await verifyPassword('pleaseletmeIn', hash)).toBe(false);
    expect(await verifyPassword('', hash)).toBe(false);
  });

  it('takes line ends and colons in a password as they are', async () => {
    const password = 'a:b\nc$d\n';
    const hash = systemCrypt(password, '$5$saltstring');
    expect(await verifyPassword(password, hash)).toBe(true);
    expect(await verifyPassword('a:b', hash)).toBe(false);
  });

  it.each(['', 'x', '*', '!', '!$5$salt$abc', '$5$', '$$', '*0', '$nonsense$x$y', 'plain'])(
    'match nothing when they are %j',
    async (hash) => {
      expect(await verifyPassword('', hash)).toBe(false);
      expect(await verifyPassword(hash, hash)).toBe(false);
    },
  );

  it.each([
    ['$7$short$x', 'damaged'],
    ['$7$Z6..../....salt$x', 'unreasonable'],
    ['$7$C6...zzzzzsalt$x', 'unreasonable'],
  ])('are refused when they are %j', async (hash, problem) => {
    await expect(verifyPassword('x', hash)).rejects.toThrow(problem);
  });

  it('a NUL never matches: crypt(3) would stop reading there', async () => {
    expect(await verifyPassword('secret\0more', systemCrypt('secret', '$5$saltstring'))).toBe(false);
  });
});
