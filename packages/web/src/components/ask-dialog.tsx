import { Form } from '@patternfly/react-core';
import { type ReactNode, useState } from 'react';
import { follow } from '../api/run.ts';
import { ConfirmDialog } from './confirm-dialog.tsx';
import { ErrorNotice } from './error-notice.tsx';

/** A question before a task; a refused one keeps the dialog open with the reason. */
export function AskDialog(props: {
  title: string;
  confirm: string;
  /** Starts the task. */
  run: () => Promise<unknown>;
  disabled?: boolean;
  onClose: () => void;
  children: ReactNode;
}) {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>();
  const go = async () => {
    setBusy(true);
    setError(undefined);
    try {
      follow(await props.run());
      props.onClose();
    } catch (failure) {
      setError(failure);
      setBusy(false);
    }
  };
  return (
    <ConfirmDialog
      danger
      busy={busy}
      disabled={props.disabled ?? false}
      title={props.title}
      confirm={props.confirm}
      onClose={props.onClose}
      onConfirm={() => void go()}
      body={
        <Form onSubmit={(event) => event.preventDefault()}>
          {error ? <ErrorNotice error={error} /> : null}
          {props.children}
        </Form>
      }
    />
  );
}
