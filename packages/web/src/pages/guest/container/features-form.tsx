import { Alert } from '@patternfly/react-core';
import { featureFields } from '@ryokan/api/schema/lxc-config.ts';
import { formatPropertyString, readPropertyString } from '@ryokan/api/schema/property-string.ts';
import { useState } from 'react';
import { type FieldValues, SchemaFields } from '../../../forms/schema-field.tsx';
import { useT } from '../../../i18n/index.ts';
import { ConfigDialog } from '../config-dialog.tsx';
import { future } from '../config-model.ts';
import { changeOf } from '../device-change.ts';
import type { FormProps } from '../option-dialog.tsx';
import { featureWords } from './words.ts';

/** What a container may do beyond the ordinary, with what each costs in safety. */
export default function FeaturesForm({ row, entries, target, value, onClose }: FormProps) {
  const t = useT();
  const before = value ?? '';
  const [values, setValues] = useState<FieldValues>(
    () => (readPropertyString(featureFields, before).value ?? {}) as FieldValues,
  );
  const unprivileged = future(entries.get('unprivileged')) === '1';
  const features = formatPropertyString(featureFields, values);
  const fields = { fields: featureFields, words: featureWords, values, onChange: setValues };
  const set = Object.values(values).some((one) => one !== undefined && one !== false);
  return (
    <ConfigDialog
      title={t(row.label)}
      target={target}
      change={changeOf({ features: before }, { features })}
      onClose={onClose}
    >
      {unprivileged || !set ? null : (
        <Alert isInline variant="warning" title={t('container.privilegedFeatures')}>
          {t('container.privilegedFeaturesBody')}
        </Alert>
      )}
      <SchemaFields
        {...fields}
        // The kernel gives these to unprivileged containers only; privileged ones have them without.
        names={['nesting', 'fuse', ...(unprivileged ? ['keyctl', 'mknod', 'force_rw_sys'] : [])]}
      />
      <SchemaFields {...fields} names={['mount']} />
    </ConfigDialog>
  );
}
