import { lazy, Suspense, useEffect, useRef, useState } from 'react';
import { Navigate, Outlet, useLocation, useNavigate } from 'react-router';
import { startLive } from '../api/live.ts';
import { queryClient } from '../api/query.ts';
import { announceTaskEnds, setTaskOpener } from '../api/run.ts';
import { endedByTime, useSession } from '../api/session.ts';
import { Loading } from '../components/loading.tsx';
import { Toasts } from '../components/toasts.tsx';
import { useT } from '../i18n/index.ts';
import { setPreferences, usePreferences } from '../util/preferences.ts';
import { useNarrow } from '../util/use-narrow.ts';
import { ConnectionBanner } from './connection-banner.tsx';
import { AppMasthead } from './masthead.tsx';
import { TaskDrawer } from './task-drawer.tsx';
import { useTaskLink } from './task-link.ts';
import { ResourceTree } from './tree.tsx';

const Palette = lazy(() => import('./palette.tsx'));
const TaskViewer = lazy(() => import('./task-viewer.tsx'));

/** Everything inside is for people who are logged in; others go to the login and come back. */
export function Frame() {
  const session = useSession();
  const location = useLocation();
  if (!session) {
    const next = `${location.pathname}${location.search}`;
    return (
      <Navigate
        to={next === '/' || !endedByTime() ? '/login' : `/login?next=${encodeURIComponent(next)}`}
        replace
      />
    );
  }
  return <Workspace key={session.username} />;
}

function Workspace() {
  const t = useT();
  const navigate = useNavigate();
  const { treeOpen, treeWidth } = usePreferences();
  const narrow = useNarrow();
  const [treeShown, setTreeShown] = useState(false);
  const [palette, setPalette] = useState(false);
  const task = useTaskLink();
  const main = useRef<HTMLElement>(null);
  // What one person was shown is not for the next one at this browser.
  useEffect(() => () => queryClient.clear(), []);
  useEffect(startLive, []);
  useEffect(announceTaskEnds, []);
  useEffect(() => setTaskOpener((upid) => task.open(upid)), [task.open]);
  useEffect(() => {
    const onKeyDown = (event: KeyboardEvent) => {
      if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === 'k') {
        event.preventDefault();
        setPalette((open) => !open);
      }
    };
    window.addEventListener('keydown', onKeyDown);
    return () => window.removeEventListener('keydown', onKeyDown);
  }, []);

  const showTree = narrow ? treeShown : treeOpen;
  const toggleTree = () => (narrow ? setTreeShown(!treeShown) : setPreferences({ treeOpen: !treeOpen }));
  return (
    <div
      className="ry-frame"
      style={{ ['--ry-tree-width' as string]: showTree && !narrow ? `${treeWidth}px` : '0px' }}
    >
      <a className="ry-skip" href="#main" onClick={() => main.current?.focus()}>
        {t('nav.skip')}
      </a>
      <AppMasthead treeShown={showTree} onToggleTree={toggleTree} onSearch={() => setPalette(true)} />
      {showTree ? (
        <nav className={narrow ? 'ry-sidebar ry-over' : 'ry-sidebar'} aria-label={t('tree.label')}>
          <ResourceTree {...(narrow ? { onChosen: () => setTreeShown(false) } : {})} />
          {narrow ? null : <Splitter width={treeWidth} />}
        </nav>
      ) : null}
      <main id="main" ref={main} tabIndex={-1} className="ry-main">
        <ConnectionBanner />
        <Suspense fallback={<Loading />}>
          <Outlet />
        </Suspense>
      </main>
      <TaskDrawer />
      <PageAnnouncer />
      <Toasts />
      <Suspense fallback={null}>
        {palette ? <Palette onClose={() => setPalette(false)} onGo={(path) => navigate(path)} /> : null}
        {task.upid ? <TaskViewer upid={task.upid} onClose={task.close} /> : null}
      </Suspense>
    </div>
  );
}

/** Tells screen readers which page came up; a page within the page loads without the browser's own announcement. */
function PageAnnouncer() {
  const { pathname } = useLocation();
  const [title, setTitle] = useState('');
  // biome-ignore lint/correctness/useExhaustiveDependencies: a new address is what brings a new title
  useEffect(() => {
    // The page sets its title when it has come up.
    const timer = setTimeout(() => setTitle(document.title), 400);
    return () => clearTimeout(timer);
  }, [pathname]);
  return (
    <p className="ry-hidden" role="status">
      {title}
    </p>
  );
}

/** Drag (or arrow keys) to change the width of the tree. */
function Splitter({ width }: { width: number }) {
  const t = useT();
  const set = (next: number) => setPreferences({ treeWidth: Math.min(520, Math.max(180, Math.round(next))) });
  return (
    <div
      className="ry-splitter"
      role="separator"
      aria-orientation="vertical"
      aria-label={t('tree.resize')}
      aria-valuenow={width}
      aria-valuemin={180}
      aria-valuemax={520}
      tabIndex={0}
      onKeyDown={(event) => {
        if (event.key === 'ArrowLeft') set(width - 16);
        if (event.key === 'ArrowRight') set(width + 16);
      }}
      onPointerDown={(event) => {
        event.currentTarget.setPointerCapture(event.pointerId);
        event.preventDefault();
      }}
      onPointerMove={(event) => {
        if (event.currentTarget.hasPointerCapture(event.pointerId)) set(event.clientX);
      }}
    />
  );
}
