/** Devices of the node and mappings of the cluster, to choose one for a guest. */
import { Radio } from '@patternfly/react-core';
import type { ReactNode } from 'react';
import { ErrorNotice } from '../../../components/error-notice.tsx';
import type { Answer } from '../../../components/loaded.tsx';
import { type Choice, SelectField } from '../../../forms/fields.tsx';
import { useT } from '../../../i18n/index.ts';

/** A choice from a list that has to be asked for; what is set and not in it stays to be seen. */
export function HostChoice<T>(props: {
  id: string;
  label: string;
  /** Said when the list is empty. */
  none: string;
  answer: Answer<readonly T[]>;
  choice: (one: T) => Choice;
  value: string;
  onChange: (value: string) => void;
}) {
  const t = useT();
  const { answer, value } = props;
  if (answer.error && !answer.data) return <ErrorNotice error={answer.error} title={t('host.listFailed')} />;
  const choices = (answer.data ?? []).map(props.choice);
  const listed = value === '' || choices.some((one) => one.value === value);
  return (
    <SelectField
      id={props.id}
      label={props.label}
      help={answer.data && choices.length === 0 ? props.none : undefined}
      value={value}
      onChange={props.onChange}
      choices={[
        { value: '', label: answer.data ? t('host.choose') : t('page.loading'), disabled: true },
        ...choices,
        ...(listed ? [] : [{ value, label: t('hardware.notHere', { name: value }) }]),
      ]}
    />
  );
}

/** One of several ways to name a device; its fields stand below the chosen one. */
export function Ways<K extends string>(props: {
  name: string;
  ways: readonly {
    readonly key: K;
    readonly label: string;
    readonly help?: string;
    /** True: the person may not; `help` says why. */
    readonly disabled?: boolean;
    readonly body?: ReactNode;
  }[];
  value: K;
  onChange: (way: K) => void;
}) {
  return props.ways.map((way) => (
    <Radio
      key={way.key}
      id={`${props.name}-${way.key}`}
      name={props.name}
      label={way.label}
      description={way.help}
      isDisabled={way.disabled ?? false}
      isChecked={props.value === way.key}
      onChange={() => props.onChange(way.key)}
      body={props.value === way.key ? way.body : undefined}
    />
  ));
}
