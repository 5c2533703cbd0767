import { Button, Modal, ModalBody, ModalFooter, ModalHeader } from '@patternfly/react-core';
import type { ReactNode } from 'react';
import { useT } from '../i18n/index.ts';

/** Asks before something is interrupted or lost; the body says what happens. */
export function ConfirmDialog(props: {
  title: string;
  body: ReactNode;
  confirm: string;
  danger?: boolean;
  busy?: boolean;
  disabled?: boolean;
  onConfirm: () => void;
  onClose: () => void;
}) {
  const t = useT();
  return (
    <Modal variant="small" isOpen onClose={props.onClose} aria-labelledby="confirm-title">
      <ModalHeader
        title={props.title}
        labelId="confirm-title"
        {...(props.danger ? { titleIconVariant: 'warning' } : {})}
      />
      <ModalBody>{props.body}</ModalBody>
      <ModalFooter>
        <Button
          variant={props.danger ? 'danger' : 'primary'}
          onClick={props.onConfirm}
          isLoading={props.busy ?? false}
          isDisabled={Boolean(props.busy || props.disabled)}
        >
          {props.confirm}
        </Button>
        <Button variant="link" onClick={props.onClose}>
          {t('action.cancel')}
        </Button>
      </ModalFooter>
    </Modal>
  );
}
