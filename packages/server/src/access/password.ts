/**
 * Password hashes of realm pve, in crypt(3) text form. New ones are scrypt (`$7$`), computed here; everything else that
 * the host's crypt(3) knows (`$5$` of Proxmox VE, `$6$`, `$y$`, `$2b$`) is verified by it.
 * Reasons in docs/decisions/0003-password-hashes.md.
 */
import { randomInt, scrypt, timingSafeEqual } from 'node:crypto';
import { RyokanError } from '@ryokan/api/errors.ts';
import { run } from '../host/exec.ts';
import { Gate } from './gate.ts';

/** crypt(3)'s own base 64: least significant bits first. */
const alphabet = './0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

/**
 * Cost of new hashes: N = 2^15, r = 8, p = 3, which takes 32 MiB and about a quarter of a second.
 * Source: OWASP Password Storage Cheat Sheet, one of its equivalent settings for scrypt.
 */
const cost = { logN: 15, r: 8, p: 3 };

/** Hashes that would take more than this are refused rather than computed. */
const maxMemory = 256 * 1024 * 1024;

const saltLength = 22;

/** Each check takes 32 MiB for a quarter of a second, so a flood of logins waits here. */
const gate = new Gate(2, 64);

/** The hash of a new password, with a fresh salt. */
export async function hashPassword(password: string): Promise<string> {
  const salt = Array.from({ length: saltLength }, () => alphabet[randomInt(64)]).join('');
  const setting = `$7$${alphabet[cost.logN]}${encodeNumber(cost.r)}${encodeNumber(cost.p)}${salt}`;
  return `${setting}$${await scryptText(setting, password)}`;
}

/** Does the password belong to the hash? A hash of no known form matches nothing. */
export async function verifyPassword(password: string, hash: string): Promise<boolean> {
  const end = hash.lastIndexOf('$');
  if (end <= 0 || password.includes('\0')) return false;
  const found = hash.startsWith('$7$')
    ? `${hash.slice(0, end)}$${await scryptText(hash.slice(0, end), password)}`
    : await gate.run(() => systemCrypt(password, hash));
  return sameText(found, hash);
}

interface ScryptSetting {
  readonly N: number;
  readonly r: number;
  readonly p: number;
  readonly salt: string;
}

/** `$7$`, one digit log2 N, five digits r, five digits p, then the salt as it stands. */
function readSetting(setting: string): ScryptSetting {
  const match = /^\$7\$([./0-9A-Za-z])([./0-9A-Za-z]{5})([./0-9A-Za-z]{5})([^$]*)$/.exec(setting);
  if (!match) throw new RyokanError('failed', 'the stored password hash is damaged; set the password again');
  const [, logN, r, p, salt] = match as unknown as [string, string, string, string, string];
  const numbers = { N: 2 ** alphabet.indexOf(logN), r: decodeNumber(r), p: decodeNumber(p) };
  if (memoryOf(numbers) > maxMemory || numbers.p > 16 || numbers.N < 2 || numbers.r < 1 || numbers.p < 1) {
    throw new RyokanError('failed', 'the stored password hash asks for an unreasonable amount of work');
  }
  return { ...numbers, salt };
}

const memoryOf = ({ N, r, p }: { N: number; r: number; p: number }): number => 128 * r * (N + p + 2);

function scryptText(setting: string, password: string): Promise<string> {
  const { salt, ...options } = readSetting(setting);
  const compute = () =>
    new Promise<string>((resolve, reject) => {
      scrypt(password, salt, 32, { ...options, maxmem: memoryOf(options) + 1024 * 1024 }, (error, key) =>
        error ? reject(error) : resolve(encodeBytes(key)),
      );
    });
  return gate.run(compute);
}

function encodeNumber(value: number): string {
  return Array.from({ length: 5 }, (_, i) => alphabet[(value >>> (6 * i)) & 63]).join('');
}

function decodeNumber(text: string): number {
  return [...text].reduce((sum, char, i) => sum + alphabet.indexOf(char) * 64 ** i, 0);
}

/** Three bytes to four digits, the first byte lowest. */
function encodeBytes(bytes: Buffer): string {
  let text = '';
  for (let at = 0; at < bytes.length; at += 3) {
    const group = bytes.subarray(at, at + 3);
    let value = group.reduce((sum, byte, i) => sum + byte * 256 ** i, 0);
    for (let digits = group.length + 1; digits > 0; digits--) {
      text += alphabet[value & 63];
      value >>>= 6;
    }
  }
  return text;
}

/**
 * The host's crypt(3), through perl (Debian's essential perl-base). Password and hash go by standard input; the length
 * in front keeps any byte of the password harmless.
 */
async function systemCrypt(password: string, hash: string): Promise<string> {
  const script =
    'binmode STDIN; local $/; my ($n, $rest) = split /\\n/, <STDIN>, 2;' +
    ' print crypt(substr($rest, 0, $n), substr($rest, $n)) // "*";';
  const input = `${Buffer.byteLength(password)}\n${password}${hash}`;
  return (await run('/usr/bin/perl', ['-e', script], { input, timeout: 10_000 })).stdout;
}

function sameText(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)];
  return left.length === right.length && timingSafeEqual(left, right);
}
