/**
 * Reads an OVF descriptor (DSP0243, versions 0.9 to 2.x) into what it says, with nothing decided yet: files, disks,
 * networks and the items of the first virtual system.
 */
import { RyokanError } from '@ryokan/api/errors.ts';
import type { OsHints } from './os-types.ts';
import { child, children, childText, descendant, parseXml, type XmlElement } from './xml.ts';

/** CIM_ResourceAllocationSettingData.ResourceType; sound cards are VirtualBox's own number. */
export const itemType = {
  other: 1,
  processor: 3,
  memory: 4,
  ideController: 5,
  scsiController: 6,
  ethernet: 10,
  floppy: 14,
  cdDrive: 15,
  dvdDrive: 16,
  disk: 17,
  otherStorage: 20,
  serialPort: 21,
  usbController: 23,
  graphics: 24,
  sound: 35,
} as const;

export interface OvfFile {
  /** As it stands in the descriptor: a file beside it, or a URL. */
  readonly href: string;
  readonly compressed: boolean;
  /** Cut into several files. */
  readonly chunked: boolean;
}

export interface OvfDisk {
  readonly id: string;
  /** Absent for an empty disk. */
  readonly file?: OvfFile | undefined;
  /** Bytes. */
  readonly capacity?: number | undefined;
  /** It holds only what differs from another disk. */
  readonly hasParent: boolean;
}

/** One item of the virtual hardware: CIM_ResourceAllocationSettingData. */
export interface OvfItem {
  readonly type: number;
  readonly subType: string;
  /** Name for people: `Hard Disk 1`. */
  readonly name: string;
  readonly id: string;
  readonly parent?: string | undefined;
  readonly addressOnParent?: number | undefined;
  readonly address?: string | undefined;
  readonly quantity?: number | undefined;
  readonly units?: string | undefined;
  readonly hostResource?: string | undefined;
  readonly connection?: string | undefined;
  readonly coresPerSocket?: number | undefined;
}

export interface OvfMachine {
  readonly name?: string | undefined;
  readonly annotation?: string | undefined;
  readonly os: OsHints;
  readonly items: readonly OvfItem[];
  readonly disks: ReadonlyMap<string, OvfDisk>;
  readonly files: ReadonlyMap<string, OvfFile>;
  /** Settings beside the items: `firmware`, `bootOptions.efiSecureBootEnabled`, … */
  readonly settings: ReadonlyMap<string, string>;
  /** What VirtualBox adds of its own. */
  readonly virtualBox?: VirtualBoxMachine | undefined;
  /** How many machines the descriptor has; only the first is read. */
  readonly systems: number;
}

export interface VirtualBoxMachine {
  readonly efi: boolean;
  readonly tpm: boolean;
  /** MAC addresses of the enabled cards in their order. */
  readonly macs: readonly string[];
}

/** Throws RyokanError 'unsupported' for what is no descriptor of a machine. */
export function parseOvf(source: string): OvfMachine {
  const envelope = parseXml(source);
  const systems = systemsOf(envelope);
  const [system] = systems;
  const hardware = child(system, 'VirtualHardwareSection');
  if (envelope.name !== 'Envelope' || !system || !hardware) {
    throw new RyokanError('unsupported', 'the OVF descriptor describes no virtual machine');
  }
  const files = filesOf(envelope);
  return {
    name: childText(system, 'Name') ?? system.attributes.get('id'),
    annotation: childText(child(system, 'AnnotationSection'), 'Annotation'),
    os: osOf(system),
    items: itemsOf(hardware, defaultConfiguration(envelope)),
    files,
    disks: disksOf(envelope, files),
    settings: new Map(
      children(hardware, 'Config').map((one) => [
        (one.attributes.get('key') ?? '').toLowerCase(),
        one.attributes.get('value') ?? '',
      ]),
    ),
    virtualBox: virtualBoxOf(system),
    systems: systems.length,
  };
}

/** Version 0.9 calls a system `Content`; a collection may hold collections. */
function systemsOf(element: XmlElement): XmlElement[] {
  return element.children.flatMap((one) => {
    if (one.name === 'VirtualSystem' || one.name === 'Content') return [one];
    return one.name === 'VirtualSystemCollection' ? systemsOf(one) : [];
  });
}

function filesOf(envelope: XmlElement): Map<string, OvfFile> {
  const files = children(child(envelope, 'References'), 'File').map(({ attributes }): [string, OvfFile] => [
    attributes.get('id') ?? '',
    {
      href: attributes.get('href') ?? '',
      compressed: !['', 'identity'].includes(attributes.get('compression') ?? ''),
      chunked: attributes.has('chunkSize'),
    },
  ]);
  return new Map(files);
}

