/** What the guest agent says about its guest, and what it can do in it. */
import { Alert, Button } from '@patternfly/react-core';
import { powerState } from '@ryokan/api/guest-actions.ts';
import { agentQuestions } from '@ryokan/api/methods/qemu-agent.ts';
import { lazy, type ReactNode, Suspense, useState } from 'react';
import { Link } from 'react-router';
import { useGuestConfig } from '../../../api/hooks.ts';
import { useCall } from '../../../api/query.ts';
import { may } from '../../../api/session.ts';
import { Empty } from '../../../components/empty.tsx';
import { describeError } from '../../../components/error-notice.tsx';
import { Facts, Panel } from '../../../components/facts.tsx';
import { Loaded } from '../../../components/loaded.tsx';
import { Meter } from '../../../components/meter.tsx';
import { Time } from '../../../components/time.tsx';
import { useT } from '../../../i18n/index.ts';
import { useFormat } from '../../../util/use-format.ts';
import { useVisible } from '../../../util/use-visible.ts';
import type { GuestTabProps } from '../guest-page.tsx';
import { StoppedGuest } from '../stopped-guest.tsx';
import { FileSystemActions } from './agent-actions.tsx';
import {
  agentEnabled,
  agentVersionOf,
  cardsOf,
  fileSystemsOf,
  hostNameOf,
  offers,
  systemOf,
  usersOf,
} from './agent-model.ts';

const PasswordDialog = lazy(() => import('./password-dialog.tsx'));

/** How often what changes in a guest is asked for. */
const everyMs = 15_000;

export default function Agent(props: GuestTabProps) {
  const t = useT();
  const { node, vmid } = props.guest;
  const config = useGuestConfig(props.guest);
  const visible = useVisible();
  const enabled = agentEnabled(config.data?.agent);
  const running = powerState(props.state) === 'running';
  const info = useCall(
    agentQuestions['guest-info'],
    { node, vmid },
    { enabled: enabled && running, everyMs: visible ? everyMs : 0 },
  );
  if (config.data && !enabled)
    return (
      <Empty title={t('agent.off')} action={<Link to={`/qemu/${vmid}/options`}>{t('agent.toOptions')}</Link>}>
        {t('agent.offBody')}
      </Empty>
    );
  if (!running) return <StoppedGuest {...props} body={t('agent.needsRunning')} />;
  if (info.error) return <Absent error={info.error} ostype={config.data?.ostype} onRetry={info.refetch} />;
  return <Loaded answer={info}>{({ result }) => <AgentPanels {...props} info={result} />}</Loaded>;
}

/** The channel is there, but nobody answers: what to do inside the guest. */
function Absent(props: { error: unknown; ostype: unknown; onRetry: () => unknown }) {
  const t = useT();
  const windows = /^w/.test(String(props.ostype ?? ''));
  return (
    <Empty
      title={t('agent.absent')}
      action={
        <Button variant="secondary" onClick={() => void props.onRetry()}>
          {t('action.retry')}
        </Button>
      }
    >
      <p>{windows ? t('agent.installWindows') : t('agent.installLinux')}</p>
      {windows ? null : (
        <pre className="ry-code">apt install qemu-guest-agent{'\n'}systemctl start qemu-guest-agent</pre>
      )}
      <p className="ry-subtle">{t('agent.absentReason', { reason: describeError(props.error, t).text })}</p>
    </Empty>
  );
}

function AgentPanels({ guest, info }: GuestTabProps & { info: unknown }) {
  const t = useT();
  const { node, vmid } = guest;
  const [password, setPassword] = useState(false);
  return (
    <div className="ry-summary">
      <SystemPanel node={node} vmid={vmid} info={info} />
      <NetworkPanel node={node} vmid={vmid} />
      <FileSystemPanel node={node} vmid={vmid} info={info} />
      <UsersPanel
        node={node}
        vmid={vmid}
        actions={
          <Button
            variant="link"
            size="sm"
            isDisabled={!may('vms', 'VM.GuestAgent.Unrestricted') || !offers(info, 'guest-set-user-password')}
            onClick={() => setPassword(true)}
          >
            {t('agent.setPassword')}
          </Button>
        }
      />
      {password ? (
        <Suspense fallback={null}>
          <PasswordDialog node={node} vmid={vmid} onClose={() => setPassword(false)} />
        </Suspense>
      ) : null}
    </div>
  );
}

