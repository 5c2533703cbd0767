import { Button, Form, Modal, ModalBody, ModalFooter, ModalHeader } from '@patternfly/react-core';
import { accessRealmPreview, accessRealmSync } from '@ryokan/api/methods/access-realms.ts';
import { useState } from 'react';
import { follow } from '../../../api/run.ts';
import { api } from '../../../api/session.ts';
import { FormError, useFirstField } from '../../../forms/form-dialog.tsx';
import { useT } from '../../../i18n/index.ts';
import { SyncOptions, syncParams, usualSync } from './sync-options.tsx';
import { type Preview, SyncPreview } from './sync-preview.tsx';

/** A sync by hand: what it takes over and removes, a preview, and the start of the task. */
export function SyncDialog({ realm, onClose }: { realm: string; onClose: () => void }) {
  const t = useT();
  const first = useFirstField();
  const [choice, setChoice] = useState(usualSync);
  const [preview, setPreview] = useState<Preview>();
  const [busy, setBusy] = useState<'preview' | 'sync'>();
  const [error, setError] = useState<unknown>();
  const params = { realm, ...syncParams(choice) };
  const act = async (what: 'preview' | 'sync', work: () => Promise<void>) => {
    setBusy(what);
    setError(undefined);
    try {
      await work();
    } catch (failure) {
      setError(failure);
    }
    setBusy(undefined);
  };
  return (
    <Modal
      variant="medium"
      isOpen
      onClose={onClose}
      aria-labelledby="sync-title"
      elementToFocus={first.selector}
    >
      <ModalHeader title={t('realms.syncOf', { realm })} labelId="sync-title" />
      <ModalBody>
        <Form id={first.form} onSubmit={(event) => event.preventDefault()}>
          <div aria-live="assertive">{error ? <FormError error={error} /> : null}</div>
          <SyncOptions
            value={choice}
            onChange={(next) => {
              // A preview of other options would mislead.
              setPreview(undefined);
              setChoice(next);
            }}
          />
          {preview ? <SyncPreview preview={preview} /> : null}
        </Form>
      </ModalBody>
      <ModalFooter>
        <Button
          isLoading={busy === 'sync'}
          isDisabled={busy !== undefined}
          onClick={() =>
            act('sync', async () => {
              follow(await api.call(accessRealmSync, params));
              onClose();
            })
          }
        >
          {t('realms.sync')}
        </Button>
        <Button
          variant="secondary"
          isLoading={busy === 'preview'}
          isDisabled={busy !== undefined}
          onClick={() => act('preview', async () => setPreview(await api.call(accessRealmPreview, params)))}
        >
          {t('realms.preview')}
        </Button>
        <Button id={first.cancel} variant="link" onClick={onClose}>
          {t('action.cancel')}
        </Button>
      </ModalFooter>
    </Modal>
  );
}
