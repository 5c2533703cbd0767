import { describe, expect, it } from 'vitest';
import { parseArguments, requireAll } from './arguments.ts';
import { commandOf } from './command.ts';
import { UsageError } from './errors.ts';
import { testManifest } from './test-support.ts';

const { manifest } = testManifest();

function parse(command: string, ...argv: string[]) {
  const method = manifest.methods.find((one) => one.command === command);
  if (!method) throw new Error(`no ${command}`);
  const spec = commandOf(manifest, method);
  const parsed = parseArguments(spec, argv);
  requireAll(spec, parsed);
  return parsed;
}

describe('options', () => {
  it('takes a value after a blank, after =, and after a single dash', () => {
    for (const argv of [['--memory', '64'], ['--memory=64'], ['-memory', '64'], ['-memory=64']]) {
      expect(parse('qm create', '100', ...argv).params).toEqual({ vmid: '100', memory: '64' });
    }
  });

  it('keeps everything after the first =', () => {
    expect(parse('qm create', '100', '--net0=virtio,bridge=vmbr0').params.net0).toBe('virtio,bridge=vmbr0');
  });

  it('takes members of a family up to its count', () => {
    expect(parse('qm create', '100', '--net3', 'virtio').params).toEqual({ vmid: '100', net3: 'virtio' });
    expect(() => parse('qm create', '100', '--net4', 'virtio')).toThrow("unknown option '--net4'");
    expect(() => parse('qm create', '100', '--net01', 'virtio')).toThrow("unknown option '--net01'");
    expect(() => parse('qm create', '100', '--net[n]', 'virtio')).toThrow('unknown option');
  });

  it('reads booleans alone, with a value and negated', () => {
    const onboot = (...argv: string[]) => parse('qm create', ...argv).params.onboot;
    expect(onboot('100', '--onboot')).toBe('1');
    expect(onboot('--onboot', '100')).toBe('1');
    expect(onboot('100', '--onboot', '0')).toBe('0');
    expect(onboot('100', '--onboot=no')).toBe('0');
    expect(onboot('100', '--no-onboot')).toBe('0');
    expect(onboot('100', '--onboot=maybe')).toBe('maybe');
    expect(() => onboot('100', '--no-onboot=1')).toThrow('takes no value');
  });

  it('collects a repeated list option and refuses any other repetition', () => {
    expect(parse('qm create', '100', '--tags', 'a', '--tags', 'b').params.tags).toEqual(['a', 'b']);
    expect(() => parse('qm create', '100', '--memory', '1', '--memory', '2')).toThrow('more than once');
  });

  it('takes values that begin with a dash, but not another option', () => {
    expect(parse('qm set', '100', '--description', '-x').params.description).toBe('-x');
    expect(() => parse('qm set', '100', '--description', '--memory', '3')).toThrow(
      "'--description' needs a value",
    );
    expect(() => parse('qm set', '100', '--description')).toThrow("'--description' needs a value");
  });

  it('asks for a password without a value', () => {
    expect(parse('qm create', '100', '--cipassword', '--onboot').prompts).toEqual(['cipassword']);
    expect(parse('qm create', '100', '--cipassword', 'x').params.cipassword).toBe('x');
  });

  it('keeps the common options apart', () => {
    const parsed = parse('qm create', '100', '--output-format', 'json', '-q', '--data', '/d');
    expect(parsed.options).toEqual({ 'output-format': 'json', quiet: '1', data: '/d' });
    expect(parsed.params).toEqual({ vmid: '100' });
  });

  it('names the option that was probably meant', () => {
    expect(() => parse('qm create', '100', '--memroy', '1')).toThrow('did you mean --memory?');
  });
});

describe('positional arguments', () => {
  it('gives them their names in order', () => {
    expect(parse('qm disk resize', '100', 'scsi0', '+1G').params).toEqual({
      vmid: '100',
      disk: 'scsi0',
      size: '+1G',
    });
  });

  it('puts the rest into a last argument that is a list', () => {
    expect(parse('qm guest exec', '100', '--', 'ls', '-l', '/').params.command).toEqual(['ls', '-l', '/']);
  });

  it('accepts them as options, but not both', () => {
    expect(parse('qm create', '--vmid', '100').params).toEqual({ vmid: '100' });
    expect(() => parse('qm create', '--vmid', '100', '101')).toThrow('both by position and as an option');
  });

  it('says what is missing and what is too much', () => {
    expect(() => parse('qm disk resize', '100')).toThrow('missing: <disk> <size>');
    expect(() => parse('qm create', '100', '101', '102')).toThrow('too many arguments: 101 102');
    expect(() => parse('qm create')).toThrow(UsageError);
  });
});
