/** Removing users, tokens and groups: the button of a row and the question before. */
import { Button } from '@patternfly/react-core';
import { groupList, userList } from '@ryokan/api/methods/access.ts';
import { invalidate } from '../../api/query.ts';
import { run } from '../../api/run.ts';
import { ConfirmDialog } from '../../components/confirm-dialog.tsx';
import { useT } from '../../i18n/index.ts';

/** A pending removal: what is named, and the call that does it. */
export interface Removal {
  readonly name: string;
  readonly body: string;
  readonly call: () => Promise<unknown>;
}

export function RemovalDialog({ removal, onClose }: { removal: Removal | undefined; onClose: () => void }) {
  const t = useT();
  if (!removal) return null;
  return (
    <ConfirmDialog
      danger
      title={t('access.removeTitle', { name: removal.name })}
      body={removal.body}
      confirm={t('action.remove')}
      onClose={onClose}
      onConfirm={() => {
        onClose();
        void run(t('access.removeFailed', { name: removal.name }), async () => {
          await removal.call();
          await invalidate(userList, groupList);
        });
      }}
    />
  );
}

export function RemoveButton({ name, onClick }: { name: string; onClick: () => void }) {
  const t = useT();
  return (
    <Button
      variant="link"
      size="sm"
      isInline
      isDanger
      aria-label={t('action.removeOf', { device: name })}
      onClick={onClick}
    >
      {t('action.remove')}
    </Button>
  );
}
