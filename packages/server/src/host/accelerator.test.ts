import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadAccelerator, readAccelerator, testAccelerator } from './accelerator.ts';
import { bootSector } from './accelerator-boot.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'accelerator-test-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const hasAssembler = (() => {
  try {
    execFileSync('as', ['--version'], { stdio: 'ignore' });
    return execFileSync('uname', ['-m'], { encoding: 'utf8' }).trim() === 'x86_64';
  } catch {
    return false;
  }
})();

it('the embedded boot sector is the assembled source', ({ skip }) => {
  skip(!hasAssembler, 'no assembler for x86_64 (Debian package binutils)');
  const source = fileURLToPath(new URL('accelerator-boot.s', import.meta.url));
  const [object, binary] = [join(folder, 'boot.o'), join(folder, 'boot.bin')];
  execFileSync('as', ['--32', '-o', object, source]);
  execFileSync('objcopy', ['-O', 'binary', '-j', '.text', object, binary]);
  expect(bootSector().equals(readFileSync(binary))).toBe(true);
});

describe('testAccelerator without running anything', () => {
  it('says what to do when there is no /dev/kvm', async () => {
    const result = await testAccelerator({ kvmDevice: join(folder, 'kvm') });
    expect(result.accelerator).toBe('tcg');
    expect(result.reason).toMatch(/kvm is missing.*VT-x, AMD-V.*nested virtualization/);
  });

  it('says what to install when there is no QEMU', async () => {
    writeFileSync(join(folder, 'kvm'), '');
    const result = await testAccelerator({ kvmDevice: join(folder, 'kvm'), qemu: join(folder, 'qemu') });
    expect(result).toMatchObject({ accelerator: 'tcg', reason: expect.stringContaining('qemu-system-x86') });
  });
});

describe('loadAccelerator', () => {
  const options = () => ({
    stateFile: join(folder, 'accelerator.json'),
    setting: 'auto' as const,
    kvmDevice: join(folder, 'kvm'),
    qemu: join(folder, 'qemu'),
  });

  it('takes a setting as it is', async () => {
    const result = await loadAccelerator({ ...options(), setting: 'kvm' });
    expect(result).toEqual({
      accelerator: 'kvm',
      reason: "the node's setting 'accelerator' is kvm",
      tookMs: 0,
    });
    expect(readAccelerator(options().stateFile, 'kvm')).toBe('kvm');
  });

  it('keeps a result and uses it as long as nothing changes', async () => {
    const first = await loadAccelerator(options());
    expect(first.accelerator).toBe('tcg');
    // A mark in the kept result shows where the next answer comes from.
    mark('kvm');
    expect((await loadAccelerator(options())).accelerator).toBe('kvm');
    expect(readAccelerator(options().stateFile, 'auto')).toBe('kvm');
    expect((await loadAccelerator({ ...options(), force: true })).accelerator).toBe('tcg');
  });

  it.each([
    ['the device appears', () => writeFileSync(join(folder, 'kvm'), '')],
    ['QEMU is installed', () => writeFileSync(join(folder, 'qemu'), 'not a program')],
  ])('tests again when %s', async (_what, change) => {
    await loadAccelerator(options());
    mark('kvm');
    change();
    expect((await loadAccelerator(options())).accelerator).toBe('tcg');
  });

  it('tests again for another user', async () => {
    await loadAccelerator(options());
    mark('kvm');
    expect((await loadAccelerator({ ...options(), gid: 12345 })).accelerator).toBe('tcg');
  });

  it.each(['', '{', '[]', '{"accelerator":"warp"}', 'null'])(
    'tests again over a damaged file %j',
    async (text) => {
      writeFileSync(options().stateFile, text);
      expect(readAccelerator(options().stateFile, 'auto')).toBe('tcg');
      expect((await loadAccelerator(options())).reason).toContain('missing');
      expect(JSON.parse(readFileSync(options().stateFile, 'utf8'))).toMatchObject({ accelerator: 'tcg' });
    },
  );

  function mark(accelerator: string): void {
    const kept = JSON.parse(readFileSync(options().stateFile, 'utf8'));
    writeFileSync(options().stateFile, JSON.stringify({ ...kept, accelerator }));
  }
});
