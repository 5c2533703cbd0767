/** `qm disk import`, `qm importovf`, `qm import`, `qm import-config`: machines and disks from elsewhere. */
import { resolve } from 'node:path';
import { type ImportMetadata, planImport } from '@ryokan/api/import-plan.ts';
import type { ParsedArguments } from './arguments.ts';
import { exitCode, UsageError } from './errors.ts';
import { type LocalCommand, single } from './local-command.ts';
import { isRecord } from './render.ts';
import type { Session } from './session.ts';
import { followAndReport, upidNode } from './task-follow.ts';

const vmid = { type: 'integer', format: 'pve-vmid' } as const;
const format = { type: 'string', enum: ['raw', 'qcow2', 'vmdk'] } as const;
const storage = { type: 'string', format: 'pve-storage-id' } as const;
const formatHelp = { description: "Format of the new disks; the storage's default when absent." };
const bridgeHelp = { description: 'Bridge of the network cards; user networking when absent.' };
const dryrunHelp = { description: 'Only show what would be made.' };

const nodePath = (session: Session): string => `/nodes/${encodeURIComponent(session.localNode)}`;

/** A volume id as it is, a path from where the caller stands. */
const sourceOf = (text: string): string => (/^[^/]+:/.test(text) ? text : resolve(text));

/** Waits for the task that an answer names. */
async function finish(session: Session, answer: unknown): Promise<number> {
  if (upidNode(answer) === undefined) return exitCode.ok;
  return followAndReport(session, answer as string, session.output.quiet ? () => {} : session.system.out);
}

async function importDisk(session: Session, parsed: ParsedArguments): Promise<number> {
  const words = 'qm disk import';
  const path = `${nodePath(session)}/qemu/${encodeURIComponent(single(parsed, 'vmid') ?? '')}/config`;
  const { data } = await session.api.call('GET', path, {});
  const config = isRecord(data) ? data : {};
  const key = single(parsed, 'target-disk') ?? freeKey(config);
  if (key === undefined) throw new UsageError('all unusedN keys are taken; remove unused disks first', words);
  if (config[key] !== undefined) throw new UsageError(`the guest has a disk '${key}' already`, words);
  const wanted = single(parsed, 'format');
  const disk = [
    `${single(parsed, 'storage')}:0`,
    `import-from=${sourceOf(single(parsed, 'source') ?? '')}`,
    ...(wanted === undefined ? [] : [`format=${wanted}`]),
  ];
  const answer = await session.api.call('POST', path, {
    [key]: disk.join(','),
    digest: String(config.digest),
  });
  const code = await finish(session, answer.data);
  if (code === exitCode.ok && !session.output.quiet)
    session.system.out(`the disk is '${key}' of the guest\n`);
  return code;
}

function freeKey(config: Readonly<Record<string, unknown>>): string | undefined {
  return Array.from({ length: 256 }, (_, index) => `unused${index}`).find((key) => config[key] === undefined);
}

const diskSpec = {
  args: ['vmid', 'source', 'storage'],
  params: {
    vmid,
    source: { type: 'string' },
    storage,
    format,
    'target-disk': { type: 'string' },
  },
  required: ['vmid', 'source', 'storage'],
  implied: [],
} as const;
const diskHelp = {
  vmid: { description: 'The unique ID of the guest.' },
  source: { description: 'Image file or volume: qcow2, raw, vmdk, vdi, vhdx; also file.ova/disk.vmdk.' },
  storage: { description: 'Storage of the new disk.' },
  format: formatHelp,
  'target-disk': { description: 'What it becomes (scsi1, sata0, …); an unused disk when absent.' },
};
const diskDescription = 'Copies a disk image into a storage, as a new disk of a guest.';

/** Options of the guest that the command line may say instead of the file. */
const options = [
  ...['name', 'cores', 'sockets', 'memory', 'cpu', 'ostype', 'scsihw', 'description', 'tags', 'pool'],
  ...['onboot', 'start'],
] as const;

/** Creates the guest that `metadata` describes, or only shows it. */
async function create(session: Session, parsed: ParsedArguments, metadata: ImportMetadata): Promise<number> {
  const { system } = session;
  const text = (name: string) => single(parsed, name);
  const given = options.flatMap((name) => (text(name) === undefined ? [] : [[name, text(name) ?? '']]));
  const [wantedFormat, bridge] = [text('format'), text('bridge')];
  const params = planImport(metadata, {
    vmid: text('vmid') ?? '',
    storage: text('storage') ?? '',
    ...(wantedFormat === undefined ? {} : { format: wantedFormat }),
    ...(bridge === undefined ? {} : { bridge }),
    prepareVirtio: text('prepare-virtio') === '1',
    options: Object.fromEntries(given),
  });
  for (const { type, key = '', value = '' } of metadata.warnings) {
    system.err(`not kept: ${[type, key, value].filter((one) => one !== '').join(' ')}\n`);
  }
  if (text('dryrun') === '1') {
    system.out(`${JSON.stringify(params, null, 3)}\n`);
    return exitCode.ok;
  }
  const { data } = await session.api.call('POST', `${nodePath(session)}/qemu`, params);
  return finish(session, data);
}

