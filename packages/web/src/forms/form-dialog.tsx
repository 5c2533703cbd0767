import { Button, Form, Modal, ModalBody, ModalFooter, ModalHeader } from '@patternfly/react-core';
import { ApiError } from '@ryokan/api/client.ts';
import { type ReactNode, useId, useState } from 'react';
import { ErrorNotice } from '../components/error-notice.tsx';
import { useT } from '../i18n/index.ts';

/**
 * Ids for a dialog's form and its Cancel button, and the selector of what gets the focus first: the form's first field, or
 * the button where there is none.
 */
export function useFirstField(): { form: string; cancel: string; selector: string } {
  const id = useId();
  const [form, cancel] = [`${id}form`, `${id}cancel`];
  const fields = ':is(input:not([hidden]), select, textarea):not(:disabled)';
  return { form, cancel, selector: `[id="${form}"] ${fields}, [id="${cancel}"]` };
}

/** A small form over one call; a refused call leaves everything as it was typed. */
export function FormDialog(props: {
  title: string;
  submit: string;
  ready: boolean;
  /** For long texts. */
  wide?: boolean;
  onSubmit: () => Promise<unknown>;
  onClose: () => void;
  children: ReactNode;
}) {
  const t = useT();
  const first = useFirstField();
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>();
  const submit = async () => {
    if (!props.ready || busy) return;
    setBusy(true);
    setError(undefined);
    try {
      await props.onSubmit();
      props.onClose();
    } catch (failure) {
      setError(failure);
      setBusy(false);
    }
  };
  return (
    <Modal
      variant={props.wide ? 'medium' : 'small'}
      isOpen
      onClose={props.onClose}
      aria-labelledby="form-title"
      elementToFocus={first.selector}
    >
      <ModalHeader title={props.title} labelId="form-title" />
      <ModalBody>
        <Form
          id={first.form}
          onSubmit={(event) => {
            event.preventDefault();
            void submit();
          }}
        >
          <div aria-live="assertive">{error ? <FormError error={error} /> : null}</div>
          {props.children}
          {/* Enter in a field submits. */}
          <input type="submit" hidden />
        </Form>
      </ModalBody>
      <ModalFooter>
        <Button onClick={submit} isLoading={busy} isDisabled={busy || !props.ready}>
          {props.submit}
        </Button>
        <Button id={first.cancel} variant="link" onClick={props.onClose}>
          {t('action.cancel')}
        </Button>
      </ModalFooter>
    </Modal>
  );
}

/** A refused form: what was wrong with its values, or why the call failed. */
export function FormError({ error }: { error: unknown }) {
  const t = useT();
  const refused = error instanceof ApiError && Object.keys(error.errors).length > 0;
  return <ErrorNotice title={refused ? t('config.refused') : t('config.failed')} error={error} />;
}
