import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { completionScript, shells } from './completion-scripts.ts';
import { FakeDaemon } from './fake-daemon.ts';
import { runTest } from './test-support.ts';

const daemon = new FakeDaemon();
beforeAll(async () => {
  daemon.handle = ({ path }) => {
    if (path === '/nodes/pve1/qemu') return { body: { data: [{ vmid: 100, name: 'web' }, { vmid: 101 }] } };
    if (path === '/nodes') return { body: { data: [{ node: 'pve1', status: 'online' }] } };
    if (path === '/nodes/pve1/storage') return { body: { data: [{ storage: 'local', type: 'dir' }] } };
    if (path.endsWith('/content')) return { body: { data: [{ volid: 'local:iso/a.iso', content: 'iso' }] } };
    if (path.endsWith('/config')) return { body: { data: { net0: 'x', name: 'y', digest: 'z' } } };
    return { status: 501, body: { data: null } };
  };
  await daemon.open();
});
afterAll(() => daemon.close());

/** Candidates with their descriptions for words of which the last is unfinished. */
async function described(name: string, ...words: string[]): Promise<string[]> {
  const { out, code } = await runTest([name, '--complete', ...words], { socket: daemon.socket });
  expect(code).toBe(0);
  return out.split('\n').slice(0, -1);
}

const offered = async (name: string, ...words: string[]): Promise<string[]> =>
  (await described(name, ...words)).map((line) => line.split('\t', 1)[0] as string);

describe('candidates', () => {
  it('offers the words of commands', async () => {
    expect(await offered('qm', 'st')).toEqual(['start']);
    expect(await offered('qm', '')).toContain('disk');
    expect(await offered('qm', 'disk', '')).toEqual(['import', 'resize']);
    expect(await offered('qm', 'help', 'cre')).toEqual(['create']);
    expect(await offered('ryokan', 'q')).toEqual(['qm']);
    expect(await offered('ryokan', 'qm', 'boo')).toEqual(['boot']);
    expect(await offered('ryokan', 'com')).toEqual(['completion']);
  });

  it('says what commands and options are for', async () => {
    expect(await described('qm', 'sta')).toEqual(['start\tStarts the virtual machine.']);
    expect(await described('qm', 'create', '100', '--mem')).toEqual(['--memory\tMemory in MiB.']);
    expect(await described('qm', 'terminal', '100', '--if')).toEqual(['--iface\tThe serial port.']);
  });

  it('offers what the node has', async () => {
    expect(await described('qm', 'start', '')).toEqual(['100\tweb', '101']);
    expect(await described('qm', 'start', '--node', '')).toEqual(['pve1\tonline']);
    expect(await described('pvesm', 'free', '')).toEqual(['local:\tdir']);
    expect(await described('pvesm', 'free', 'local:')).toEqual(['local:iso/a.iso\tiso']);
    expect(await offered('qm', 'set', '100', '--delete', '')).toEqual(['name', 'net0']);
  });

  it('offers options that are not there yet, and their values', async () => {
    expect(await offered('qm', 'create', '100', '--mem')).toEqual(['--memory']);
    expect(await offered('qm', 'create', '100', '--memory', '5', '--mem')).toEqual([]);
    expect(await offered('qm', 'create', '100', '--net0', 'x', '--net')).toEqual(['--net1']);
    expect(await offered('qm', 'create', '100', '--onboot', '')).toContain('--memory');
    expect(await offered('qm', 'list', '--output-format', 'js')).toEqual(['json', 'json-pretty']);
    expect(await offered('qm', 'list', '--output-format=y')).toEqual(['--output-format=yaml']);
    expect(await offered('qm', 'list', '--data', '')).toEqual([':files']);
    expect(await offered('ryokan', 'completion', '')).toEqual(['bash', 'zsh', 'fish']);
  });

  it('walks API paths', async () => {
    expect(await offered('pvesh', 'g')).toEqual(['get']);
    expect(await offered('pvesh', 'get', '/')).toEqual(['/nodes/']);
    expect(await offered('pvesh', 'get', '/nodes/')).toEqual(['/nodes/pve1/']);
    expect(await offered('pvesh', 'get', '/nodes/pve1/qemu/100/c')).toEqual(['/nodes/pve1/qemu/100/config']);
    expect(await offered('pvesh', 'set', '/nodes/pve1/qemu/100/config', '--mem')).toEqual(['--memory']);
  });

  it('offers nothing, and no error, when the node is away', async () => {
    expect(await runTest(['qm', '--complete', 'start', ''])).toEqual({ code: 0, out: '', err: '' });
  });
});

describe('scripts', () => {
  it('name every command', () => {
    for (const shell of shells) expect(completionScript(shell, ['qm', 'pvesm'])).toMatch(/qm pvesm/);
    expect(completionScript('tcsh', ['qm'])).toBeUndefined();
  });

  it('work in bash: words, descriptions cut off, colons kept', () => {
    const folder = mkdtempSync(join(tmpdir(), 'ryokan-completion-'));
    try {
      const program = join(folder, 'qm');
      // Prints two candidates as the program does.
      writeFileSync(program, '#!/bin/sh\nprintf "local:iso/a.iso\\tiso\\nlocal:iso/b.iso\\n"\n');
      chmodSync(program, 0o755);
      const script = completionScript('bash', ['qm']) ?? '';
      const probe = `${script}
COMP_WORDBREAKS=$' \\t\\n"><=;|&(:'
COMP_LINE='qm set 100 --cdrom local:i'; COMP_POINT=${'${'}#COMP_LINE}
_ryokan_complete; printf '%s\\n' "${'${'}COMPREPLY[@]}"`;
      const result = execFileSync('bash', ['--norc', '-c', probe], {
        env: { PATH: `${folder}:${process.env.PATH}` },
        encoding: 'utf8',
      });
      expect(result).toBe('iso/a.iso\niso/b.iso\n');
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
