/** What the parts of the conformance suite share: the storage under test, volumes and files for it, how to demand errors. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type ErrorCode, RyokanError } from '@ryokan/api/errors.ts';
import { type FileContent, fileContents } from '@ryokan/api/schema/volume-id.ts';
import { expect } from 'vitest';
import type { StorageDriver, VolumeFormat } from './driver.ts';

export interface ConformanceSubject {
  readonly driver: StorageDriver;
  /** A second driver on the same backend, as another process would have it. */
  readonly other: StorageDriver;
  /** Writes 4 KiB of `byte` at `offset` into an image, as a guest would. */
  poke(name: string, offset: number, byte: number): Promise<void>;
  /** The byte at `offset`. */
  peek(name: string, offset: number): Promise<number>;
  cleanup(): Promise<void>;
}

export const MiB = 1024 * 1024;

/** File names that fit each content type. */
export const fileNames: Readonly<Record<FileContent, string>> = {
  iso: 'debian-12.iso',
  vztmpl: 'debian-12-standard_12.7-1_amd64.tar.zst',
  backup: 'vzdump-qemu-104-2026_01_31-10_20_30.vma.zst',
  snippets: 'user-data.yaml',
  import: 'cloud.qcow2',
};

/** One storage under test; made anew for each check. */
export class Bench {
  /** `folder` takes files that are to be adopted. */
  constructor(
    readonly subject: ConformanceSubject,
    readonly folder: string,
  ) {}

  get driver(): StorageDriver {
    return this.subject.driver;
  }

  /** Format of a disk for which nobody asked for another. */
  first(): VolumeFormat {
    return this.driver.capabilities.imageFormats[0] as VolumeFormat;
  }

  /** An image of 4 MiB. */
  allocate(vmid: number, format = this.first()): Promise<string> {
    return this.driver.allocate({ vmid, format, size: 4 * MiB });
  }

  /** A file that can be adopted. */
  async source(text = 'content'): Promise<string> {
    const path = join(this.folder, `source-${Math.random()}`);
    await writeFile(path, text);
    return path;
  }

  async adopt(content: FileContent, file = fileNames[content]): Promise<string> {
    return this.driver.adopt(content, file, await this.source());
  }

  /** File contents that the driver declares. */
  contents(): FileContent[] {
    return fileContents.filter((one) => this.driver.capabilities.content.includes(one));
  }
}

/** Demands that it fails with one of these codes and a text of one line; gives the error. */
export async function fails(
  code: ErrorCode | readonly ErrorCode[],
  action: Promise<unknown> | (() => Promise<unknown>),
): Promise<RyokanError> {
  const error = await (typeof action === 'function' ? action() : action).then(
    () => new Error(`it worked, but should fail as ${String(code)}`),
    (reason: unknown) => reason,
  );
  if (!(error instanceof RyokanError)) throw error;
  expect(typeof code === 'string' ? [code] : code).toContain(error.code);
  expect(error.message.length).toBeGreaterThan(10);
  return error;
}

/** The number of a disk, from the end of its name. */
export function diskNumber(volume: string): number {
  return Number(/-disk-(\d+)(?:\.\w+)?$/.exec(volume)?.[1]);
}

export function extensionOf(volume: string): string {
  return /\.\w+$/.exec(volume)?.[0] ?? '';
}

/** `stem` (`vm-100-x`) with the ending that images like `volume` have, and their beginning. */
export function nameLike(volume: string, stem: string): string {
  const ending = extensionOf(volume);
  return (ending === '.subvol' ? stem.replace(/^vm-/, 'subvol-') : stem) + ending;
}
