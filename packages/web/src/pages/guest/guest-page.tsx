import { Label } from '@patternfly/react-core';
import LockIcon from '@patternfly/react-icons/dist/esm/icons/lock-icon';
import type { GuestState } from '@ryokan/api/guest-actions.ts';
import type { ResultOf } from '@ryokan/api/method.ts';
import { type ComponentType, lazy, useState } from 'react';
import { Navigate, useLocation, useParams } from 'react-router';
import { type GuestType, kindOf } from '../../api/guest-kinds.ts';
import { useGuest, useGuestConfig } from '../../api/hooks.ts';
import { useCall } from '../../api/query.ts';
import { type Guest, pathOf, tagsOf } from '../../api/rows.ts';
import { Loading } from '../../components/loading.tsx';
import { ObjectIcon, StateText } from '../../components/object-icon.tsx';
import { ObjectPage } from '../../components/object-page.tsx';
import { Tags } from '../../components/tags.tsx';
import { useT } from '../../i18n/index.ts';
import { lazyPage } from '../../i18n/lazy-page.ts';
import { useVisible } from '../../util/use-visible.ts';
import NotFound from '../not-found.tsx';
import { GuestActions } from './guest-actions.tsx';
import { guestTabs } from './tabs.ts';
import { Trouble } from './trouble.tsx';
import { hasSpice } from './viewer-file.ts';

export interface GuestTabProps {
  readonly guest: Guest;
  /** The state that decides about actions, fresher than the list's. */
  readonly state: GuestState;
}

type Tabs = Readonly<Record<string, ComponentType<GuestTabProps>>>;

const commonTabs: Tabs = {
  firewall: lazy(() => import('./firewall/firewall.tsx')),
  snapshots: lazy(() => import('./snapshots/snapshots.tsx')),
  permissions: lazyPage('rights', () => import('./permissions-tab.tsx')),
  tasks: lazy(() => import('./guest-tasks.tsx')),
};

const tabs: Readonly<Record<GuestType, Tabs>> = {
  qemu: {
    ...commonTabs,
    summary: lazy(() => import('./machine-summary.tsx')),
    console: lazy(() => import('./console-tab.tsx')),
    serial: lazy(() => import('./serial-tab.tsx')),
    hardware: lazy(() => import('./hardware.tsx')),
    options: lazy(() => import('./options.tsx')),
    cloudinit: lazy(() => import('./cloudinit/cloudinit.tsx')),
    agent: lazy(() => import('./agent/agent.tsx')),
  },
  lxc: {
    ...commonTabs,
    summary: lazy(() => import('./container/container-summary.tsx')),
    console: lazy(() => import('./container/terminal-tab.tsx')),
    resources: lazy(() => import('./container/resources.tsx')),
    network: lazy(() => import('./container/network.tsx')),
    dns: lazy(() => import('./container/dns.tsx')),
    options: lazy(() => import('./container/container-options.tsx')),
  },
};

/** Tabs that say something about a guest whose configuration cannot be read. */
const withoutConfig: ReadonlySet<string> = new Set(['summary', 'permissions', 'tasks']);

export default function GuestPage() {
  const t = useT();
  const { vmid: text, tab = '' } = useParams();
  const { pathname } = useLocation();
  const vmid = Number(text);
  const { guest, loaded } = useGuest(vmid);
  if (!guest) return loaded ? <NotFound what={t('guest.notFound', { vmid: text ?? '' })} /> : <Loading />;
  // A link may not know of what kind the guest is.
  if (pathname.split('/')[1] !== guest.type) return <Navigate to={`${pathOf(guest)}/${tab}`} replace />;
  if (!(tab in tabs[guest.type])) return <Navigate to={`${pathOf(guest)}/summary`} replace />;
  return <GuestFrame key={guest.id} guest={guest} tab={tab} />;
}

/** What only a VM or only a container says of how it runs. */
function runStateOf(
  current: ResultOf<ReturnType<typeof kindOf>['status']> | undefined,
): Pick<GuestState, 'qmpstatus' | 'frozen'> {
  if (!current) return {};
  return 'qmpstatus' in current ? { qmpstatus: current.qmpstatus } : { frozen: 'frozen' in current };
}

function GuestFrame({ guest, tab }: { guest: Guest; tab: string }) {
  const t = useT();
  const { node, vmid } = guest;
  const visible = useVisible();
  const current = useCall(kindOf(guest).status, { node, vmid }, { everyMs: visible ? 4_000 : 0 });
  const config = useGuestConfig(guest);
  // The list is told of changes at once; what it does not carry comes from the last measurement.
  const sameStatus = current.data?.status === guest.status || guest.status === undefined;
  const { qmpstatus, frozen } = runStateOf(sameStatus ? current.data : undefined);
  const state: GuestState = {
    status: guest.status ?? current.data?.status ?? 'unknown',
    ...(qmpstatus ? { qmpstatus } : {}),
    ...(frozen ? { frozen } : {}),
    ...(guest.lock ? { lock: guest.lock } : {}),
    ...(guest.template ? { template: 1 as const } : {}),
    ...(config.data?.protection ? { protection: 1 as const } : {}),
  };
  // Keep the serial tab once seen, so that it does not blink while the configuration loads anew.
  const [serialSeen, setSerialSeen] = useState(tab === 'serial');
  const serial = config.data ? Object.keys(config.data).some((key) => /^serial\d$/.test(key)) : serialSeen;
  if (serial !== serialSeen) setSerialSeen(serial);
  const Tab = tabs[guest.type][tab] as ComponentType<GuestTabProps>;
  return (
    <ObjectPage
      icon={<ObjectIcon row={guest} bare />}
      title={`${vmid}${guest.name ? ` ${guest.name}` : ''}`}
      facts={
        <>
          <StateText row={guest} />
          {guest.lock ? (
            <Label isCompact color="orange" icon={<LockIcon />}>
              {guest.lock}
            </Label>
          ) : null}
          <Tags tags={tagsOf(guest)} />
          <span className="ry-subtle">{t('guest.onNode', { node })}</span>
        </>
      }
      actions={<GuestActions guest={guest} state={state} spice={hasSpice(config.data?.vga)} />}
      basePath={pathOf(guest)}
      tabs={guestTabs(t, { type: guest.type, serial, template: Boolean(guest.template) })}
      tab={tab}
    >
      {guest.error && config.error && !withoutConfig.has(tab) ? (
        <div className="ry-summary">
          <Trouble guest={guest} state={state} error={guest.error} warning={undefined} />
        </div>
      ) : (
        <Tab guest={guest} state={state} />
      )}
    </ObjectPage>
  );
}
