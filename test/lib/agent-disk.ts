/**
 * A disk with an ext4 file system for the tiny guest and a real guest agent on it, with the libraries that it needs. In
 * the guest's shell: `mount /dev/sda /disk && sh /disk/start`. The agent speaks on the fourth serial port (`agent:
 * enabled=1,type=isa`), freezes /disk, and does not come back from freezing while /tmp/hang exists.
 */
import { chmod, copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { run } from '../../packages/server/src/host/exec.ts';

const program = '/usr/sbin/qemu-ga';
const loader = 'ld-linux-x86-64.so.2';

/** From memory, as its own files could not be read for the first time while the disk is frozen. */
const start = `cp -r /disk/agent /tmp/agent
mkdir -p /var/run
/tmp/agent/${loader} --library-path /tmp/agent /tmp/agent/qemu-ga -d -m isa-serial -p /dev/ttyS3 \\
  -t /tmp -f /tmp/agent.pid -F/tmp/agent/hook
`;
const hook = `#!/bin/sh
while [ "$1" = freeze ] && [ -e /tmp/hang ]; do sleep 1; done
exit 0
`;

/** Writes the raw image `path`, of 64 MiB. */
export async function writeAgentDisk(path: string): Promise<void> {
  const tree = await mkdtemp(join(tmpdir(), 'agent-disk-'));
  try {
    const agent = join(tree, 'agent');
    await mkdir(agent);
    const { stdout } = await run('ldd', [program]);
    for (const [library] of stdout.matchAll(/\/\S+\.so\S*/g)) {
      await copyFile(library, join(agent, basename(library)));
    }
    await copyFile(program, join(agent, 'qemu-ga'));
    await writeFile(join(agent, 'hook'), hook);
    await chmod(join(agent, 'hook'), 0o755);
    await writeFile(join(tree, 'start'), start);
    await run('mke2fs', ['-q', '-t', 'ext4', '-d', tree, path, '64M']);
  } finally {
    await rm(tree, { recursive: true, force: true });
  }
}
