import { QueryClientProvider } from '@tanstack/react-query';
import { lazy, Suspense } from 'react';
import { createBrowserRouter, Navigate, RouterProvider } from 'react-router';
import { receiveOpenIdAnswer } from './api/openid-login.ts';
import { queryClient } from './api/query.ts';
import { Loading } from './components/loading.tsx';
import { PageCrash } from './components/page-crash.tsx';
import { Frame } from './frame/frame.tsx';
import { lazyPage } from './i18n/lazy-page.ts';
import LoginPage from './pages/login.tsx';

const DatacenterPage = lazy(() => import('./pages/datacenter/datacenter-page.tsx'));
const NodePage = lazy(() => import('./pages/node/node-page.tsx'));
const StoragePage = lazy(() => import('./pages/storage/storage-page.tsx'));
const GuestPage = lazyPage('guests', () => import('./pages/guest/guest-page.tsx'));
const CreateVmPage = lazyPage('guests', () => import('./forms/wizard/create-vm-page.tsx'));
const CreateContainerPage = lazyPage('guests', () => import('./forms/wizard/create-container-page.tsx'));
const ImportPage = lazyPage('guests', () => import('./pages/import/import-page.tsx'));
const ApiDocsPage = lazyPage('apiDocs', () => import('./pages/api-docs/api-docs-page.tsx'));
const AccountPage = lazyPage('account', () => import('./pages/account/account-page.tsx'));
const ConsoleWindow = lazy(() => import('./pages/console-window.tsx'));
const NotFound = lazy(() => import('./pages/not-found.tsx'));

// The router reads the address as soon as it is made.
receiveOpenIdAnswer();
const router = createBrowserRouter([
  { path: '/login', element: <LoginPage />, errorElement: <PageCrash /> },
  {
    path: '/console/:kind/:id/:port?',
    errorElement: <PageCrash />,
    element: (
      <Suspense fallback={<Loading />}>
        <ConsoleWindow />
      </Suspense>
    ),
  },
  {
    path: '/',
    element: <Frame />,
    errorElement: <PageCrash />,
    children: [
      {
        errorElement: <PageCrash />,
        children: [
          { index: true, element: <Navigate to="/datacenter/summary" replace /> },
          { path: 'datacenter/:tab?', element: <DatacenterPage /> },
          { path: 'node/:node/:tab?', element: <NodePage /> },
          { path: 'storage/:node/:storage/:tab?', element: <StoragePage /> },
          { path: 'qemu/:vmid/:tab?', element: <GuestPage /> },
          { path: 'lxc/:vmid/:tab?', element: <GuestPage /> },
          { path: 'create/qemu', element: <CreateVmPage /> },
          { path: 'create/lxc', element: <CreateContainerPage /> },
          { path: 'create/import', element: <ImportPage /> },
          { path: 'account/:tab?', element: <AccountPage /> },
          { path: 'api-docs/*', element: <ApiDocsPage /> },
          { path: '*', element: <NotFound /> },
        ],
      },
    ],
  },
]);

export function App() {
  return (
    <QueryClientProvider client={queryClient}>
      <RouterProvider router={router} />
    </QueryClientProvider>
  );
}
