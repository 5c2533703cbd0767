/** Writes the files of a cloud-init image into its volume. */
import { randomBytes } from 'node:crypto';
import { chmod, chown, mkdir, rm, truncate, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { messageOf, RyokanError } from '@ryokan/api/errors.ts';
import type { ImageFormat } from '@ryokan/api/schema/volume-id.ts';
import { run } from '../../../host/exec.ts';
import { imageOptions } from '../../../storage/qemu-img.ts';
import { stagingPrefix } from '../../../storage/staging.ts';
import { stagedFileUndo } from '../../../storage/storage-undo.ts';
import type { ChangeContext, GuestServices } from '../../guest-services.ts';
import type { CloudInitContent } from './content.ts';

/** How long each of the two programs may take (ms): the image is small, the storage may be slow. */
const programTimeout = 60_000;

/**
 * Fills the volume with an ISO 9660 image of the files. `user` is whom guests run as: the volume is written with that
 * user's rights, since what stands in it by then is no longer ours alone. Nothing may have it open.
 */
export async function writeImage(
  services: GuestServices,
  volid: string,
  content: CloudInitContent,
  user: { readonly uid: number; readonly gid: number },
  context: Pick<ChangeContext, 'undo'>,
): Promise<void> {
  const { size, format } = await services.storage.info(volid);
  const source = await services.storage.blockSource(volid);
  // Its name cannot be listed by those who may pass through the run folder; it holds passwords and keys.
  const folder = join(services.paths.run, `${stagingPrefix}${randomBytes(16).toString('hex')}`);
  context.undo(stagedFileUndo, { path: folder });
  try {
    const iso = await makeIso(folder, content, size);
    await chown(iso, 0, user.gid);
    await chmod(iso, 0o440);
    await chmod(folder, 0o711);
    const target = imageOptions({ source, format: format as ImageFormat });
    await run(
      'qemu-img',
      ['convert', '-n', '-t', 'writeback', '-f', 'raw', '--target-image-opts', iso, target],
      { ...user, timeout: programTimeout },
    );
  } catch (cause) {
    throw new RyokanError(
      'failed',
      `the cloud-init image '${volid}' could not be written: ${messageOf(cause)}`,
      { cause, context: { volid } },
    );
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** The image as a file of `size` bytes: with zeros to its end, so that nothing of an earlier one stays in the volume. */
async function makeIso(folder: string, content: CloudInitContent, size: number): Promise<string> {
  const root = join(folder, 'root');
  await mkdir(root, { recursive: true, mode: 0o700 });
  for (const [name, text] of Object.entries(content.files)) {
    await mkdir(dirname(join(root, name)), { recursive: true });
    await writeFile(join(root, name), text);
  }
  const iso = join(folder, 'image.iso');
  await run(
    'xorriso',
    ['-as', 'mkisofs', '-quiet', '-iso-level', '3', '-J', '-R', '-V', content.label, '-o', iso, root],
    { timeout: programTimeout },
  );
  await truncate(iso, size);
  return iso;
}
