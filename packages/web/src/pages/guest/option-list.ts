/** The options page: which options there are, of what kind, and what they are when nothing is set. */
import { keyboards } from '@ryokan/api/schema/qemu-config.ts';
import type { PlainKey } from '../../i18n/index.ts';

export interface OptionChoice {
  readonly value: string;
  /** A proper name, not translated. */
  readonly label?: string;
  readonly words?: PlainKey;
}

export type OptionKind =
  | { readonly kind: 'flag'; readonly preset: boolean }
  | {
      readonly kind: 'text';
      readonly mono?: true;
      /** What no text means. */
      readonly empty?: PlainKey;
    }
  | {
      readonly kind: 'choice';
      readonly choices: readonly OptionChoice[];
      /** Undefined: nothing is chosen until somebody does. */
      readonly preset?: string;
    }
  | { readonly kind: 'number'; readonly min: number; readonly max: number; readonly preset: string }
  | { readonly kind: 'boot' }
  | { readonly kind: 'startup' }
  | { readonly kind: 'hotplug' }
  | { readonly kind: 'agent' }
  | { readonly kind: 'features' }
  | { readonly kind: 'variables' };

/** Variables as a container's `env` has them, with zero characters between, and as people write them: one a line. */
export const variableLines = (value: string | undefined): string => (value ?? '').split('\0').join('\n');

export const variablesOf = (lines: string): string =>
  lines
    .split('\n')
    .filter((line) => line.trim() !== '')
    .join('\0');

/** The first line that is no variable. */
export const wrongVariable = (lines: string): string | undefined =>
  // biome-ignore lint/suspicious/noControlCharactersInRegex: a tab may stand in a value, nothing else below the blank
  lines.split('\n').find((line) => line.trim() !== '' && !/^\w+=[^\x00-\x08\x0a-\x1f\x7f]*$/.test(line));

export interface OptionRow {
  readonly key: string;
  readonly label: PlainKey;
  readonly help?: PlainKey;
  readonly option: OptionKind;
  /** True: shown only; it cannot be changed. */
  readonly fixed?: true;
}

export const osTypes = [
  { value: 'l26', label: 'Linux' },
  { value: 'l24', label: 'Linux 2.4' },
  { value: 'win11', label: 'Windows 11 / Server 2022, 2025' },
  { value: 'win10', label: 'Windows 10 / Server 2016, 2019' },
  { value: 'win8', label: 'Windows 8 / Server 2012' },
  { value: 'win7', label: 'Windows 7 / Server 2008 R2' },
  { value: 'wvista', label: 'Windows Vista' },
  { value: 'w2k8', label: 'Windows Server 2008' },
  { value: 'w2k3', label: 'Windows Server 2003' },
  { value: 'w2k', label: 'Windows 2000' },
  { value: 'wxp', label: 'Windows XP' },
  { value: 'solaris', label: 'Solaris' },
  { value: 'other', label: 'other' },
] as const;

export const hotplugFeatures = ['disk', 'network', 'usb', 'memory', 'cpu', 'cloudinit'] as const;
export const defaultHotplug = ['network', 'disk', 'usb'] as const;

export const optionRows: readonly OptionRow[] = [
  { key: 'name', label: 'column.name', option: { kind: 'text' } },
  { key: 'tags', label: 'guest.tags', help: 'wizard.tagsHelp', option: { kind: 'text' } },
  { key: 'onboot', label: 'wizard.onboot', option: { kind: 'flag', preset: false } },
  { key: 'startup', label: 'options.startup', option: { kind: 'startup' } },
  { key: 'ostype', label: 'wizard.ostype', option: { kind: 'choice', choices: osTypes, preset: 'other' } },
  { key: 'boot', label: 'options.boot', option: { kind: 'boot' } },
  { key: 'agent', label: 'options.agent', help: 'wizard.agentHelp', option: { kind: 'agent' } },
  {
    key: 'protection',
    label: 'options.protection',
    help: 'options.protectionHelp',
    option: { kind: 'flag', preset: false },
  },
  {
    key: 'tablet',
    label: 'options.tablet',
    help: 'options.tabletHelp',
    option: { kind: 'flag', preset: true },
  },
  { key: 'hotplug', label: 'options.hotplug', option: { kind: 'hotplug' } },
  { key: 'acpi', label: 'options.acpi', option: { kind: 'flag', preset: true } },
  { key: 'kvm', label: 'options.kvm', help: 'options.kvmHelp', option: { kind: 'flag', preset: true } },
  { key: 'freeze', label: 'options.freeze', option: { kind: 'flag', preset: false } },
  {
    key: 'localtime',
    label: 'options.localtime',
    help: 'options.localtimeHelp',
    option: { kind: 'flag', preset: false },
  },
  {
    key: 'startdate',
    label: 'options.startdate',
    help: 'options.startdateHelp',
    option: { kind: 'text', mono: true },
  },
  {
    key: 'reboot',
    label: 'options.reboot',
    help: 'options.rebootHelp',
    option: { kind: 'flag', preset: true },
  },
  { key: 'smbios1', label: 'options.smbios', option: { kind: 'text', mono: true } },
  {
    key: 'vmgenid',
    label: 'options.generation',
    help: 'options.generationHelp',
    option: { kind: 'text', mono: true },
  },
  {
    key: 'vmstatestorage',
    label: 'options.stateStorage',
    help: 'options.stateStorageHelp',
    option: { kind: 'text', mono: true },
  },
  {
    key: 'keyboard',
    label: 'options.keyboard',
    help: 'options.keyboardHelp',
    option: { kind: 'choice', choices: keyboards.map((value) => ({ value })) },
  },
  {
    key: 'spice_enhancements',
    label: 'options.spice',
    help: 'options.spiceHelp',
    option: { kind: 'text', mono: true },
  },
  {
    key: 'hookscript',
    label: 'options.hookscript',
    help: 'options.hookscriptHelp',
    option: { kind: 'text', mono: true },
  },
  { key: 'args', label: 'options.args', help: 'options.argsHelp', option: { kind: 'text', mono: true } },
];

/** Windows keeps its clock on local time unless told otherwise. */
export function localtimePreset(ostype: string | undefined): boolean {
  return ostype?.startsWith('w') ?? false;
}

export interface Startup {
  readonly order: string;
  readonly up: string;
  readonly down: string;
}

/** `order=1,up=30`, or just `1`. */
export function readStartup(text: string | undefined): Startup {
  const parts = Object.fromEntries(
    (text ?? '').split(',').map((part) => {
      const [key, value] = part.split('=');
      return value === undefined ? ['order', key] : [key, value];
    }),
  ) as Partial<Startup>;
  return { order: parts.order ?? '', up: parts.up ?? '', down: parts.down ?? '' };
}

export function writeStartup(startup: Startup): string {
  return Object.entries(startup)
    .filter(([, value]) => value.trim() !== '')
    .map(([key, value]) => `${key}=${value.trim()}`)
    .join(',');
}

/** Chosen features; `1` stands for the default ones, `0` for none. */
export function readHotplug(text: string | undefined): readonly string[] {
  if (text === undefined || text === '' || text === '1') return defaultHotplug;
  return text === '0' ? [] : text.split(/[,;]/).filter(Boolean);
}
