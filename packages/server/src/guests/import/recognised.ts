/** What an import has made of a description of a machine: the form in which the parser process hands it on. */

/** Kinds of warnings: those of the public API first, then ours. */
export const importWarnings = [
  'cdrom-image-ignored',
  'efi-state-lost',
  'guest-is-running',
  'nvme-unsupported',
  'ova-needs-extracting',
  'ovmf-with-lsi-unsupported',
  'serial-port-socket-only',
  'tpm-state-lost',
  'device-not-imported',
  'device-replaced',
  'disk-missing',
  'disk-unsupported',
  'manifest-missing',
  'more-machines',
  'no-disks',
  'os-unknown',
  'value-not-recognised',
] as const;
export type ImportWarningType = (typeof importWarnings)[number];

export interface ImportWarning {
  readonly type: ImportWarningType;
  /** Configuration key or name of what it is about. */
  readonly key?: string;
  readonly value?: string;
}

export interface RecognisedDisk {
  /** File beside the descriptor; absent for an empty disk. */
  readonly file?: string;
  /** Bytes that the guest sees, as the descriptor says. */
  readonly size?: number;
}

export interface RecognisedNet {
  readonly model: string;
  readonly macaddr?: string;
  /** What the card was connected to there. */
  readonly network?: string;
}

export interface RecognisedMachine {
  /** Configuration keys and values, ready for a create call. */
  readonly config: Readonly<Record<string, string | number>>;
  /** By configuration key; `1` for a state volume that is made anew (efidisk0, tpmstate0). */
  readonly disks: Readonly<Record<string, RecognisedDisk | 1>>;
  readonly nets: Readonly<Record<string, RecognisedNet>>;
  /** The firmware checks signatures: its variables start with the usual keys. */
  readonly secureBoot: boolean;
  readonly warnings: readonly ImportWarning[];
}
