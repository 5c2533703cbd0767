import { Modal, ModalBody, ModalHeader, ToggleGroup, ToggleGroupItem } from '@patternfly/react-core';
import { cloudInitDump } from '@ryokan/api/methods/qemu-cloudinit.ts';
import { useState } from 'react';
import { useCall } from '../../../api/query.ts';
import { ErrorNotice } from '../../../components/error-notice.tsx';
import { Loading } from '../../../components/loading.tsx';
import { type PlainKey, useT } from '../../../i18n/index.ts';

const kinds: readonly (readonly ['user' | 'network' | 'meta', PlainKey])[] = [
  ['user', 'cloudinit.fileUser'],
  ['network', 'cloudinit.fileNetwork'],
  ['meta', 'cloudinit.fileMeta'],
];

/** The files as the node makes them out of the present values. */
export default function PreviewDialog(props: { node: string; vmid: number; onClose: () => void }) {
  const t = useT();
  const { node, vmid } = props;
  const [type, setType] = useState<'user' | 'network' | 'meta'>('user');
  const { data, error, refetch } = useCall(cloudInitDump, { node, vmid, type }, { staleTime: 0 });
  return (
    <Modal variant="medium" isOpen onClose={props.onClose} aria-labelledby="preview-title">
      <ModalHeader
        title={t('cloudinit.preview')}
        labelId="preview-title"
        description={t('cloudinit.previewBody')}
      />
      <ModalBody>
        <ToggleGroup aria-label={t('cloudinit.preview')} isCompact>
          {kinds.map(([kind, label]) => (
            <ToggleGroupItem
              key={kind}
              text={t(label)}
              isSelected={kind === type}
              onChange={() => setType(kind)}
            />
          ))}
        </ToggleGroup>
        {error ? (
          <ErrorNotice error={error} onRetry={refetch} />
        ) : data === undefined ? (
          <Loading />
        ) : (
          <pre className="ry-code" tabIndex={0}>
            {data}
          </pre>
        )}
      </ModalBody>
    </Modal>
  );
}
