import { ExpandableSection } from '@patternfly/react-core';
import { type FieldValues, SchemaFields } from '../../../forms/schema-field.tsx';
import { useT } from '../../../i18n/index.ts';
import { driveFields } from '../device-change.ts';
import { diskWords } from './field-words.ts';

const shown = ['cache', 'discard', 'ssd', 'iothread', 'ro', 'backup', 'replicate'];
const more = ['aio', 'queues', 'serial', 'wwn', 'werror', 'rerror', 'detect_zeroes', 'snapshot'];
const limits = ['mbps_rd', 'mbps_wr', 'iops_rd', 'iops_wr'];
const bursts = limits.map((name) => `${name}_max`);

/** Options of a disk, as far as its bus has them. */
export function DiskOptions(props: {
  /** A key of the bus: `scsi0`. */
  driveKey: string;
  values: FieldValues;
  onChange: (values: FieldValues) => void;
}) {
  const t = useT();
  const common = {
    fields: driveFields(props.driveKey),
    words: diskWords,
    values: props.values,
    onChange: props.onChange,
  };
  return (
    <>
      <SchemaFields {...common} names={shown} />
      <ExpandableSection toggleText={t('hardware.advanced')}>
        <div className="ry-form-rows">
          <SchemaFields {...common} names={more} />
        </div>
      </ExpandableSection>
      <ExpandableSection toggleText={t('hardware.limits')}>
        <div className="ry-form-rows">
          <p className="ry-subtle">{t('disk.limitsHelp')}</p>
          <SchemaFields {...common} names={[...limits, ...bursts]} />
        </div>
      </ExpandableSection>
    </>
  );
}