async function importOvf(session: Session, parsed: ParsedArguments): Promise<number> {
  const path = resolve(single(parsed, 'manifest') ?? '');
  const { data } = await session.api.call('GET', `${nodePath(session)}/import-metadata`, { path });
  return create(session, parsed, data as ImportMetadata);
}

async function importVolume(session: Session, parsed: ParsedArguments): Promise<number> {
  const volume = single(parsed, 'source') ?? '';
  const [owner = ''] = volume.split(':');
  if (!volume.includes(':')) {
    throw new UsageError(`'${volume}' is no volume id; 'qm importovf' takes a file`, 'qm import');
  }
  const path = `${nodePath(session)}/storage/${encodeURIComponent(owner)}/import-metadata`;
  const { data } = await session.api.call('GET', path, { volume });
  return create(session, parsed, data as ImportMetadata);
}

const machineParams = {
  vmid,
  storage,
  format,
  bridge: { type: 'string' },
  dryrun: { type: 'boolean' },
  'prepare-virtio': { type: 'boolean' },
  ...Object.fromEntries(options.map((name) => [name, { type: 'string' } as const])),
  onboot: { type: 'boolean' },
  start: { type: 'boolean' },
} as const;
const machineHelp = {
  vmid: { description: 'The unique ID of the new guest.' },
  storage: { description: 'Storage of the new disks.' },
  format: formatHelp,
  bridge: bridgeHelp,
  dryrun: dryrunHelp,
  'prepare-virtio': { description: 'Put SCSI disks on SATA, until the guest has VirtIO drivers.' },
};

const ovfCommand: LocalCommand = {
  spec: {
    words: 'qm importovf',
    args: ['vmid', 'manifest', 'storage'],
    params: { ...machineParams, manifest: { type: 'string', format: 'file' } },
    required: ['vmid', 'manifest', 'storage'],
    implied: [],
  },
  description: 'Creates a guest from an OVF or OVA file of this machine.',
  paramHelp: { ...machineHelp, manifest: { description: 'Path of the .ovf or .ova file.' } },
  run: importOvf,
};

const volumeCommand: LocalCommand = {
  spec: {
    words: 'qm import',
    args: ['vmid', 'source'],
    params: { ...machineParams, source: { type: 'string' } },
    required: ['vmid', 'source', 'storage'],
    implied: [],
  },
  description: 'Creates a guest from an OVA, an OVF or a disk image in a storage with content import.',
  paramHelp: { ...machineHelp, source: { description: 'Volume id: local:import/web.ova.' } },
  run: importVolume,
};

async function importConfig(session: Session, parsed: ParsedArguments): Promise<number> {
  const words = 'qm import-config';
  const file = resolve(single(parsed, 'file') ?? '');
  const config = session.system.readText(file);
  if (config === undefined) throw new UsageError(`cannot read '${file}'`, words);
  const path = `${nodePath(session)}/qemu/${encodeURIComponent(single(parsed, 'vmid') ?? '')}/import-config`;
  const { data } = await session.api.call('POST', path, { config });
  const missing = isRecord(data) && Array.isArray(data.missing) ? data.missing : [];
  for (const volume of missing.filter(isRecord)) {
    session.system.err(`still to be brought over: ${volume.key} ${volume.volid}\n`);
  }
  return exitCode.ok;
}

const configCommand: LocalCommand = {
  spec: {
    words: 'qm import-config',
    args: ['vmid', 'file'],
    params: { vmid, file: { type: 'string', format: 'file' } },
    required: ['vmid', 'file'],
    implied: [],
  },
  description:
    'Enters a guest with the configuration file that Proxmox VE wrote, and names the disks to copy.',
  paramHelp: {
    vmid: { description: 'The unique ID of the guest.' },
    file: { description: 'Copy of /etc/pve/qemu-server/<vmid>.conf.' },
  },
  run: importConfig,
};

export const importCommands: readonly LocalCommand[] = [
  ...['qm disk import', 'qm importdisk'].map(
    (words): LocalCommand => ({
      spec: { ...diskSpec, words },
      description: diskDescription,
      paramHelp: diskHelp,
      run: importDisk,
    }),
  ),
  ovfCommand,
  volumeCommand,
  configCommand,
];
