/** A container template of nothing but busybox: it starts in milliseconds, which is what most tests want. */
import { chmod, copyFile, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from '../../packages/server/src/host/exec.ts';

/** The parts of busybox that tests use; `init` is a script, so that a test can decide how it ends. */
const applets =
  'sh ls cat echo mount umount ip ps sleep hostname free df id grep head tail touch rm mkdir sync dd seq reboot poweroff halt kill stty nc ping udhcpc wc stat login vi';

/** Ends at the signals by which LXC asks init to shut down; a file /reboot makes it reboot. */
const init = `#!/bin/sh
trap 'exit 0' PWR TERM
echo started >> /starts
[ -e /etc/rc.local ] && . /etc/rc.local
while :; do
  [ -e /reboot ] && rm /reboot && reboot -f
  [ -e /die ] && rm /die && exit 3
  sleep 0.2 &
  wait $!
done
`;

/** Writes the template as a tar.gz to `path`. */
export async function writeBusyboxTemplate(path: string): Promise<void> {
  const root = await mkdtemp('/tmp/ryokan-busybox-');
  try {
    for (const folder of ['bin', 'sbin', 'dev', 'proc', 'sys', 'tmp', 'run', 'root', 'etc']) {
      await mkdir(join(root, folder));
    }
    await copyFile('/bin/busybox', join(root, 'bin/busybox'));
    for (const applet of applets.split(' ')) await symlink('busybox', join(root, 'bin', applet));
    await writeFile(join(root, 'sbin/init'), init);
    await chmod(join(root, 'sbin/init'), 0o755);
    await writeFile(join(root, 'etc/passwd'), 'root:x:0:0:root:/root:/bin/sh\n');
    await writeFile(join(root, 'etc/group'), 'root:x:0:\n');
    await run('tar', ['-C', root, '--owner=0', '--group=0', '-czf', path, '.']);
  } finally {
    await rm(root, { recursive: true, force: true });
  }
}
