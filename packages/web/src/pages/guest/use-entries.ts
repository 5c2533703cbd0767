/** A guest's configuration for the tabs that show and change it. */
import type { GuestState } from '@ryokan/api/guest-actions.ts';
import { qemuConfigGet, qemuConfigSet, qemuPending } from '@ryokan/api/methods/qemu.ts';
import { cloudInitPending } from '@ryokan/api/methods/qemu-cloudinit.ts';
import { useMemo } from 'react';
import { useGuestConfig } from '../../api/hooks.ts';
import { invalidate, useCall } from '../../api/query.ts';
import type { Guest } from '../../api/rows.ts';
import { run } from '../../api/run.ts';
import { api } from '../../api/session.ts';
import type { Answer } from '../../components/loaded.tsx';
import { translate } from '../../i18n/index.ts';
import type { DialogTarget } from './apply-change.ts';
import { type ConfigEntry, entriesOf } from './config-model.ts';

export type Entries = ReadonlyMap<string, ConfigEntry>;

/** Every key with its present and its pending value. */
export function useEntries({ node, vmid }: Guest): Answer<Entries> {
  const { data, error, refetch } = useCall(qemuPending, { node, vmid });
  return { data: useMemo(() => data && entriesOf(data), [data]), error, refetch };
}

/** What a dialog changes, with the digest of what it shows. */
export function useDialogTarget({ node, vmid }: Guest, state: GuestState): DialogTarget {
  const { data } = useGuestConfig(node, vmid);
  return { node, vmid, digest: data?.digest, running: state.status !== 'stopped' };
}

/** What changes when the configuration does. */
export const configReads = [qemuPending, qemuConfigGet, cloudInitPending] as const;

/** Drops pending changes. */
export function revert({ node, vmid }: Guest, keys: readonly string[]): Promise<unknown> {
  return run(translate('config.failed'), async () => {
    await api.call(qemuConfigSet, { node, vmid, revert: keys.join(',') });
    await invalidate(...configReads);
  });
}
