import { Button, Form, Modal, ModalBody, ModalFooter, ModalHeader } from '@patternfly/react-core';
import { checksumAlgorithms, queryUrlMetadata, storageDownload } from '@ryokan/api/methods/storage.ts';
import { useState } from 'react';
import { follow } from '../../api/run.ts';
import { api } from '../../api/session.ts';
import { ErrorNotice } from '../../components/error-notice.tsx';
import { CheckField, SelectField, TextField } from '../../forms/fields.tsx';
import { fileNameHelp, isFileName } from '../../forms/file-name.ts';
import { useT } from '../../i18n/index.ts';
import { useFormat } from '../../util/use-format.ts';

/** A file from the web into the storage: the node asks for its name and size first, then fetches it as a task. */
export default function DownloadDialog(props: {
  node: string;
  storage: string;
  content: 'iso' | 'vztmpl' | 'import';
  onClose: () => void;
}) {
  const t = useT();
  const format = useFormat();
  const { node, storage, content } = props;
  const [url, setUrl] = useState('');
  const [filename, setFilename] = useState('');
  const [algorithm, setAlgorithm] = useState('');
  const [checksum, setChecksum] = useState('');
  const [verify, setVerify] = useState(true);
  const [found, setFound] = useState<{ size?: number | undefined; mimetype?: string | undefined }>();
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<{ title: string; failure: unknown }>();

  const guarded = async (title: string, action: () => Promise<void>) => {
    setBusy(true);
    setError(undefined);
    try {
      await action();
    } catch (failure) {
      setError({ title, failure });
    }
    setBusy(false);
  };
  const ask = () =>
    guarded(t('download.queryFailed'), async () => {
      const answer = await api.call(queryUrlMetadata, { node, url, 'verify-certificates': verify });
      setFound({ size: answer.size, mimetype: answer.mimetype });
      if (answer.filename) setFilename(answer.filename);
    });
  const start = () =>
    guarded(t('download.failed'), async () => {
      const known = checksumAlgorithms.find((one) => one === algorithm);
      follow(
        await api.call(storageDownload, {
          node,
          storage,
          content,
          url,
          filename,
          'verify-certificates': verify,
          ...(known ? { checksum: checksum.trim().toLowerCase(), 'checksum-algorithm': known } : {}),
        }),
      );
      props.onClose();
    });
  const validUrl = /^https?:\/\/\S+$/.test(url);
  return (
    <Modal variant="small" isOpen onClose={props.onClose} aria-labelledby="download-title">
      <ModalHeader title={t('download.title')} labelId="download-title" />
      <ModalBody>
        <Form
          onSubmit={(event) => {
            event.preventDefault();
            void (found ? start() : ask());
          }}
        >
          {error ? <ErrorNotice title={error.title} error={error.failure} /> : null}
          <TextField
            id="url"
            label="URL"
            mono
            placeholder="https://"
            value={url}
            onChange={(value) => {
              setUrl(value.trim());
              setFound(undefined);
            }}
          />
          <div className="ry-inline-action">
            <Button
              variant="secondary"
              isDisabled={!validUrl || busy}
              isLoading={busy && !found}
              onClick={ask}
            >
              {t('download.query')}
            </Button>
            <span className="ry-subtle" role="status">
              {found
                ? [
                    found.size === undefined ? t('download.sizeUnknown') : format.bytes(found.size),
                    found.mimetype,
                  ]
                    .filter(Boolean)
                    .join(' · ')
                : ''}
            </span>
          </div>
          <TextField
            id="download-name"
            label={t('upload.name')}
            mono
            value={filename}
            onChange={setFilename}
            {...fileNameHelp(content, filename, t)}
          />
          <SelectField
            id="download-algorithm"
            label={t('upload.checksum')}
            help={t('upload.checksumHelp')}
            value={algorithm}
            onChange={setAlgorithm}
            choices={[
              { value: '', label: t('upload.noChecksum') },
              ...checksumAlgorithms.map((one) => ({ value: one, label: one.toUpperCase() })),
            ]}
          />
          {algorithm ? (
            <TextField
              id="download-sum"
              label={algorithm.toUpperCase()}
              mono
              value={checksum}
              onChange={setChecksum}
            />
          ) : null}
          <CheckField id="verify" label={t('download.verify')} value={verify} onChange={setVerify} />
        </Form>
      </ModalBody>
      <ModalFooter>
        <Button
          onClick={start}
          isDisabled={
            busy || !validUrl || !isFileName(content, filename) || (algorithm !== '' && checksum === '')
          }
        >
          {t('download.start')}
        </Button>
        <Button variant="link" onClick={props.onClose}>
          {t('action.cancel')}
        </Button>
      </ModalFooter>
    </Modal>
  );
}
