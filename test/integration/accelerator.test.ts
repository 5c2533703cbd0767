/** The accelerator self-test with real QEMU: under TCG it must pass everywhere, under KVM it must end in time. */
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { defaultKvmCpu } from '../../packages/server/src/guests/qemu/devices/cpu.ts';
import { loadAccelerator, testAccelerator } from '../../packages/server/src/host/accelerator.ts';

/** Also the place of all temporary files, so that only those of this test are counted. */
let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'accelerator-it-'));
  // The guests' user must get through to the image.
  chmodSync(folder, 0o755);
  process.env.TMPDIR = folder;
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const root = process.getuid?.() === 0;
const nobody = 65534;
const kvm = (() => {
  try {
    return statSync('/dev/kvm');
  } catch {
    return undefined;
  }
})();

describe('under TCG', () => {
  it('the test guest reaches 64-bit mode', async () => {
    const result = await testAccelerator({ accelerator: 'tcg', timeout: 10_000 });
    expect(result.reason).toMatch(/^a test guest reached 64-bit mode under TCG in \d+ ms$/);
  });

  it.skipIf(!root)('also as a user without rights', async () => {
    const result = await testAccelerator({ accelerator: 'tcg', timeout: 10_000, uid: nobody, gid: nobody });
    expect(result.reason).toContain('reached 64-bit mode');
  });

  it('a processor that promises more than there is does not pass', async () => {
    const result = await testAccelerator({ accelerator: 'tcg', cpu: 'kvm64,pcid=on,enforce=on' });
    expect(result).toMatchObject({
      accelerator: 'tcg',
      reason: expect.stringMatching(/lacks what guests have by default \(pcid\)/),
    });
  });

  it('a guest that is too slow is ended and leaves nothing behind', async () => {
    const result = await testAccelerator({ accelerator: 'tcg', timeout: 30 });
    expect(result.reason).toContain('did not reach 64-bit mode within 0.03 s');
    expect(testGuests()).toEqual([]);
    expect(readdirSync(folder).filter((name) => name.startsWith('ryokan-accelerator-'))).toEqual([]);
  });
});

describe.skipIf(!kvm)('under KVM', () => {
  const options = () =>
    ({ stateFile: join(folder, 'state.json'), setting: 'auto', cpu: defaultKvmCpu }) as const;

  it('decides within 3 s and leaves no process behind', async () => {
    const result = await loadAccelerator(options());
    expect(result.tookMs).toBeLessThan(3_000);
    console.log(`KVM on this machine: ${JSON.stringify(result)}`);
    if (result.accelerator === 'tcg') expect(result.reason).toMatch(/emulated/);
    else expect(result.reason).toContain('under KVM');
    expect(testGuests()).toEqual([]);
  });

  it('answers from the kept result at the next start', async () => {
    const started = performance.now();
    const again = await loadAccelerator(options());
    expect(performance.now() - started).toBeLessThan(200);
    expect(again.accelerator).toMatch(/^(kvm|tcg)$/);
  });

  it.skipIf(!root || (kvm && (kvm.mode & 0o006) === 0o006))(
    'says so when the user may not open it',
    async () => {
      const result = await testAccelerator({ uid: nobody, gid: nobody });
      expect(result.accelerator).toBe('tcg');
      expect(result.reason).toContain(`(uid ${nobody}) may not open /dev/kvm`);
      expect(result.tookMs).toBeLessThan(1_000);
    },
  );
});

/** Running QEMU processes with an image of this test; ended but unreaped ones do not count. */
function testGuests(): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(folder);
      } catch {
        return false;
      }
    });
}
