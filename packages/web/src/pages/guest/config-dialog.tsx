import { Button, Form, Modal, ModalBody, ModalFooter, ModalHeader } from '@patternfly/react-core';
import { type ReactNode, useState } from 'react';
import { ErrorNotice } from '../../components/error-notice.tsx';
import { FormError, useFirstField } from '../../forms/form-dialog.tsx';
import { useT } from '../../i18n/index.ts';
import { applyChange, type ConfigChange, type DialogTarget, isStoredAllTheSame } from './apply-change.ts';

export interface ConfigDialogProps {
  readonly title: string;
  readonly target: DialogTarget;
  /** What to send; undefined while the form is not complete. */
  readonly change: ConfigChange | undefined;
  readonly asTask?: boolean;
  readonly submit?: string;
  readonly onClose: () => void;
  readonly children: ReactNode;
}

/** A dialog that changes the configuration; a refused change stays open with everything that was typed. */
export function ConfigDialog(props: ConfigDialogProps) {
  const t = useT();
  const first = useFirstField();
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>();
  // With the digest of what the form was filled with: what somebody else changes while it is open is not written over.
  const [target] = useState(props.target);
  const { change } = props;
  const stored = isStoredAllTheSame(error);
  const save = async () => {
    if (!change || stored) return;
    setBusy(true);
    setError(undefined);
    try {
      await applyChange(target, change, props.asTask ?? false);
      props.onClose();
    } catch (failure) {
      setError(failure);
      setBusy(false);
    }
  };
  return (
    <Modal
      variant="small"
      isOpen
      onClose={props.onClose}
      aria-labelledby="config-title"
      elementToFocus={first.selector}
    >
      <ModalHeader title={props.title} labelId="config-title" />
      <ModalBody>
        <Form
          id={first.form}
          onSubmit={(event) => {
            event.preventDefault();
            void save();
          }}
        >
          <div aria-live="assertive">
            {stored ? (
              <ErrorNotice title={t('config.waitsWithProblem')} error={error} />
            ) : error ? (
              <FormError error={error} />
            ) : null}
          </div>
          {props.children}
          {/* Enter in a field submits. */}
          <input type="submit" hidden />
        </Form>
      </ModalBody>
      <ModalFooter>
        <Button onClick={save} isLoading={busy} isDisabled={busy || !change || stored}>
          {props.submit ?? t('action.save')}
        </Button>
        <Button id={first.cancel} variant="link" onClick={props.onClose}>
          {t(stored ? 'action.close' : 'action.cancel')}
        </Button>
      </ModalFooter>
    </Modal>
  );
}
