/** A guest's configuration for the tabs that show and change it. */
import type { GuestState } from '@ryokan/api/guest-actions.ts';
import { lxcConfigGet, lxcPending } from '@ryokan/api/methods/lxc.ts';
import { qemuConfigGet, qemuPending } from '@ryokan/api/methods/qemu.ts';
import { cloudInitPending } from '@ryokan/api/methods/qemu-cloudinit.ts';
import { useMemo } from 'react';
import { type GuestRef, kindOf } from '../../api/guest-kinds.ts';
import { invalidate, useCall } from '../../api/query.ts';
import { run } from '../../api/run.ts';
import { api } from '../../api/session.ts';
import type { Answer } from '../../components/loaded.tsx';
import { translate } from '../../i18n/index.ts';
import type { DialogTarget } from './apply-change.ts';
import { type ConfigEntry, entriesOf } from './config-model.ts';

export type Entries = ReadonlyMap<string, ConfigEntry>;

/** Every key with its present and its pending value. */
export function useEntries(guest: GuestRef): Answer<Entries> {
  const { node, vmid } = guest;
  const { data, error, refetch } = useCall(kindOf(guest).pending, { node, vmid });
  return { data: useMemo(() => data && entriesOf(data), [data]), error, refetch };
}

/** What a dialog changes, with the digest of what it shows. */
export function dialogTarget(guest: GuestRef, state: GuestState, entries: Entries): DialogTarget {
  const { type, node, vmid } = guest;
  return { type, node, vmid, digest: entries.get('digest')?.value, running: state.status !== 'stopped' };
}

/** What changes when the configuration does. */
export const configReads = [qemuPending, qemuConfigGet, cloudInitPending, lxcPending, lxcConfigGet] as const;

/** Drops pending changes. */
export function revert(guest: GuestRef, keys: readonly string[]): Promise<unknown> {
  const { node, vmid } = guest;
  return run(translate('config.failed'), async () => {
    await api.call(kindOf(guest).setConfig, { node, vmid, revert: keys.join(',') });
    await invalidate(...configReads);
  });
}
