/**
 * Block nodes of a drive, from the guest down:
 *
 *     drive-scsi0   throttle filter (disks only): always there, so that limits can be set while the guest runs
 *     format-scsi0  image format: block jobs and snapshots happen here, below the name that the device holds on to
 *     file-scsi0    file, device or network protocol
 *
 * A CD-ROM drive has no filter: drive-ide2 is its format node, exchanged with the disc.
 */
import type { QemuDrive } from '@ryokan/api/schema/qemu-drive.ts';
import type { DeviceSink } from '../arguments.ts';
import { type NodeNames, throttleGroupOf } from '../block-graph.ts';
import type { ConfiguredDrive } from '../drive-options.ts';
import { cannot, type Guest, notProvided, notSupported } from '../guest-context.ts';
import type { ResolvedVolume } from '../host-input.ts';
import type { JsonObject } from '../qmp-client.ts';

/** Options that every node of a drive has to agree on. */
interface NodeOptions {
  readonly [option: string]: JsonObject[string];
}

/** Sources that are opened by the kernel on this node and take the option `aio`. */
const localDrivers = new Set(['file', 'host_device', 'host_cdrom']);

/** The lowest node: how to reach the volume. */
export function fileNode(volume: ResolvedVolume, name: string, options: NodeOptions): JsonObject {
  return { ...volume.source, 'node-name': name, ...options };
}

/** What a drive needs before its device: the group of its limits (not for CD-ROM drives), then its block nodes. */
export interface DriveNodes {
  readonly throttleGroup?: { readonly id: string; readonly limits: JsonObject };
  /** Options of blockdev-add; its name is `drive-<key>` when QEMU starts. */
  readonly root: JsonObject;
}

/** Adds the nodes of a drive; the device then uses `drive-<key>`. Nothing for an empty CD-ROM drive. */
export function addDriveNodes(guest: Guest, drive: ConfiguredDrive, args: DeviceSink): void {
  if (drive.empty) return;
  const volume = guest.host.volumes[drive.key];
  if (!volume) throw notProvided(drive.key, `its volume '${drive.options.file}'`);
  const { throttleGroup, root } = driveNodes(drive, volume, guest.host.ioUring);
  if (throttleGroup) args.object('throttle-group', throttleGroup.id, { limits: throttleGroup.limits });
  args.blockdev(root);
}

/** The same nodes for a guest that runs: `object-add` the group, then `blockdev-add` the root. */
export function driveNodes(
  drive: ConfiguredDrive,
  volume: ResolvedVolume,
  ioUring: boolean,
  names: NodeNames = firstNames(drive.key),
): DriveNodes {
  const { key, options } = drive;
  if (options.snapshot) throw notSupported(key, 'snapshot=1 (throwing writes away) is not supported');
  const { root: format, file } = names;
  if (drive.cdrom) return { root: imageNodes(drive, volume, { format, file }, ioUring) };
  const id = throttleGroupOf(names.root);
  return {
    throttleGroup: { id, limits: throttleLimits(key, options) },
    root: {
      'node-name': names.root,
      driver: 'throttle',
      'throttle-group': id,
      ...commonOptions(drive, volume),
      file: imageNodes(drive, volume, names, ioUring),
    },
  };
}

const firstNames = (key: string): NodeNames => ({
  root: `drive-${key}`,
  format: `format-${key}`,
  file: `file-${key}`,
});

/** An image and the file below it, with the drive's options and names of the caller's choice (31 bytes at most). */
export function imageNodes(
  drive: ConfiguredDrive,
  volume: ResolvedVolume,
  names: { readonly format: string; readonly file: string },
  ioUring: boolean,
): JsonObject {
  const common = commonOptions(drive, volume);
  const local = localDrivers.has(volume.source.driver);
  const aio = local ? { aio: asyncIo(drive, common, ioUring) } : {};
  return layeredImage(drive.key, volume, names, (layer, { format, file }) => ({
    'node-name': format,
    driver: volume.format,
    ...common,
    ...detectZeroes(drive),
    file: fileNode(layer, file, { ...common, ...aio }),
  }));
}

/**
 * An image with the layers that it rests on inside: `format-scsi0-2`, `format-scsi0-3`, … A layer that QEMU found by
 * itself could neither be renamed nor merged while the guest runs.
 */
