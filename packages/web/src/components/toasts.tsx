/** Messages that come up by themselves: failures stay until closed, the rest goes after some seconds. */
import { Alert, AlertActionCloseButton, AlertActionLink, AlertGroup } from '@patternfly/react-core';
import { useSyncExternalStore } from 'react';
import { translate, useT } from '../i18n/index.ts';
import { describeError } from './error-notice.tsx';

export interface Toast {
  readonly id: number;
  readonly variant: 'success' | 'danger' | 'warning' | 'info';
  readonly title: string;
  readonly body?: string | undefined;
  readonly link?: { readonly text: string; readonly onClick: () => void };
}

const shown = 5;
const lastingMs = 4_000;
let toasts: readonly Toast[] = [];
let nextId = 1;
const listeners = new Set<() => void>();

function set(next: readonly Toast[]): void {
  toasts = next;
  for (const listener of listeners) listener();
}

export function dismissToast(id: number): void {
  set(toasts.filter((toast) => toast.id !== id));
}

export function toast(message: Omit<Toast, 'id'>): void {
  const id = nextId++;
  set([{ ...message, id }, ...toasts].slice(0, shown));
  if (message.variant === 'success' || message.variant === 'info')
    setTimeout(() => dismissToast(id), lastingMs);
}

/** A failure of what the user just asked for: what failed, why, and what to do. */
export function toastError(title: string, error: unknown): void {
  const { text, advice } = describeError(error, translate);
  toast({ variant: 'danger', title, body: [text, advice].filter(Boolean).join('\n') });
}

export function Toasts() {
  const t = useT();
  const list = useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => toasts,
  );
  return (
    <AlertGroup isToast isLiveRegion aria-label={t('toast.region')}>
      {list.map((one) => (
        <Alert
          key={one.id}
          variant={one.variant}
          title={one.title}
          actionClose={
            <AlertActionCloseButton aria-label={t('action.close')} onClose={() => dismissToast(one.id)} />
          }
          {...(one.link
            ? { actionLinks: <AlertActionLink onClick={one.link.onClick}>{one.link.text}</AlertActionLink> }
            : {})}
        >
          {one.body ? <p className="ry-advice">{one.body}</p> : null}
        </Alert>
      ))}
    </AlertGroup>
  );
}
