import type { GuestState } from '@ryokan/api/guest-actions.ts';
import { guestAction } from '@ryokan/api/guest-actions.ts';
import { lazy, Suspense, useEffect } from 'react';
import { Navigate, useLocation, useParams } from 'react-router';
import { useGuest } from '../api/hooks.ts';
import { startLive } from '../api/live.ts';
import { guestState } from '../api/rows.ts';
import { useSession } from '../api/session.ts';
import { Loading } from '../components/loading.tsx';
import { Toasts } from '../components/toasts.tsx';
import { useT } from '../i18n/index.ts';
import NotFound from './not-found.tsx';

const VncScreen = lazy(() =>
  import('../components/console/vnc-screen.tsx').then((all) => ({ default: all.VncScreen })),
);
const GuestTerminal = lazy(() =>
  import('./guest/guest-terminal.tsx').then((all) => ({ default: all.GuestTerminal })),
);
const StoppedGuest = lazy(() =>
  import('./guest/stopped-guest.tsx').then((all) => ({ default: all.StoppedGuest })),
);

/** A console in a window of its own: nothing but toolbar and screen. */
export default function ConsoleWindow() {
  const session = useSession();
  const location = useLocation();
  if (!session) return <Navigate to={`/login?next=${encodeURIComponent(location.pathname)}`} replace />;
  return <ConsoleContent />;
}

function ConsoleContent() {
  const t = useT();
  const { id = '', port } = useParams();
  const { guest, loaded } = useGuest(Number(id));
  useEffect(startLive, []);
  const title = guest ? `${guest.vmid} ${guest.name ?? ''}` : id;
  useEffect(() => {
    document.title = `${title} · ${port ?? t('tab.console')} – Ryokan`;
  }, [title, port, t]);
  if (!guest) return loaded ? <NotFound what={t('guest.notFound', { vmid: id })} /> : <Loading />;
  const state: GuestState = guestState(guest);
  const available = guestAction('console', state).allowed;
  const off = <StoppedGuest guest={guest} state={state} />;
  return (
    <main className="ry-console-window">
      <h1 className="ry-hidden">{title}</h1>
      <Suspense fallback={<Loading />}>
        {port || guest.type === 'lxc' ? (
          <GuestTerminal guest={guest} {...(port ? { port } : {})} available={available} off={off} />
        ) : (
          <VncScreen node={guest.node} vmid={guest.vmid} running={available} stopped={off} />
        )}
      </Suspense>
      <Toasts />
    </main>
  );
}
