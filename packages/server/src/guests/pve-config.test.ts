/**
 * Configuration files as Proxmox VE 8 and 9 write them (test/pve-config, written by hand): read, understood, and written
 * back byte by byte, with whatever is unknown here.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { parseConfigFile, serializeConfigFile } from './config-file.ts';
import { readQemuConfig } from './qemu/config.ts';
import { changeOf, mergeChange } from './qemu/config-change.ts';

const folder = fileURLToPath(new URL('../../../../test/pve-config', import.meta.url));
const files = readdirSync(folder);
const read = (name: string) => readFileSync(join(folder, name), 'utf8');

describe.each(files)('%s', (name) => {
  const text = read(name);
  const file = parseConfigFile(text, name);

  it('is written back as it was read', () => {
    expect(serializeConfigFile(file)).toBe(text);
  });

  it('is understood', () => {
    for (const properties of [file.properties, ...Object.values(file.snapshots)]) {
      const { invalid, unknown } = readQemuConfig(properties);
      expect(invalid).toEqual({});
      expect(unknown.filter((key) => key !== 'future-option')).toEqual([]);
    }
  });

  it('keeps every other line when one option is changed', () => {
    const changed = mergeChange(file, changeOf({ onboot: true }), false);
    const lines = serializeConfigFile(changed).split('\n');
    const missing = text.split('\n').filter((line) => line !== 'onboot: 0' && !lines.includes(line));
    expect(missing).toEqual([]);
    expect(lines).toContain('onboot: 1');
  });
});
