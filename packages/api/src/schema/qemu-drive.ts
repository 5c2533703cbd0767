/**
 * Property strings of disks: `local:100/vm-100-disk-0.qcow2,discard=on,size=32G`. Every bus has its own set of options;
 * the static type QemuDrive is the union of all, which is what code that works on any disk wants.
 */
import { PropertyString } from './property-string.ts';
import { Enum, Format, type Static, Type } from './types.ts';

const Optional = Type.Optional;
const flag = (description: string, rest: Record<string, unknown> = {}) =>
  Optional(Type.Boolean({ description, ...rest }));
/** Another name of a field. */
const alias = (field: string) => Optional(Type.Unsafe<never>({ type: 'string', alias: field }));

const file = Format('pve-volume-id-or-qm-path', {
  defaultKey: true,
  description:
    "Volume, 'none' (empty drive), 'cdrom' (the node's drive), or STORAGE:SIZE_IN_GiB for a new volume.",
});
const size = Optional(Format('disk-size', { description: 'Size of the volume, for information.' }));
const importFrom = Optional(
  Format('pve-volume-id-or-absolute-path', { description: 'Fill the new volume with a copy of this image.' }),
);

/** One limit with its burst: `iops_rd`, `iops_rd_max`, `iops_rd_max_length`. */
const rate = (what: string, kind: 'iops' | 'mbps') => {
  const unit = kind === 'iops' ? 'Operations a second' : 'MB/s';
  const amount = (text: string) => {
    const options = { minimum: 0, description: text };
    return Optional(kind === 'iops' ? Type.Integer(options) : Type.Number(options));
  };
  return { limit: amount(`${unit}: ${what}.`), burst: amount(`${unit} in a burst: ${what}.`) };
};
const burstSeconds = (what: string) =>
  Optional(Type.Integer({ minimum: 1, description: `How many seconds a burst may last: ${what}.` }));
const bytesPerSecond = (what: string) =>
  Optional(Type.Integer({ minimum: 0, description: `Bytes a second: ${what} (the older form of mbps).` }));

const all = { iops: rate('reads and writes', 'iops'), mbps: rate('reads and writes', 'mbps') };
const reads = { iops: rate('reads', 'iops'), mbps: rate('reads', 'mbps') };
const writes = { iops: rate('writes', 'iops'), mbps: rate('writes', 'mbps') };

const throttleFields = {
  bps: bytesPerSecond('reads and writes'),
  bps_rd: bytesPerSecond('reads'),
  bps_wr: bytesPerSecond('writes'),
  bps_max_length: burstSeconds('bytes'),
  bps_rd_max_length: burstSeconds('bytes read'),
  bps_wr_max_length: burstSeconds('bytes written'),
  bps_rd_length: alias('bps_rd_max_length'),
  bps_wr_length: alias('bps_wr_max_length'),
  iops: all.iops.limit,
  iops_rd: reads.iops.limit,
  iops_wr: writes.iops.limit,
  iops_max: all.iops.burst,
  iops_rd_max: reads.iops.burst,
  iops_wr_max: writes.iops.burst,
  iops_max_length: burstSeconds('operations'),
  iops_rd_max_length: burstSeconds('reads'),
  iops_wr_max_length: burstSeconds('writes'),
  iops_rd_length: alias('iops_rd_max_length'),
  iops_wr_length: alias('iops_wr_max_length'),
  mbps: all.mbps.limit,
  mbps_rd: reads.mbps.limit,
  mbps_wr: writes.mbps.limit,
  mbps_max: all.mbps.burst,
  mbps_rd_max: reads.mbps.burst,
  mbps_wr_max: writes.mbps.burst,
};

const commonFields = {
  file,
  volume: alias('file'),
  size,
  'import-from': importFrom,
  format: Optional(
    Enum(['raw', 'qcow', 'qed', 'qcow2', 'vmdk', 'cloop'], {
      description: 'Image format; known from the volume.',
    }),
  ),
  media: Optional(
    Enum(['cdrom', 'disk'], { default: 'disk', description: 'What kind of drive the guest sees.' }),
  ),
  cache: Optional(
    Enum(['none', 'writethrough', 'writeback', 'unsafe', 'directsync'], {
      description: "How the node's memory caches the disk; none (the default) leaves caching to the guest.",
    }),
  ),
  aio: Optional(
    Enum(['native', 'threads', 'io_uring'], { description: 'How QEMU submits reads and writes.' }),
  ),
  discard: Optional(
    Enum(['ignore', 'on'], { description: 'Whether space that the guest frees goes back to the storage.' }),
  ),
  detect_zeroes: flag('Do not write blocks of zeroes, but free them.'),
  serial: Optional(
    Format('urlencoded', { maxLength: 60, description: 'Serial number, URL-encoded, 20 characters.' }),
  ),
  werror: Optional(
    Enum(['enospc', 'ignore', 'report', 'stop'], { description: 'What a failed write does to the guest.' }),
  ),
  rerror: Optional(
    Enum(['ignore', 'report', 'stop'], { description: 'What a failed read does to the guest.' }),
  ),
  backup: flag('Part of backups.'),
  replicate: flag('Part of replication.', { default: true }),
  shared: flag('Every node sees this volume, though its storage is not marked as shared.', {
    default: false,
  }),
  snapshot: flag('Throw all writes away when the guest stops.'),
  ...throttleFields,
};

