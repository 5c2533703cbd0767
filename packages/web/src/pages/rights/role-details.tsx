import { Button, Modal, ModalBody, ModalFooter, ModalHeader } from '@patternfly/react-core';
import { useT } from '../../i18n/index.ts';
import { privilegeText, roleText } from './names.ts';

/** Privileges in words, each with its name. `privs` is separated by commas. */
export function PrivilegeList({ privs }: { privs: string }) {
  const t = useT();
  const names = privs.split(',').filter(Boolean);
  if (names.length === 0) return <p className="ry-subtle">{t('rights.roleNothing')}</p>;
  return (
    <ul className="ry-word-list">
      {names.map((name) => (
        <li key={name}>
          {privilegeText(t, name)} <span className="ry-id ry-subtle">{name}</span>
        </li>
      ))}
    </ul>
  );
}

export function RoleDetails(props: { role: string; privs: string; onClose: () => void }) {
  const t = useT();
  const { role, privs } = props;
  return (
    <Modal variant="medium" isOpen onClose={props.onClose} aria-labelledby="role-title">
      <ModalHeader
        title={t('rights.roleOf', { role })}
        labelId="role-title"
        description={roleText(t, role)}
      />
      <ModalBody tabIndex={0} aria-label={t('access.privileges')}>
        <PrivilegeList privs={privs} />
      </ModalBody>
      <ModalFooter>
        <Button variant="secondary" onClick={props.onClose}>
          {t('action.close')}
        </Button>
      </ModalFooter>
    </Modal>
  );
}
