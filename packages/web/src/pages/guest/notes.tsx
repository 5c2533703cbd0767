import { Button, TextArea } from '@patternfly/react-core';
import { useState } from 'react';
import { type GuestRef, kindOf } from '../../api/guest-kinds.ts';
import { run } from '../../api/run.ts';
import { api } from '../../api/session.ts';
import { Panel } from '../../components/facts.tsx';
import { useT } from '../../i18n/index.ts';

/** Notes on a guest: shown as written, changed in place. */
export function Notes({ guest, text, loaded }: { guest: GuestRef; text: string; loaded: boolean }) {
  const t = useT();
  const [draft, setDraft] = useState<string>();
  const [busy, setBusy] = useState(false);
  const save = async () => {
    setBusy(true);
    const change = draft ? { description: draft } : { delete: 'description' };
    const done = await run(t('notes.saveFailed'), async () => {
      const { node, vmid } = guest;
      await api.call(kindOf(guest).setConfig, { node, vmid, ...change });
      return true;
    });
    setBusy(false);
    // A refused change keeps what was typed.
    if (done) setDraft(undefined);
  };
  const editing = draft !== undefined;
  return (
    <Panel
      title={t('notes.title')}
      actions={
        editing ? (
          <>
            <Button variant="primary" size="sm" onClick={save} isLoading={busy} isDisabled={busy}>
              {t('action.save')}
            </Button>
            <Button variant="link" size="sm" onClick={() => setDraft(undefined)}>
              {t('action.cancel')}
            </Button>
          </>
        ) : (
          <Button variant="link" size="sm" isDisabled={!loaded} onClick={() => setDraft(text)}>
            {t('action.edit')}
          </Button>
        )
      }
    >
      {editing ? (
        <TextArea
          aria-label={t('notes.title')}
          value={draft}
          onChange={(_, value) => setDraft(value)}
          rows={7}
          resizeOrientation="vertical"
          autoFocus
        />
      ) : text ? (
        <p className="ry-notes">{text}</p>
      ) : (
        <p className="ry-subtle">{t('notes.empty')}</p>
      )}
    </Panel>
  );
}
