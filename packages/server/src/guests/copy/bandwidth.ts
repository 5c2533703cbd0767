/**
 * How fast volumes may be copied. Limits stand in storage.cfg (`bwlimit clone=51200,default=102400`) and, for storages
 * without one, in datacenter.cfg; a call may ask for another, in KiB/s like these.
 */
import { datacenterOption } from '../../cluster/datacenter-options.ts';
import type { GuestServices } from '../guest-services.ts';

export type CopyOperation = 'clone' | 'move' | 'restore';

/** The limit of one task for copies between these storages: bytes a second; undefined for none. */
export type LimitFor = (storages: readonly string[]) => number | undefined;

export interface BandwidthRequest {
  readonly operation: CopyOperation;
  /** Those that are read from or written to. */
  readonly storages: readonly string[];
  /** KiB/s that the caller asks for, 0 for no limit. */
  readonly wanted?: number | undefined;
  /** The caller administers all of the storages, so that their limits do not bind. */
  readonly mayExceed?: boolean;
}

/** Bytes a second; undefined for no limit. */
export function bandwidthLimit(
  services: Pick<GuestServices, 'storage' | 'store'>,
  { operation, storages, wanted, mayExceed }: BandwidthRequest,
): number | undefined {
  const general = limitIn(datacenterOption(services.store, 'bwlimit'), operation);
  const set = storages.map(
    (storage) => limitIn(services.storage.config(storage).properties.bwlimit, operation) ?? general,
  );
  const lowest = least(set);
  const limit = wanted === undefined ? lowest : mayExceed ? wanted : least([wanted, lowest]);
  return limit ? Math.floor(limit * 1024) : undefined;
}

/** The limit in a text such as `clone=51200,default=102400`; undefined when it sets none. */
function limitIn(text: string | undefined, operation: CopyOperation): number | undefined {
  const values = new Map(
    (text ?? '')
      .split(',')
      .map((part): [string, string] => [part.replace(/=.*/, ''), part.replace(/^.*=/, '')]),
  );
  const value = values.get(operation) ?? values.get('default');
  return value === undefined || !/^\d+(\.\d+)?$/.test(value) ? undefined : Number(value);
}

/** The lowest one that limits at all: 0 does not. */
function least(limits: readonly (number | undefined)[]): number | undefined {
  const real = limits.filter((limit) => limit !== undefined && limit > 0) as number[];
  return real.length === 0 ? undefined : Math.min(...real);
}
