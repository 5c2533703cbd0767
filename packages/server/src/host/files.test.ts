import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ensureDir, errorCode, readTextIfPresent, writeFileAtomic } from './files.ts';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'ryokan-files-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

const mode = (path: string) => (statSync(path).mode & 0o7777).toString(8);

test('an atomic write replaces content and mode and leaves nothing else behind', async () => {
  const path = join(folder, 'secret');
  writeFileSync(path, 'old');
  await writeFileAtomic(path, 'new', { mode: 0o600 });
  expect(readFileSync(path, 'utf8')).toBe('new');
  expect(mode(path)).toBe('600');
  expect(readdirSync(folder)).toEqual(['secret']);
});

test('the mode does not depend on the umask', async () => {
  const before = process.umask(0o077);
  try {
    await writeFileAtomic(join(folder, 'open'), new Uint8Array([1, 2]), { mode: 0o644 });
  } finally {
    process.umask(before);
  }
  expect(mode(join(folder, 'open'))).toBe('644');
});

test('parallel writes of one file leave one whole content', async () => {
  const path = join(folder, 'race');
  const texts = Array.from({ length: 20 }, (_unused, index) => String(index).repeat(100_000));
  await Promise.all(texts.map((text) => writeFileAtomic(path, text)));
  expect(texts).toContain(readFileSync(path, 'utf8'));
});

test('a write that fails takes its temporary file away', async () => {
  const inside = join(folder, 'blocked');
  mkdirSync(join(inside, 'target'), { recursive: true });
  await expect(writeFileAtomic(join(inside, 'target'), 'x')).rejects.toThrow();
  expect(readdirSync(inside)).toEqual(['target']);
  await expect(writeFileAtomic(join(folder, 'missing', 'x'), 'x')).rejects.toThrow('ENOENT');
});

test('ensureDir makes parents, mends the mode and tells what it made', async () => {
  const path = join(folder, 'a', 'b');
  expect(await ensureDir(path, { mode: 0o750 })).toBe(join(folder, 'a'));
  expect(mode(path)).toBe('750');
  chmodSync(path, 0o777);
  expect(await ensureDir(path, { mode: 0o700 })).toBeUndefined();
  expect(mode(path)).toBe('700');
  writeFileSync(join(folder, 'file'), '');
  await expect(ensureDir(join(folder, 'file'))).rejects.toThrow();
});

test('readTextIfPresent hides absence only', () => {
  expect(readTextIfPresent(join(folder, 'nothing'))).toBeUndefined();
  expect(readTextIfPresent(join(folder, 'file', 'below'))).toBeUndefined();
  expect(() => readTextIfPresent(folder)).toThrow('EISDIR');
  expect(errorCode('text')).toBe('');
});
