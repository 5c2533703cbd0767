import { describe, expect, it } from 'vitest';
import { exampleHost } from '../../../../../../test/qemu-command-line/cases.ts';
import { requireQemuConfig } from '../config.ts';
import { guestContext } from '../guest-context.ts';
import { memoryLayout } from './memory.ts';

/** Soldered MiB, and the modules as `size@node`. */
function layout(memory: number, options: Record<string, string> = {}): [number, string[]] {
  const pluggable = { numa: '1', hotplug: 'memory' };
  const config = requireQemuConfig({ ...pluggable, memory: String(memory), ...options }, 100);
  const { soldered, modules } = memoryLayout(guestContext(config, exampleHost(config), () => {}));
  return [soldered, modules.map(({ size, node }) => `${size}@${node}`)];
}

describe('memoryLayout', () => {
  it('solders in what is not meant to be plugged', () => {
    expect(layout(2048, { hotplug: 'disk' })).toEqual([2048, []]);
    expect(layout(2048, { numa: '0' })).toEqual([2048, []]);
    expect(layout(2048, { numa0: 'cpus=0,memory=2048' })).toEqual([2048, []]);
    expect(layout(1024)).toEqual([1024, []]);
  });

  it('takes modules of 512 MiB, and solders in what fills none', () => {
    expect(layout(2048)).toEqual([1024, ['512@0', '512@0']]);
    expect(layout(2100)).toEqual([1076, ['512@0', '512@0']]);
  });

  it('deals the modules out to the sockets in turn', () => {
    expect(layout(2560, { sockets: '2', cores: '1' })).toEqual([1024, ['512@0', '512@1', '512@0']]);
  });

  it('has the same modules for a guest that starts with a size and one that has grown to it', () => {
    let before: string[] = [];
    for (let memory = 1024; memory <= 16384; memory += 512) {
      const [soldered, modules] = layout(memory);
      expect(modules.slice(0, before.length)).toEqual(before);
      expect(soldered + modules.reduce((sum, one) => sum + Number.parseInt(one, 10), 0)).toBe(memory);
      before = modules;
    }
  });

  it('doubles the size after every 32 modules, so that much memory needs few', () => {
    const [, modules] = layout(1024 + 32 * 512 + 2 * 1024);
    expect(modules.slice(31)).toEqual(['512@0', '1024@0', '1024@0']);
  });

  it('has whole pages in every node with huge pages of 1 GiB', () => {
    const large = { hugepages: '1024', sockets: '2', cores: '1' };
    expect(layout(4096, large)).toEqual([2048, ['1024@0', '1024@1']]);
  });
});
