import { qemuConfigFields } from '@ryokan/api/schema/qemu-config.ts';
import type { TSchema } from '@ryokan/api/schema/types.ts';
import { describe, expect, it } from 'vitest';
import {
  optionRows,
  osTypes,
  readHotplug,
  readStartup,
  variableLines,
  variablesOf,
  writeStartup,
  wrongVariable,
} from './option-list.ts';

const fields = qemuConfigFields as Record<string, TSchema>;

describe('option list', () => {
  it('knows only options of the API, with the defaults of its schema', () => {
    for (const row of optionRows) {
      const schema = fields[row.key];
      expect(schema, row.key).toBeDefined();
      if (row.option.kind === 'flag' && schema?.default !== undefined) {
        expect([row.key, schema.default]).toEqual([row.key, row.option.preset]);
      }
    }
  });
  it('offers every OS type', () => {
    expect(osTypes.map((one) => one.value).sort()).toEqual(
      [...((fields.ostype?.enum ?? []) as string[])].sort(),
    );
  });
});

describe('startup order', () => {
  it('is read in both forms and written without what is empty', () => {
    expect(readStartup('3')).toEqual({ order: '3', up: '', down: '' });
    expect(readStartup('order=2,up=30')).toEqual({ order: '2', up: '30', down: '' });
    expect(readStartup(undefined)).toEqual({ order: '', up: '', down: '' });
    expect(writeStartup({ order: ' 1', up: '', down: '60' })).toBe('order=1,down=60');
  });
});

describe('hotplug', () => {
  it('knows the short forms', () => {
    expect(readHotplug(undefined)).toEqual(['network', 'disk', 'usb']);
    expect(readHotplug('0')).toEqual([]);
    expect(readHotplug('cpu,memory')).toEqual(['cpu', 'memory']);
  });
});

describe('environment', () => {
  it('is a variable a line', () => {
    expect(variableLines('A=1\0B=x y')).toBe('A=1\nB=x y');
    expect(variableLines(undefined)).toBe('');
    expect(variablesOf('A=1\n\nB=x y\n')).toBe('A=1\0B=x y');
    expect(wrongVariable('A=1\n\nB=\n')).toBeUndefined();
    expect(wrongVariable('A=1\nB x')).toBe('B x');
  });
});
