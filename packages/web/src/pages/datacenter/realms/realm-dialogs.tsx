import { Button, Form, Modal, ModalBody, ModalFooter, ModalHeader } from '@patternfly/react-core';
import {
  accessRealm,
  accessRealmCreate,
  accessRealmPreview,
  accessRealmSync,
  accessRealms,
  accessRealmUpdate,
} from '@ryokan/api/methods/access-realms.ts';
import { useState } from 'react';
import { invalidate, useCall } from '../../../api/query.ts';
import { run } from '../../../api/run.ts';
import { api } from '../../../api/session.ts';
import { CheckField, SelectField, TextField } from '../../../forms/fields.tsx';
import { FormDialog, FormError, useFirstField } from '../../../forms/form-dialog.tsx';
import { useT } from '../../../i18n/index.ts';
import {
  type AddableType,
  addableTypes,
  createParams,
  draftOf,
  isComplete,
  isDirectory,
  newDraft,
  previewParams,
  type RealmDraft,
  typeNames,
  updateParams,
} from './realm-draft.ts';
import { RealmFields } from './realm-fields.tsx';
import { type Preview, SyncPreview } from './sync-preview.tsx';

/** Two steps for a directory: its settings, then what they find there. One for a provider. */
export function AddRealmDialog({ onClose }: { onClose: () => void }) {
  const t = useT();
  const first = useFirstField();
  const [draft, setDraft] = useState<RealmDraft>(() => newDraft('ldap'));
  const [preview, setPreview] = useState<Preview>();
  const [syncNow, setSyncNow] = useState(true);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>();
  const act = async (work: () => Promise<void>) => {
    setBusy(true);
    setError(undefined);
    try {
      await work();
    } catch (failure) {
      setError(failure);
    }
    setBusy(false);
  };
  const test = () => act(async () => setPreview(await api.call(accessRealmPreview, previewParams(draft))));
  const add = () =>
    act(async () => {
      await api.call(accessRealmCreate, createParams(draft));
      await invalidate(accessRealms);
      onClose();
      const { realm } = draft;
      if (preview && syncNow)
        await run(t('realms.syncFailed', { realm }), () => api.call(accessRealmSync, { realm }));
    });
  const ready = isComplete(draft) && !busy;
  const needsTest = isDirectory(draft.type) && !preview;
  return (
    <Modal
      variant="medium"
      isOpen
      onClose={onClose}
      aria-labelledby="realm-title"
      elementToFocus={first.selector}
    >
      <ModalHeader title={t('realms.add')} labelId="realm-title" />
      <ModalBody>
        <Form
          id={first.form}
          onSubmit={(event) => {
            event.preventDefault();
            if (ready) void (needsTest ? test() : add());
          }}
        >
          <div aria-live="assertive">{error ? <FormError error={error} /> : null}</div>
          {preview ? (
            <>
              <SyncPreview preview={preview} />
              <CheckField
                id="realm-sync-now"
                label={t('realms.syncNow')}
                value={syncNow}
                onChange={setSyncNow}
              />
            </>
          ) : (
            <Settings draft={draft} onChange={setDraft} />
          )}
          <input type="submit" hidden />
        </Form>
      </ModalBody>
      <ModalFooter>
        <Button isLoading={busy} isDisabled={!ready} onClick={needsTest ? test : add}>
          {needsTest ? t('realms.test') : t('access.add')}
        </Button>
        {needsTest ? (
          <Button variant="secondary" isDisabled={!ready} onClick={add}>
            {t('realms.addUntested')}
          </Button>
        ) : null}
        {preview ? (
          <Button variant="secondary" isDisabled={busy} onClick={() => setPreview(undefined)}>
            {t('realms.back')}
          </Button>
        ) : null}
        <Button id={first.cancel} variant="link" onClick={onClose}>
          {t('action.cancel')}
        </Button>
      </ModalFooter>
    </Modal>
  );
}

function Settings({ draft, onChange }: { draft: RealmDraft; onChange: (draft: RealmDraft) => void }) {
  const t = useT();
  const change = (type: string) => {
    const fresh = newDraft(addableTypes.find((one) => one === type) ?? ('ldap' as AddableType));
    onChange({ ...fresh, realm: draft.realm, values: { ...draft.values, ...fresh.values } });
  };
  return (
    <>
      <SelectField
        id="realm-type"
        label={t('realms.type')}
        value={draft.type}
        onChange={change}
        choices={addableTypes.map((one) => ({ value: one, label: typeNames[one] }))}
      />
      <TextField
        id="realm-name"
        label={t('login.realm')}
        help={t('realms.nameHelp')}
        required
        value={draft.realm}
        onChange={(realm) => onChange({ ...draft, realm: realm.trim() })}
      />
      <RealmFields draft={draft} onChange={onChange} existing={false} />
    </>
  );
}

/** Changes a realm; a directory can be tested on the way. */
export function EditRealmDialog({ realm, onClose }: { realm: string; onClose: () => void }) {
  // Asked anew: the digest has to be that of now.
  const { data } = useCall(accessRealm, { realm }, { staleTime: 0 });
  return data ? <EditForm before={draftOf(realm, data)} digest={data.digest} onClose={onClose} /> : null;
}

function EditForm(props: { before: RealmDraft; digest: string; onClose: () => void }) {
  const t = useT();
  // What is edited against stays, also when the page asks again.
  const [{ before, digest }] = useState(props);
  const [draft, setDraft] = useState(before);
  const [check, setCheck] = useState(true);
  const tested = isDirectory(before.type);
  return (
    <FormDialog
      wide
      title={t('realms.edit', { realm: before.realm })}
      submit={t('action.save')}
      ready={isComplete(draft)}
      onClose={props.onClose}
      onSubmit={async () => {
        const params = updateParams(before, draft, digest);
        await api.call(accessRealmUpdate, { ...params, ...(tested ? { 'check-connection': check } : {}) });
        await invalidate(accessRealms, accessRealm);
      }}
    >
      <RealmFields draft={draft} onChange={setDraft} existing />
      {tested ? (
        <CheckField id="realm-check" label={t('realms.check')} value={check} onChange={setCheck} />
      ) : null}
    </FormDialog>
  );
}