function disksOf(envelope: XmlElement, files: ReadonlyMap<string, OvfFile>): Map<string, OvfDisk> {
  const section = child(envelope, 'DiskSection') ?? section09(envelope, 'DiskSection');
  const disks = children(section, 'Disk').map(({ attributes }): [string, OvfDisk] => {
    const id = attributes.get('diskId') ?? '';
    const capacity = numberOf(attributes.get('capacity'));
    const factor = unitBytes(attributes.get('capacityAllocationUnits') ?? 'byte') ?? 1;
    return [
      id,
      {
        id,
        file: files.get(attributes.get('fileRef') ?? ''),
        capacity: capacity === undefined ? undefined : capacity * factor,
        hasParent: attributes.has('parentRef'),
      },
    ];
  });
  return new Map(disks);
}

/** Version 0.9: `<Section xsi:type="ovf:DiskSection_Type">`. */
function section09(envelope: XmlElement, name: string): XmlElement | undefined {
  return children(envelope, 'Section').find((one) => one.attributes.get('type')?.includes(name));
}

function osOf(system: XmlElement): OsHints {
  const section = child(system, 'OperatingSystemSection');
  return {
    vmware: section?.attributes.get('osType'),
    virtualBox: childText(section, 'OSType') ?? child(system, 'Machine')?.attributes.get('OSType'),
    cim: numberOf(section?.attributes.get('id')),
    description: childText(section, 'Description'),
  };
}

/** Items may belong to one of several sizes of the machine; the one marked as default counts, else the first. */
function defaultConfiguration(envelope: XmlElement): string | undefined {
  const all = children(child(envelope, 'DeploymentOptionSection'), 'Configuration');
  const chosen = all.find((one) => one.attributes.get('default') === 'true') ?? all[0];
  return chosen?.attributes.get('id');
}

function itemsOf(hardware: XmlElement, configuration: string | undefined): OvfItem[] {
  const items = hardware.children.filter((one) =>
    ['Item', 'StorageItem', 'EthernetPortItem'].includes(one.name),
  );
  const chosen = new Map<string, OvfItem>();
  for (const element of items) {
    const wanted = element.attributes.get('configuration');
    const bound = element.attributes.get('bound');
    // With a bound an item is no device, but a limit to another one of the same id.
    if (bound === 'min' || bound === 'max') continue;
    if (wanted && !wanted.split(/\s+/).includes(configuration ?? '')) continue;
    const item = itemOf(element);
    chosen.set(item.id === '' ? `#${chosen.size}` : item.id, item);
  }
  return [...chosen.values()];
}

function itemOf(element: XmlElement): OvfItem {
  const text = (name: string) => childText(element, name);
  return {
    type: numberOf(text('ResourceType')) ?? 0,
    subType: text('ResourceSubType') ?? '',
    name: text('ElementName') ?? text('Caption') ?? text('Description') ?? '',
    id: text('InstanceID') ?? text('InstanceId') ?? '',
    parent: text('Parent'),
    addressOnParent: numberOf(text('AddressOnParent')),
    address: text('Address'),
    quantity: numberOf(text('VirtualQuantity')),
    units: text('AllocationUnits') ?? text('VirtualQuantityUnits'),
    hostResource: text('HostResource'),
    connection: text('Connection'),
    coresPerSocket: numberOf(text('CoresPerSocket')),
  };
}

function virtualBoxOf(system: XmlElement): VirtualBoxMachine | undefined {
  const machine = child(system, 'Machine');
  if (!machine) return undefined;
  const tpm = descendant(machine, 'TrustedPlatformModule')?.attributes.get('type') ?? 'None';
  const adapters = children(descendant(machine, 'Network'), 'Adapter');
  return {
    efi: /^efi/i.test(descendant(machine, 'Firmware')?.attributes.get('type') ?? ''),
    tpm: tpm.toLowerCase() !== 'none',
    macs: adapters
      .filter((one) => one.attributes.get('enabled') === 'true')
      .map((one) => one.attributes.get('MACAddress') ?? ''),
  };
}

function numberOf(text: string | undefined): number | undefined {
  const value = text !== undefined && /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
  return Number.isSafeInteger(value) ? value : undefined;
}

/** Bytes of a unit: `byte * 2^20` of newer documents, `MegaBytes` of older ones. */
export function unitBytes(units: string): number | undefined {
  const plain = units.toLowerCase().replace(/\s+/g, '');
  const [, base, exponent] = /^bytes?(?:\*(\d+)\^(\d+))?$/.exec(plain) ?? [];
  if (base !== undefined) return Number(base) ** Math.min(Number(exponent), 60);
  if (/^bytes?$/.test(plain)) return 1;
  const prefix = /^([kmgt])(?:i?b|ilobytes?|egabytes?|igabytes?|erabytes?)$/.exec(plain)?.[1] ?? '-';
  const power = ['k', 'm', 'g', 't'].indexOf(prefix) + 1;
  return power === 0 ? undefined : 1024 ** power;
}