const ssd = flag('Tell the guest that this is an SSD.');
const wwn = Optional(
  Type.String({ pattern: '0x[0-9a-fA-F]{16}', description: 'World-wide name: 0x and 16 hex digits.' }),
);
const iothread = flag('Serve this disk by a thread of its own.');
const readOnly = flag('The guest cannot write.');
/** Vendor and product texts of SCSI INQUIRY: 8 and 16 characters. */
const inquiry = (length: number, what: string) =>
  Optional(
    Type.String({
      pattern: `[A-Za-z0-9_\\s-]{0,${length}}`,
      description: `${what}, up to ${length} characters.`,
    }),
  );

export const ideDriveFields = Type.Object({
  ...commonFields,
  ssd,
  wwn,
  model: Optional(
    Format('urlencoded', { maxLength: 120, description: 'Model name, URL-encoded, 40 characters.' }),
  ),
});
export const sataDriveFields = Type.Object({ ...commonFields, ssd, wwn });
export const scsiDriveFields = Type.Object({
  ...commonFields,
  ssd,
  wwn,
  iothread,
  ro: readOnly,
  queues: Optional(Type.Integer({ minimum: 2, description: 'Request queues; virtio-scsi-single only.' })),
  scsiblock: flag('Pass SCSI commands through to the block device of the node.', { default: false }),
  vendor: inquiry(8, 'Vendor'),
  product: inquiry(16, 'Product'),
});
export const virtioDriveFields = Type.Object({ ...commonFields, iothread, ro: readOnly });
export const efidiskFields = Type.Object({
  file,
  volume: alias('file'),
  size,
  'import-from': importFrom,
  format: commonFields.format,
  efitype: Optional(
    Enum(['2m', '4m'], { default: '2m', description: 'Size of the firmware; 4m for new guests.' }),
  ),
  'pre-enrolled-keys': flag('Start with the keys that Secure Boot needs for common systems.', {
    default: false,
  }),
  'ms-cert': Optional(
    Enum(['2011', '2023', '2023w', '2023k'], {
      default: '2011',
      description: "Which of Microsoft's certificates the volume holds; kept for information.",
    }),
  ),
});
export const tpmstateFields = Type.Object({
  file,
  volume: alias('file'),
  size,
  'import-from': importFrom,
  format: Optional(Enum(['raw', 'qcow2', 'vmdk'], { description: 'Image format; known from the volume.' })),
  version: Optional(Enum(['v1.2', 'v2.0'], { default: 'v1.2', description: 'TPM version.' })),
});
export const unusedFields = Type.Object({
  file: Format('pve-volume-id', {
    defaultKey: true,
    description: 'A volume of this guest that nothing uses.',
  }),
  volume: alias('file'),
  // For new volumes only, which `qm disk import` makes; never stored.
  'import-from': importFrom,
  format: commonFields.format,
});

/** Any disk option of any bus; those that a bus does not know are never set. */
export type QemuDrive = Static<typeof scsiDriveFields> & { readonly model?: string };
export type QemuEfidisk = Static<typeof efidiskFields>;
export type QemuTpmstate = Static<typeof tpmstateFields>;

export const IdeDrive = PropertyString(ideDriveFields, { description: 'IDE disk or CD-ROM drive.' });
export const SataDrive = PropertyString(sataDriveFields, { description: 'SATA disk or CD-ROM drive.' });
export const ScsiDrive = PropertyString(scsiDriveFields, { description: 'SCSI disk or CD-ROM drive.' });
export const VirtioDrive = PropertyString(virtioDriveFields, { description: 'VirtIO block device.' });
export const Efidisk = PropertyString(efidiskFields, {
  description: 'Where UEFI firmware keeps its variables.',
});
export const Tpmstate = PropertyString(tpmstateFields, {
  description: 'Where the virtual TPM keeps its state.',
});
export const UnusedDrive = PropertyString(unusedFields, {
  description: 'A detached volume, kept for later.',
});
