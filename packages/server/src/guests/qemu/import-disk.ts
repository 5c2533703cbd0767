/**
 * New disks filled from an image that is there already: `scsi0: local:0,import-from=local:import/debian.qcow2`, also
 * from inside an OVA: `import-from=local:import/web.ova/disk1.vmdk`. Images that people have brought along are only
 * read in a sandbox, see storage/import/foreign-image.ts.
 */
import { stat } from 'node:fs/promises';
import { RyokanError } from '@ryokan/api/errors.ts';
import { importableFormat, importableFormats, tryParseArchiveMember } from '@ryokan/api/schema/volume-id.ts';
import type { ImageSource, VolumeFormat } from '../../storage/driver.ts';
import { noSpace, readableSize } from '../../storage/image-names.ts';
import {
  type ForeignImage,
  type ForeignImageSize,
  inspectImage,
  withImageServer,
} from '../../storage/import/foreign-image.ts';
import { inspectArchive } from '../../storage/import/parser-process.ts';
import { fillImage } from '../../storage/qemu-img.ts';
import { stagingPath } from '../../storage/staging.ts';
import { stagedFileUndo } from '../../storage/storage-undo.ts';
import { bandwidthLimit } from '../copy/bandwidth.ts';
import type { ChangeContext, GuestServices } from '../guest-services.ts';

export interface ImportRequest {
  /** Configuration key of the disk, for messages. */
  readonly key: string;
  /** Volume id, file in an OVA, or for root a path of the host. */
  readonly source: string;
  readonly storage: string;
  readonly format: VolumeFormat;
  readonly onStaged: (path: string) => void;
  /** Called once the new volume is there. */
  readonly onPlaced: (volid: string) => void;
}

interface Origin {
  readonly size: ForeignImageSize;
  /** Gives the disk to `work` in a form that is safe to read. */
  read(work: (source: ImageSource) => Promise<void>): Promise<void>;
}

/** Makes a volume as large as the source and copies the source into it. */
export async function importVolume(
  services: GuestServices,
  vmid: number,
  request: ImportRequest,
  context: ChangeContext,
): Promise<{ volid: string; size: number }> {
  const { key, source, storage, format, onStaged, onPlaced } = request;
  const origin = await originOf(services, request, context);
  const { virtual } = origin.size;
  const { capabilities } = await services.storage.driver(storage);
  await demandRoom(services, storage, capabilities.thin ? origin.size.data : virtual);
  const volid = await services.storage.allocate(storage, { vmid, format, size: virtual, onStaged, onPlaced });
  context.log(`${key}: copying '${source}' (${readableSize(virtual)})`);
  const to = await services.storage.imageSource(volid);
  const rateLimit = bandwidthLimit(services, { operation: 'clone', storages: storagesOf(request) });
  await origin.read((from) =>
    fillImage({
      from,
      to,
      zeroed: capabilities.thin,
      ...(rateLimit === undefined ? {} : { rateLimit }),
      signal: context.signal,
      onProgress: (fraction) => context.progress?.(fraction, key),
    }),
  );
  return { volid, size: (await services.storage.info(volid)).size };
}

/** That of the new volume and, when it is on one, that of the source. */
function storagesOf({ source, storage }: ImportRequest): string[] {
  return source.startsWith('/') ? [storage] : [storage, source.slice(0, source.indexOf(':'))];
}

async function demandRoom(services: GuestServices, storage: string, needed: number): Promise<void> {
  const { available } = await services.storage.summary(storage);
  if (needed > available) throw noSpace('the imported disk', storage, needed, available);
}

async function originOf(
  services: GuestServices,
  request: ImportRequest,
  context: ChangeContext,
): Promise<Origin> {
  const { key, source } = request;
  if (source.startsWith('/')) return foreign(services, await hostFile(request, context), context);
  const inside = tryParseArchiveMember(source);
  const volume = await services.storage.info(inside?.archive ?? source);
  if (inside) {
    const path = await services.storage.path(inside.archive);
    return foreign(services, await memberOf(path, inside.member, source, context), context);
  }
  if (volume.content === 'images') {
    const from = await services.storage.imageSource(source);
    const size = { virtual: volume.size, data: volume.size };
    return { size, read: (work) => work(from) };
  }
  const format = importableFormats.find((one) => one === volume.format);
  if (volume.content !== 'import' || !format) {
    throw new RyokanError('parameter', `${key}: '${source}' is no disk image that can be imported`);
  }
  const path = await services.storage.path(source);
  return foreign(services, { name: source, path, format }, context);
}

async function foreign(
  { paths }: GuestServices,
  image: ForeignImage,
  context: ChangeContext,
): Promise<Origin> {
  const size = await inspectImage(image, context.signal);
  return {
    size,
    async read(work) {
      // Not the spool: that is the gateway's, and closed to the sandbox.
      const folder = stagingPath(paths.run);
      context.undo(stagedFileUndo, { path: folder });
      await withImageServer(image, folder, context.signal, work);
    },
  };
}

/** A disk inside the OVA at `path`, checked against the manifest. */
async function memberOf(
  path: string,
  member: string,
  name: string,
  context: ChangeContext,
): Promise<ForeignImage> {
  const { size } = await stat(path);
  const format = importableFormat(member);
  const members = await inspectArchive(path, size, {
    only: member,
    signal: context.signal,
    onProgress: (fraction) => context.progress?.(fraction, 'checksum'),
  });
  const range = members.find((one) => one.name === member);
  if (!range || !format) throw new RyokanError('not-found', `there is no disk '${member}' in '${name}'`);
  return { name, path, format, range };
}

/** Only root gets here (see qemu-permissions.ts). The name says the format, as the content could lie about it. */
async function hostFile({ key, source }: ImportRequest, context: ChangeContext): Promise<ForeignImage> {
  const [, archive, member] = /^(.+\.ova)\/([^/]+)$/.exec(source) ?? [];
  const path = archive ?? source;
  const format = importableFormat(source);
  if (!format) {
    const endings = importableFormats.map((one) => `.${one}`).join(', ');
    throw new RyokanError('parameter', `${key}: '${source}' ends in none of ${endings}`);
  }
  const stats = await stat(path).catch(() => undefined);
  if (!stats?.isFile()) throw new RyokanError('not-found', `${key}: there is no file '${path}'`);
  return member === undefined ? { name: source, path, format } : memberOf(path, member, source, context);
}
