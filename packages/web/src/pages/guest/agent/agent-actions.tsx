import { Button, Label } from '@patternfly/react-core';
import { agentActions, agentQuestions } from '@ryokan/api/methods/qemu-agent.ts';
import { useState } from 'react';
import { invalidate, useCall } from '../../../api/query.ts';
import { run } from '../../../api/run.ts';
import { api, may } from '../../../api/session.ts';
import { ConfirmDialog } from '../../../components/confirm-dialog.tsx';
import { toast } from '../../../components/toasts.tsx';
import { useT } from '../../../i18n/index.ts';
import { useFormat } from '../../../util/use-format.ts';
import { freezeStateOf, offers, trimOf } from './agent-model.ts';

const freezeStatus = agentQuestions['guest-fsfreeze-status'];

/** Whether the file systems are frozen, freezing and thawing them, and freeing unused blocks. */
export function FileSystemActions(props: { node: string; vmid: number; info: unknown }) {
  const t = useT();
  const format = useFormat();
  const { info, ...target } = props;
  const canFreeze = offers(info, 'guest-fsfreeze-freeze');
  const status = useCall(freezeStatus, target, { enabled: canFreeze, everyMs: 15_000 });
  const [busy, setBusy] = useState(false);
  const [asking, setAsking] = useState(false);
  const allowed = may('vms', 'VM.GuestAgent.FileSystemMgmt') || may('vms', 'VM.GuestAgent.Unrestricted');
  const state = freezeStateOf(status.data?.result);
  const doing = async (work: () => Promise<void>) => {
    setBusy(true);
    await run(t('agent.failed'), work);
    await invalidate(freezeStatus);
    setBusy(false);
  };
  const setFrozen = (frozen: boolean) =>
    doing(async () => {
      await api.call(agentActions[frozen ? 'guest-fsfreeze-freeze' : 'guest-fsfreeze-thaw'], target);
    });
  const trim = () =>
    doing(async () => {
      const { freed, failed } = trimOf((await api.call(agentActions['guest-fstrim'], target)).result);
      toast({
        variant: failed.length > 0 ? 'warning' : 'success',
        title: t('agent.trimmed', { size: format.bytes(freed) }),
        ...(failed.length > 0 ? { body: failed.join('\n') } : {}),
      });
    });
  return (
    <>
      {state === 'frozen' ? (
        <Label isCompact color="orange">
          {t('agent.frozen')}
        </Label>
      ) : null}
      {canFreeze ? (
        <Button
          variant="link"
          size="sm"
          isDisabled={busy || !allowed}
          onClick={() => (state === 'frozen' ? void setFrozen(false) : setAsking(true))}
        >
          {state === 'frozen' ? t('agent.thaw') : t('agent.freeze')}
        </Button>
      ) : null}
      {offers(info, 'guest-fstrim') ? (
        <Button variant="link" size="sm" isDisabled={busy || !allowed} onClick={() => void trim()}>
          {t('agent.trim')}
        </Button>
      ) : null}
      {asking ? (
        <ConfirmDialog
          title={t('agent.freezeTitle')}
          confirm={t('agent.freeze')}
          body={t('agent.freezeBody')}
          onClose={() => setAsking(false)}
          onConfirm={() => {
            setAsking(false);
            void setFrozen(true);
          }}
        />
      ) : null}
    </>
  );
}
