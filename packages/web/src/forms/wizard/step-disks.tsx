import { Button } from '@patternfly/react-core';
import { useStorages } from '../../api/volumes.ts';
import { Empty } from '../../components/empty.tsx';
import { useT } from '../../i18n/index.ts';
import { useFormat } from '../../util/use-format.ts';
import { CheckField, NumberField, SelectField } from '../fields.tsx';
import { explainProblem } from '../problems.ts';
import { type DiskDraft, defaultDisk, diskKeys } from './draft.ts';
import { StorageField } from './storage-field.tsx';
import { useWizard } from './vm-model.ts';

const GiB = 1024 ** 3;

export function DisksStep() {
  const t = useT();
  const { draft, change } = useWizard();
  const keys = diskKeys(draft.disks, draft.media === 'iso' && draft.iso !== '');
  const set = (index: number, disk: DiskDraft) =>
    change({ disks: draft.disks.map((one, at) => (at === index ? disk : one)) });
  return (
    <>
      {draft.disks.length === 0 ? <Empty title={t('wizard.noDisks')}>{t('wizard.noDisksBody')}</Empty> : null}
      {draft.disks.map((disk, index) => (
        <DiskFields
          key={keys[index]}
          name={keys[index] as string}
          disk={disk}
          onChange={(next) => set(index, next)}
          onRemove={() => change({ disks: draft.disks.filter((_, at) => at !== index) })}
        />
      ))}
      <div>
        <Button
          variant="secondary"
          onClick={() => change({ disks: [...draft.disks, { ...(draft.disks.at(-1) ?? defaultDisk) }] })}
        >
          {t('wizard.addDisk')}
        </Button>
      </div>
    </>
  );
}

function DiskFields(props: {
  name: string;
  disk: DiskDraft;
  onChange: (disk: DiskDraft) => void;
  onRemove: () => void;
}) {
  const t = useT();
  const format = useFormat();
  const { draft, problems } = useWizard();
  const { storages } = useStorages(draft.node, 'images');
  const { name, disk } = props;
  const set = (part: Partial<DiskDraft>) => props.onChange({ ...disk, ...part });
  const storage = storages.find((one) => one.storage === disk.storage);
  const tooLarge = storage?.avail !== undefined && Number(disk.size) * GiB > storage.avail;
  const problem = problems[name];
  const ofSize = problem !== undefined && disk.storage !== '';
  return (
    <fieldset className="ry-card">
      <legend className="ry-id">{name}</legend>
      <div className="ry-form-grid">
        <SelectField
          id={`${name}-bus`}
          label={t('hardware.bus')}
          value={disk.bus}
          onChange={(bus) => set({ bus: bus as DiskDraft['bus'] })}
          choices={[
            { value: 'scsi', label: 'SCSI' },
            { value: 'virtio', label: 'VirtIO Block' },
            { value: 'sata', label: 'SATA' },
            { value: 'ide', label: 'IDE' },
          ]}
        />
        <StorageField
          id={`${name}-storage`}
          label={t('column.storage')}
          node={draft.node}
          value={disk.storage}
          onChange={(next) => set({ storage: next })}
          problem={problem !== undefined && !ofSize ? explainProblem(problem, t) : undefined}
        />
        <NumberField
          id={`${name}-size`}
          label={t('column.size')}
          unit="GiB"
          min={1}
          value={disk.size}
          onChange={(size) => set({ size })}
          problem={
            ofSize
              ? explainProblem(problem, t)
              : tooLarge
                ? t('wizard.tooLarge', { free: format.bytes(storage?.avail ?? 0) })
                : undefined
          }
        />
        <SelectField
          id={`${name}-format`}
          label={t('column.format')}
          value={disk.format}
          onChange={(next) => set({ format: next as DiskDraft['format'] })}
          choices={[
            { value: '', label: t('wizard.formatDefault', { format: storage?.formats?.default ?? 'qcow2' }) },
            ...(storage?.formats?.supported ?? [])
              .filter((one) => one === 'raw' || one === 'qcow2')
              .map((one) => ({ value: one, label: one })),
          ]}
        />
      </div>
      <div className="ry-form-checks">
        <CheckField
          id={`${name}-discard`}
          label={t('hardware.discard')}
          value={disk.discard}
          onChange={(discard) => set({ discard })}
        />
        {disk.bus === 'virtio' ? null : (
          <CheckField
            id={`${name}-ssd`}
            label={t('hardware.ssd')}
            value={disk.ssd}
            onChange={(ssd) => set({ ssd })}
          />
        )}
        {disk.bus === 'scsi' || disk.bus === 'virtio' ? (
          <CheckField
            id={`${name}-iothread`}
            label={t('hardware.iothread')}
            value={disk.iothread}
            onChange={(iothread) => set({ iothread })}
          />
        ) : null}
        <Button variant="link" isDanger size="sm" onClick={props.onRemove}>
          {t('wizard.removeDisk', { name })}
        </Button>
      </div>
    </fieldset>
  );
}
