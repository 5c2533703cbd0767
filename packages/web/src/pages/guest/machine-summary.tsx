import { qemuStatusCurrent } from '@ryokan/api/methods/qemu.ts';
import { agentQuestions } from '@ryokan/api/methods/qemu-agent.ts';
import { useGuestConfig } from '../../api/hooks.ts';
import { useCall } from '../../api/query.ts';
import { StateText } from '../../components/object-icon.tsx';
import { useT } from '../../i18n/index.ts';
import { useFormat } from '../../util/use-format.ts';
import { addressesOf } from './agent/agent-model.ts';
import type { GuestTabProps } from './guest-page.tsx';
import { osTypes } from './option-list.ts';
import { AddressList, GuestSummary } from './summary.tsx';

export default function MachineSummary({ guest, state }: GuestTabProps) {
  const t = useT();
  const format = useFormat();
  const { node, vmid } = guest;
  const { data: current } = useCall(qemuStatusCurrent, { node, vmid });
  const { data: config } = useGuestConfig(guest);
  const running = state.status !== 'stopped' && state.status !== 'unknown';
  const { uptime, maxdisk } = { ...guest, ...current };
  return (
    <GuestSummary
      guest={guest}
      state={state}
      current={current}
      facts={[
        [t('column.status'), <Status key="s" guest={guest} qmpstatus={current?.qmpstatus} />],
        [t('column.uptime'), running && uptime ? format.duration(uptime) : undefined],
        [t('column.node'), node],
        [t('summary.machine'), current?.['running-machine']],
        [t('summary.qemu'), current?.['running-qemu']],
        [t('summary.ostype'), osTypes.find((one) => one.value === config?.ostype)?.label],
        [
          t('summary.addresses'),
          <Addresses key="a" guest={guest} asked={running && Boolean(current?.agent)} />,
        ],
      ]}
      useFacts={[
        [t('summary.memoryOfNode'), running && current?.memhost ? format.bytes(current.memhost) : undefined],
        [t('summary.bootdisk'), maxdisk ? format.bytes(maxdisk) : undefined],
      ]}
    />
  );
}

/** What the guest agent says about addresses; nothing when there is no agent or it does not answer. */
function Addresses({ guest, asked }: { guest: GuestTabProps['guest']; asked: boolean }) {
  const t = useT();
  const { node, vmid } = guest;
  const question = agentQuestions['guest-network-get-interfaces'];
  const { data, error } = useCall(question, { node, vmid }, { enabled: asked, everyMs: asked ? 15_000 : 0 });
  if (!asked) return <span className="ry-subtle">{t('summary.noAgent')}</span>;
  const addresses = data ? addressesOf(data.result) : [];
  if (error && addresses.length === 0) return <span className="ry-subtle">{t('summary.agentSilent')}</span>;
  return <AddressList rows={addresses} />;
}

/** The state in words; QEMU's own word beside it where it says more. */
function Status({ guest, qmpstatus }: { guest: GuestTabProps['guest']; qmpstatus: string | undefined }) {
  const plain = ['running', 'stopped', 'paused'].includes(qmpstatus ?? 'running');
  return (
    <>
      <StateText row={guest} />
      {plain ? null : <span className="ry-subtle"> ({qmpstatus})</span>}
    </>
  );
}
