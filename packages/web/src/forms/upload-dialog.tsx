import { Button, Form, Modal, ModalBody, ModalFooter, ModalHeader, Progress } from '@patternfly/react-core';
import { checksumAlgorithms, volumeList } from '@ryokan/api/methods/storage.ts';
import { type DragEvent, useRef, useState } from 'react';
import { invalidate } from '../api/query.ts';
import { taskDone } from '../api/run.ts';
import { type SpeedSample, speedOf, upload } from '../api/upload.ts';
import { ErrorNotice } from '../components/error-notice.tsx';
import { useT } from '../i18n/index.ts';
import { useFormat } from '../util/use-format.ts';
import { type Choice, SelectField, TextField } from './fields.tsx';
import { fileNameHelp, isFileName } from './file-name.ts';

export interface UploadDialogProps {
  readonly node: string;
  /** Storages that take this content; the first is chosen. */
  readonly storages: readonly string[];
  readonly content: 'iso' | 'vztmpl' | 'import';
  readonly onClose: () => void;
  /** Called with the volume id once the file is stored. */
  readonly onDone?: (volid: string) => void;
}

const accepted = {
  iso: '.iso,.img',
  // Browsers look at the last ending only.
  vztmpl: '.gz,.xz,.zst,.bz2,.tar',
  import: '.ova,.ovf,.qcow2,.raw,.img,.vmdk,.vdi,.vhdx',
} as const;

type Phase = 'choose' | 'sending' | 'storing';

/** Upload with progress, speed and a checksum if there is one; a file can be dropped anywhere on the dialog. */
export function UploadDialog({ node, storages, content, onClose, onDone }: UploadDialogProps) {
  const t = useT();
  const [file, setFile] = useState<File>();
  const [filename, setFilename] = useState('');
  const [storage, setStorage] = useState(storages[0] ?? '');
  const [algorithm, setAlgorithm] = useState('');
  const [checksum, setChecksum] = useState('');
  const [phase, setPhase] = useState<Phase>('choose');
  const [samples, setSamples] = useState<readonly SpeedSample[]>([]);
  const [error, setError] = useState<unknown>();
  const [over, setOver] = useState(false);
  const abort = useRef<AbortController>(undefined);
  const picker = useRef<HTMLInputElement>(null);

  const choose = (next: File | undefined) => {
    if (!next || phase !== 'choose') return;
    setFile(next);
    setFilename(next.name.replace(/[^-a-zA-Z0-9_.]/g, '_'));
    setError(undefined);
  };
  const start = async () => {
    if (!file) return;
    const controller = new AbortController();
    abort.current = controller;
    setPhase('sending');
    setError(undefined);
    setSamples([{ at: performance.now(), sent: 0 }]);
    try {
      const upid = await upload({
        node,
        storage,
        content,
        file,
        filename,
        ...(algorithm ? { checksum, algorithm } : {}),
        signal: controller.signal,
        onProgress: (sent) =>
          setSamples((before) => [...before.slice(-200), { at: performance.now(), sent }]),
      });
      setPhase('storing');
      if (upid) await taskDone(upid, controller.signal);
      void invalidate(volumeList);
      onDone?.(`${storage}:${content}/${filename}`);
      onClose();
    } catch (failure) {
      setPhase('choose');
      if (!(failure instanceof DOMException && failure.name === 'AbortError')) setError(failure);
    }
  };
  const onDrop = (event: DragEvent) => {
    event.preventDefault();
    setOver(false);
    choose(event.dataTransfer.files[0]);
  };
  const close = () => {
    abort.current?.abort();
    onClose();
  };
  const algorithms: Choice[] = [
    { value: '', label: t('upload.noChecksum') },
    ...checksumAlgorithms.map((one) => ({ value: one, label: one.toUpperCase() })),
  ];
  return (
    <Modal variant="small" isOpen onClose={close} aria-labelledby="upload-title">
      <ModalHeader title={t('upload.title')} labelId="upload-title" />
      <ModalBody>
        <Form
          className={over ? 'ry-drop ry-drop-over' : 'ry-drop'}
          onDragOver={(event) => {
            event.preventDefault();
            setOver(true);
          }}
          onDragLeave={() => setOver(false)}
          onDrop={onDrop}
          onSubmit={(event) => {
            event.preventDefault();
            void start();
          }}
        >
          {error ? <ErrorNotice title={t('upload.failed')} error={error} /> : null}
          {phase === 'choose' ? (
            <>
              <div className="ry-drop-zone">
                <Button variant="secondary" onClick={() => picker.current?.click()}>
                  {t('upload.choose')}
                </Button>
                <input
                  ref={picker}
                  type="file"
                  hidden
                  data-testid="upload-file"
                  accept={accepted[content]}
                  onChange={(event) => choose(event.target.files?.[0])}
                />
                <span className="ry-subtle">{file ? <FileFact file={file} /> : t('upload.drop')}</span>
              </div>
              {storages.length > 1 ? (
                <SelectField
                  id="upload-storage"
                  label={t('column.storage')}
                  value={storage}
                  onChange={setStorage}
                  choices={storages.map((one) => ({ value: one, label: one }))}
                />
              ) : null}
              <TextField
                id="upload-name"
                label={t('upload.name')}
                value={filename}
                onChange={setFilename}
                {...fileNameHelp(content, filename, t)}
                mono
              />
              <SelectField
                id="upload-algorithm"
                label={t('upload.checksum')}
                help={t('upload.checksumHelp')}
                value={algorithm}
                onChange={setAlgorithm}
                choices={algorithms}
              />
              {algorithm ? (
                <TextField
                  id="upload-sum"
                  label={algorithm.toUpperCase()}
                  value={checksum}
                  onChange={setChecksum}
                  mono
                />
              ) : null}
            </>
          ) : (
            <Sending phase={phase} samples={samples} total={file?.size ?? 0} name={filename} />
          )}
        </Form>
      </ModalBody>
      <ModalFooter>
        <Button
          onClick={start}
          isDisabled={
            phase !== 'choose' ||
            !file ||
            !isFileName(content, filename) ||
            !storage ||
            (algorithm !== '' && checksum === '')
          }
        >
          {t('upload.start')}
        </Button>
        <Button variant="link" onClick={phase === 'sending' ? () => abort.current?.abort() : close}>
          {phase === 'sending' ? t('upload.cancel') : t('action.cancel')}
        </Button>
      </ModalFooter>
    </Modal>
  );
}

function FileFact({ file }: { file: File }) {
  const format = useFormat();
  return (
    <>
      {file.name} · {format.bytes(file.size)}
    </>
  );
}

function Sending(props: { phase: Phase; samples: readonly SpeedSample[]; total: number; name: string }) {
  const t = useT();
  const format = useFormat();
  const sent = Math.min(props.samples.at(-1)?.sent ?? 0, props.total);
  const pace = speedOf(props.samples, props.total);
  const percent = props.total > 0 ? Math.floor((sent / props.total) * 100) : 100;
  const line =
    props.phase === 'storing'
      ? t('upload.storing')
      : pace
        ? t('upload.pace', {
            sent: format.bytes(sent),
            total: format.bytes(props.total),
            speed: format.rate(pace.speed),
            left: format.duration(Math.max(0, pace.left)),
          })
        : t('summary.of', { used: format.bytes(sent), total: format.bytes(props.total) });
  return (
    <div>
      <Progress value={percent} title={props.name} aria-label={props.name} size="sm" />
      <p className="ry-number ry-pace" role="status">
        {line}
      </p>
    </div>
  );
}