interface PartProps {
  readonly node: string;
  readonly vmid: number;
}

function SystemPanel({ node, vmid, info }: PartProps & { info: unknown }) {
  const t = useT();
  const system = useCall(agentQuestions['guest-get-osinfo'], { node, vmid });
  const host = useCall(agentQuestions['guest-get-host-name'], { node, vmid });
  const { name, kernel, machine } = systemOf(system.data?.result);
  return (
    <Panel title={t('agent.system')}>
      <Failure error={system.data ? undefined : system.error} />
      <Facts
        rows={[
          [t('agent.hostName'), hostNameOf(host.data?.result)],
          [t('agent.os'), name],
          [t('agent.kernel'), [kernel, machine].filter(Boolean).join(' ') || undefined],
          [t('agent.version'), agentVersionOf(info)],
        ]}
      />
    </Panel>
  );
}

function NetworkPanel({ node, vmid }: PartProps) {
  const t = useT();
  const { data, error } = useCall(
    agentQuestions['guest-network-get-interfaces'],
    { node, vmid },
    { everyMs },
  );
  const cards = cardsOf(data?.result);
  return (
    <Panel title={t('summary.addresses')}>
      <Failure error={data ? undefined : error} />
      {data && cards.length === 0 ? <p className="ry-subtle">{t('agent.noCards')}</p> : null}
      <Facts
        rows={cards.map((card) => [
          card.name,
          <ul key={card.name} className="ry-id-list">
            {card.addresses.map((address) => (
              <li key={address} className="ry-id">
                {address}
              </li>
            ))}
            {card.mac ? <li className="ry-id ry-subtle">{card.mac}</li> : null}
          </ul>,
        ])}
      />
    </Panel>
  );
}

function FileSystemPanel({ node, vmid, info }: PartProps & { info: unknown }) {
  const t = useT();
  const format = useFormat();
  const { data, error } = useCall(agentQuestions['guest-get-fsinfo'], { node, vmid }, { everyMs });
  const systems = fileSystemsOf(data?.result);
  return (
    <Panel title={t('agent.fileSystems')} actions={<FileSystemActions node={node} vmid={vmid} info={info} />}>
      <Failure error={data ? undefined : error} />
      {data && systems.length === 0 ? <p className="ry-subtle">{t('agent.noFileSystems')}</p> : null}
      {systems.map((one) => (
        <Meter
          key={one.mountpoint}
          label={one.mountpoint}
          share={one.total ? (one.used ?? 0) / one.total : undefined}
          warnAt={0.9}
          detail={[
            one.type,
            one.device,
            one.total === undefined
              ? ''
              : t('summary.of', { used: format.bytes(one.used ?? 0), total: format.bytes(one.total) }),
          ]
            .filter(Boolean)
            .join(' · ')}
        />
      ))}
    </Panel>
  );
}

function UsersPanel({ node, vmid, actions }: PartProps & { actions: ReactNode }) {
  const t = useT();
  const { data, error } = useCall(agentQuestions['guest-get-users'], { node, vmid }, { everyMs });
  const users = usersOf(data?.result);
  return (
    <Panel title={t('agent.users')} actions={actions}>
      <Failure error={data ? undefined : error} />
      {data && users.length === 0 ? <p className="ry-subtle">{t('agent.nobody')}</p> : null}
      <Facts
        rows={users.map((one, index) => [
          `${one.domain ? `${one.domain}\\` : ''}${one.user}${index > 0 ? ` #${index + 1}` : ''}`,
          one.since === undefined ? '' : <Time key="t" at={one.since} />,
        ])}
      />
    </Panel>
  );
}

/** One question failed while others may have an answer. */
function Failure({ error }: { error: unknown }) {
  const t = useT();
  return error ? <Alert isInline isPlain variant="warning" title={describeError(error, t).text} /> : null;
}
