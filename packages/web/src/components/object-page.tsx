import { type ReactNode, Suspense, useEffect } from 'react';
import { NavLink } from 'react-router';
import { useT } from '../i18n/index.ts';
import { Loading } from './loading.tsx';

export interface PageTab {
  readonly key: string;
  readonly title: string;
}

/** The page of one object: what it is, what can be done, and its tabs, each with a URL of its own. */
export function ObjectPage(props: {
  icon: ReactNode;
  title: string;
  /** Small facts beside the title: state, tags. */
  facts?: ReactNode;
  actions?: ReactNode;
  basePath: string;
  tabs: readonly PageTab[];
  tab: string;
  children: ReactNode;
}) {
  const t = useT();
  const tabTitle = props.tabs.find((one) => one.key === props.tab)?.title;
  useEffect(() => {
    document.title = `${props.title}${tabTitle ? ` · ${tabTitle}` : ''} – Ryokan`;
  }, [props.title, tabTitle]);
  return (
    <div className="ry-page">
      <header className="ry-page-header">
        <div className="ry-page-title">
          {props.icon}
          <h1>{props.title}</h1>
          <div className="ry-page-facts">{props.facts}</div>
        </div>
        <div className="ry-page-actions">{props.actions}</div>
      </header>
      <nav className="ry-tabs" aria-label={t('nav.tabs')}>
        <ul>
          {props.tabs.map((one) => (
            <li key={one.key}>
              <NavLink to={`${props.basePath}/${one.key}`}>{one.title}</NavLink>
            </li>
          ))}
        </ul>
      </nav>
      <div className="ry-page-body">
        <Suspense fallback={<Loading />}>{props.children}</Suspense>
      </div>
    </div>
  );
}
