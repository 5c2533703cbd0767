/** Snippets that stand in place of generated cloud-init files: `cicustom: user=local:snippets/web.yaml`. */
import { readFile, stat } from 'node:fs/promises';
import { RyokanError } from '@ryokan/api/errors.ts';
import { parsePropertyString } from '@ryokan/api/schema/property-string.ts';
import type { QemuConfig } from '@ryokan/api/schema/qemu-config.ts';
import { cloudInitFileFields } from '@ryokan/api/schema/qemu-options.ts';
import type { GuestServices } from '../../guest-services.ts';
import { cannot } from '../guest-context.ts';
import type { CustomFiles } from './content.ts';

/** Most bytes of one snippet: all of them have to fit into the image. */
const mostBytes = 1024 * 1024;

export async function readCustomFiles(services: GuestServices, config: QemuConfig): Promise<CustomFiles> {
  const custom: Record<string, string> = {};
  for (const [part, volid] of customVolumes(config.cicustom)) {
    custom[part] = await readSnippet(services, part, volid);
  }
  return custom;
}

/** Part (`user`, `network`, …) and volume id of each snippet that the key names. */
export function customVolumes(cicustom: string | undefined): [keyof CustomFiles, string][] {
  if (!cicustom) return [];
  const files = parsePropertyString(cloudInitFileFields, cicustom);
  return Object.entries(files) as [keyof CustomFiles, string][];
}

async function readSnippet(services: GuestServices, part: string, volid: string): Promise<string> {
  const volume = await services.storage.info(volid).catch((error: unknown) => {
    if (!(error instanceof RyokanError) || error.code !== 'not-found') throw error;
    throw new RyokanError('not-found', `cicustom: the snippet '${volid}' (${part}) does not exist`, {
      cause: error,
    });
  });
  if (volume.content !== 'snippets') throw cannot('cicustom', `'${volid}' is no snippet`);
  const path = await services.storage.path(volid);
  if ((await stat(path)).size > mostBytes) throw cannot('cicustom', `'${volid}' is larger than 1 MiB`);
  return readFile(path, 'utf8');
}
