import { Button, Form, Modal, ModalBody, ModalFooter, ModalHeader } from '@patternfly/react-core';
import { accessRealmPreview, accessRealmSync } from '@ryokan/api/methods/access-realms.ts';
import { useState } from 'react';
import { follow } from '../../../api/run.ts';
import { api } from '../../../api/session.ts';
import { CheckField, SelectField } from '../../../forms/fields.tsx';
import { FormError, useFirstField } from '../../../forms/form-dialog.tsx';
import { useT } from '../../../i18n/index.ts';
import { scopeWords, vanishedWords } from './realm-words.ts';
import { type Preview, SyncPreview } from './sync-preview.tsx';

const scopes = ['both', 'users', 'groups'] as const;
const vanished = ['entry', 'acl', 'properties'] as const;

/** A sync by hand: what it takes over and removes, a preview, and the start of the task. */
export function SyncDialog({ realm, onClose }: { realm: string; onClose: () => void }) {
  const t = useT();
  const first = useFirstField();
  const [scope, setScope] = useState<(typeof scopes)[number]>('both');
  const [enableNew, setEnableNew] = useState(true);
  const [remove, setRemove] = useState<ReadonlySet<string>>(new Set());
  const [preview, setPreview] = useState<Preview>();
  const [busy, setBusy] = useState<'preview' | 'sync'>();
  const [error, setError] = useState<unknown>();
  const parts = vanished.filter((one) => remove.has(one));
  const params = {
    realm,
    scope,
    'enable-new': enableNew,
    'remove-vanished': parts.length === 0 ? 'none' : parts.join(';'),
  };
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
  /** A preview of other options would mislead. */
  const changing =
    <T,>(set: (value: T) => void) =>
    (value: T) => {
      setPreview(undefined);
      set(value);
    };
  const toggle = (part: string, on: boolean) => {
    const next = new Set(remove);
    if (on) next.add(part);
    else next.delete(part);
    changing(setRemove)(next);
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
          <SelectField
            id="sync-scope"
            label={t('realms.scope')}
            value={scope}
            onChange={(value) => changing(setScope)(scopes.find((one) => one === value) ?? 'both')}
            choices={scopes.map((one) => ({ value: one, label: t(scopeWords[one]) }))}
          />
          <CheckField
            id="sync-enable"
            label={t('realms.enableNew')}
            value={enableNew}
            onChange={changing(setEnableNew)}
          />
          <fieldset className="ry-form-group">
            <legend>{t('realms.removeVanished')}</legend>
            {vanished.map((one) => (
              <CheckField
                key={one}
                id={`sync-${one}`}
                label={t(vanishedWords[one])}
                value={remove.has(one)}
                onChange={(on) => toggle(one, on)}
              />
            ))}
          </fieldset>
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
