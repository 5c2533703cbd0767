/** Copies of containers' volumes: images as they are, file trees where one of the two is a folder. */
import { parseVolumeName } from '@ryokan/api/schema/volume-id.ts';
import { run } from '../../../host/exec.ts';
import { type CopyPlan, type FillOptions, fillImageVolume, type NewVolume } from '../../copy/volume-copy.ts';
import type { GuestServices } from '../../guest-services.ts';
import { fileSystemOf } from '../file-system.ts';
import { MountNamespace } from '../mount-namespace.ts';
import { makeTree } from '../volumes.ts';
import { copyTree } from './copy-tree.ts';

/** Copies a volume that no container writes to, or the state of its snapshot, into a new one. */
export async function fillVolume(
  services: GuestServices,
  _vmid: number,
  plan: CopyPlan,
  target: NewVolume,
  options: FillOptions,
): Promise<void> {
  if (plan.source.format === 'raw' && plan.format === 'raw') {
    return fillImageVolume(services, plan, target, options);
  }
  const { storage } = services;
  const to = await storage.path(target.volid);
  // Owner and mode of its root folder come from the source.
  if (plan.format === 'raw') await makeTree(to, 'raw', []);
  // The mounts are seen by nobody else, and gone when this process is, whatever ends it.
  const namespace = await MountNamespace.open([], services.paths.lxcRun);
  try {
    const [source, copy] = [namespace.folder('source'), namespace.folder('copy')];
    const [from, into] = [await sourceMount(services, plan), await mountOf(plan.format, to, 'rw')];
    await mounted(namespace, from, source, () =>
      mounted(namespace, into, copy, () =>
        copyTree({ namespace: namespace.pid, key: plan.key, source, copy }, options),
      ),
    );
  } finally {
    namespace.close();
  }
  // What a task has reported as done shall survive a power cut.
  await run('sync', plan.format === 'raw' ? [to] : ['--file-system', to]);
}

/** Whoever mounts the volume next may do it at once: two mounts of one image would spoil it. */
async function mounted(
  namespace: MountNamespace,
  mount: readonly string[],
  target: string,
  work: () => Promise<void>,
): Promise<void> {
  await namespace.mount([...mount, target]);
  try {
    await work();
  } finally {
    await namespace.unmount(target);
  }
}

/** A volume that may hold a journal to be replayed has to be mounted for writing; a base or a snapshot is never changed. */
async function sourceMount(services: GuestServices, { source, snapshot }: CopyPlan): Promise<string[]> {
  const { storage } = services;
  const name = parseVolumeName(source.volid.slice(source.volid.indexOf(':') + 1));
  const fixed = snapshot !== undefined || (name.kind === 'image' && name.isBase);
  const path =
    snapshot === undefined
      ? await storage.path(source.volid)
      : String((await storage.imageSource(source.volid, snapshot)).source.filename);
  return mountOf(source.format, path, fixed ? 'ro' : 'rw');
}

/** Arguments of mount(8) up to the target. Programs and devices of the tree mean nothing while it is copied. */
async function mountOf(format: string, path: string, access: 'ro' | 'rw'): Promise<string[]> {
  if (format === 'subvol') return ['--bind', '-o', `${access},nodev,nosuid`, path];
  // The original of a copy, or its snapshot, may be mounted at the same time and has the same identifier.
  const twin = (await fileSystemOf(path)) === 'xfs' ? ',nouuid' : '';
  return ['-o', `loop,${access},nodev,nosuid,noatime${twin}`, path];
}

const mib = 1024 ** 2;

/** What the files of a folder take, and as much again as a file system needs for itself; whole GiB. */
export async function roomFor({ storage }: GuestServices, volid: string): Promise<number> {
  const path = await storage.path(volid);
  const { stdout } = await run('du', ['--summarize', '--one-file-system', '--block-size=1', path]);
  const used = Number(/^\d+/.exec(stdout)?.[0] ?? 0);
  return Math.ceil((used * 1.25 + 256 * mib) / (1024 * mib)) * 1024 * mib;
}
