import './styles/base.ts';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { keepSession } from './api/session.ts';
import { App } from './app.tsx';
import { switchLanguage } from './i18n/index.ts';
import { preferences, watchSystemTheme } from './util/preferences.ts';

watchSystemTheme();
keepSession();
await switchLanguage(preferences().language);
const root = document.getElementById('root');
if (!root) throw new Error('index.html has no #root');
createRoot(root).render(
  <StrictMode>
    <App />
  </StrictMode>,
);
