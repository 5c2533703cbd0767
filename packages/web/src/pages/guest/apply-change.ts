/** Sending a change of a guest's configuration, and saying when it works. */
import { ApiError } from '@ryokan/api/client.ts';
import { qemuConfigSetAsync } from '@ryokan/api/methods/qemu.ts';
import type { TObject } from '@ryokan/api/schema/types.ts';
import { validate } from '@ryokan/api/validate.ts';
import { type GuestRef, kindOf } from '../../api/guest-kinds.ts';
import { invalidate } from '../../api/query.ts';
import { follow, taskDone } from '../../api/run.ts';
import { api } from '../../api/session.ts';
import { toast } from '../../components/toasts.tsx';
import { translate } from '../../i18n/index.ts';
import { configReads } from './use-entries.ts';

/** Keys to set, as the API takes them; `delete` names keys to remove. */
export type ConfigChange = Readonly<Record<string, string>>;

export interface DialogTarget extends GuestRef {
  /** Of the configuration that the dialog shows: a change by somebody else in between is refused. */
  readonly digest: string | undefined;
  /** True: say whether a change works at once or waits for the next start. */
  readonly running?: boolean;
}

/** Whether a refusal is one of the running guest alone: the change is stored, and nothing is left to do in its form. */
export const isStoredAllTheSame = (error: unknown): boolean =>
  error instanceof ApiError &&
  Object.values(error.errors).some((text) => text.startsWith('hotplug problem - '));

/** Applies a change. Disks of VMs are made by a task; everything else is done when the call answers. */
export async function applyChange(
  target: DialogTarget,
  change: ConfigChange,
  asTask: boolean,
): Promise<void> {
  const raw = {
    node: target.node,
    vmid: target.vmid,
    ...change,
    ...(target.digest ? { digest: target.digest } : {}),
  };
  const method = kindOf(target).setConfig;
  const checked = validate<TObject>(method.params, raw);
  if (checked.errors) throw new ApiError(400, '', { ...checked.errors });
  if (asTask && target.type === 'qemu') {
    const upid = await api.call(qemuConfigSetAsync, {
      node: target.node,
      vmid: target.vmid,
      ...checked.value,
    });
    follow(upid);
    // Its failure is told as that of any task.
    if (upid && target.running)
      void taskDone(upid).then(
        () => tellWhen(target, change),
        () => undefined,
      );
  } else {
    // What the running guest refuses is stored all the same, and waits with its reason.
    await api
      .call(method, { node: target.node, vmid: target.vmid, ...checked.value })
      .finally(() => invalidate(...configReads));
    if (target.running) void tellWhen(target, change);
  }
  await invalidate(...configReads);
}

/** Of a running guest: whether the change works at once (hotplug) or waits for the next start. */
async function tellWhen(target: DialogTarget, change: ConfigChange): Promise<void> {
  const { delete: removed = '', ...set } = change;
  const keys = new Set([...Object.keys(set), ...removed.split(',')]);
  const { node, vmid } = target;
  const rows = await api.call(kindOf(target).pending, { node, vmid }).catch(() => []);
  const waiting = rows.filter((row) => keys.has(row.key) && (row.pending !== undefined || row.delete));
  if (waiting.length === 0) toast({ variant: 'success', title: translate('config.applied') });
  else
    toast({
      variant: 'info',
      title: translate('config.waits', { keys: waiting.map((row) => row.key).join(', ') }),
      body: waiting.flatMap(({ reason }) => reason ?? []).join('\n'),
    });
}
