/** What it takes to start a guest by hand: learnt from the process that the product has started. */
import { readFile } from 'node:fs/promises';
import { commandLine } from '@ryokan/server/host/procfs.ts';
import type { TestNode } from '../../test/lib/node.ts';

export interface RawGuest {
  readonly program: string;
  readonly args: readonly string[];
  readonly uid: number;
  readonly gid: number;
}

/** Of a running guest. */
export async function learnCommandLine(node: TestNode, vmid: number): Promise<RawGuest> {
  const pid = await node.guestPid(vmid);
  if (pid === undefined) throw new Error('the guest has no pid file');
  const [program = '', ...args] = commandLine(pid);
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  const id = (field: string) => Number(new RegExp(`^${field}:\\s+(\\d+)`, 'm').exec(status)?.[1]);
  return { program, args, uid: id('Uid'), gid: id('Gid') };
}