export function layeredImage(
  key: string,
  volume: ResolvedVolume,
  names: { readonly format: string; readonly file: string },
  image: (layer: ResolvedVolume, names: { readonly format: string; readonly file: string }) => JsonObject,
): JsonObject {
  const below = volume.layers ?? [];
  const nodes = below.map((source, index) =>
    image({ ...volume, source }, { format: `format-${key}-${index + 2}`, file: `file-${key}-${index + 2}` }),
  );
  return [image(volume, names), ...nodes].reduceRight((backing, upper) => ({ ...upper, backing }));
}

/** Cache, discard and write protection hold for the whole chain; each node checks its own. */
function commonOptions(drive: ConfiguredDrive, volume: ResolvedVolume): NodeOptions {
  const { discard } = drive.options;
  // Discs are read again and again, often by several guests: the node's page cache helps. Disks are the guest's own.
  const cache = drive.options.cache ?? (drive.cdrom ? 'writeback' : 'none');
  const direct = (cache === 'none' || cache === 'directsync') && volume.directIo !== false;
  return {
    'read-only': drive.cdrom || Boolean(drive.options.ro) || Boolean(volume.readOnly),
    cache: { direct, 'no-flush': cache === 'unsafe' },
    discard: discard === 'on' ? 'unmap' : 'ignore',
  };
}

function asyncIo(drive: ConfiguredDrive, common: NodeOptions, ioUring: boolean): string {
  const direct = (common.cache as { readonly direct: boolean }).direct;
  const { aio } = drive.options;
  if (aio === 'native' && !direct) {
    throw cannot(
      drive.key,
      'aio=native needs cache=none or cache=directsync, on a storage that can do direct I/O',
    );
  }
  if (aio === 'io_uring' && !ioUring) throw notSupported(drive.key, 'this node has no io_uring');
  return aio ?? (ioUring ? 'io_uring' : 'threads');
}

function detectZeroes(drive: ConfiguredDrive): NodeOptions {
  if (drive.cdrom || drive.options.detect_zeroes === false) return {};
  return { 'detect-zeroes': drive.options.discard === 'on' ? 'unmap' : 'on' };
}

const mib = 1024 * 1024;

/** What is limited: the word in QEMU's options and the endings of the configuration's keys. */
const directions = [
  ['total', ''],
  ['read', '_rd'],
  ['write', '_wr'],
] as const;

/**
 * The limits of a drive as QEMU's ThrottleLimits (bytes or operations a second; lengths in seconds). Also what goes to
 * `qom-set limits` of its group when they change while the guest runs (throttle-group.ts).
 */
export function throttleLimits(key: string, options: QemuDrive): { readonly [limit: string]: number } {
  const limits: Record<string, number> = {};
  for (const kind of ['bps', 'iops'] as const) {
    for (const [direction, ending] of directions) {
      const rate = kind === 'iops' ? options[`iops${ending}`] : bytesPerSecond(options, ending);
      const burst = kind === 'iops' ? options[`iops${ending}_max`] : bytes(options[`mbps${ending}_max`]);
      const seconds = options[`${kind}${ending}_max_length`];
      if (burst && (!rate || burst < rate)) {
        throw cannot(key, `the burst limit of ${kind}${ending} must not be below its normal limit`);
      }
      if (rate) limits[`${kind}-${direction}`] = rate;
      if (burst) limits[`${kind}-${direction}-max`] = burst;
      if (burst && seconds) limits[`${kind}-${direction}-max-length`] = seconds;
    }
    if (limits[`${kind}-total`] && (limits[`${kind}-read`] || limits[`${kind}-write`])) {
      const names = kind === 'iops' ? 'iops' : 'mbps';
      throw cannot(
        key,
        `${names} is the limit for reads and writes together; it excludes ${names}_rd and ${names}_wr`,
      );
    }
  }
  return limits;
}

const bytes = (mbps: number | undefined) => (mbps === undefined ? undefined : Math.floor(mbps * mib));

function bytesPerSecond(options: QemuDrive, ending: '' | '_rd' | '_wr'): number | undefined {
  return bytes(options[`mbps${ending}`]) ?? options[`bps${ending}`];
}
