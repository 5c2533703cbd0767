/**
 * Form fields made from the API's own schema: kind of input, choices, limits and defaults come from there, the words from
 * the dictionary. A value that equals the schema's default is left out of the configuration.
 */
import type { TObject, TSchema } from '@ryokan/api/schema/types.ts';
import { CheckField, NumberField, SelectField, TextField } from './fields.tsx';
import { type PlainKey, useT } from '../i18n/index.ts';

/** How a field is called in the page's language. */
export interface FieldWords {
  readonly label: PlainKey;
  readonly help?: PlainKey;
  /** Not translated: GiB, MB/s. */
  readonly unit?: string;
  /** Stands in a field that is empty. */
  readonly empty?: PlainKey;
  /** Words for choices that do not speak for themselves. */
  readonly choices?: Readonly<Record<string, PlainKey>>;
  readonly mono?: true;
}

export type FieldValue = string | number | boolean | undefined;
export type FieldValues = Readonly<Record<string, FieldValue>>;

interface Props {
  readonly name: string;
  readonly schema: TSchema;
  readonly words: FieldWords;
  readonly value: FieldValue;
  readonly onChange: (value: FieldValue) => void;
  readonly disabled?: boolean;
}

export function SchemaField(props: Props) {
  if (props.schema.type === 'boolean') return <Flag {...props} />;
  if (Array.isArray(props.schema.enum)) return <Choice {...props} />;
  if (props.schema.type === 'integer' || props.schema.type === 'number') return <NumberInput {...props} />;
  return <TextInput {...props} />;
}

function useWords({ name, words, disabled }: Props) {
  const t = useT();
  return {
    id: name,
    label: t(words.label),
    disabled: disabled ?? false,
    ...(words.help ? { help: t(words.help) } : {}),
    ...(words.empty ? { placeholder: t(words.empty) } : {}),
  };
}

function Flag(props: Props) {
  const { placeholder: _, ...words } = useWords(props);
  const preset = props.schema.default === true;
  return (
    <CheckField
      {...words}
      value={props.value === undefined ? preset : props.value === true}
      onChange={(on) => props.onChange(on === preset ? undefined : on)}
    />
  );
}

function Choice(props: Props) {
  const t = useT();
  const words = useWords(props);
  const { schema, value } = props;
  const label = (one: string) => {
    const key = props.words.choices?.[one];
    return key ? t(key) : one;
  };
  const preset = typeof schema.default === 'string' ? label(schema.default) : undefined;
  const none = preset === undefined ? t('hardware.automatic') : t('hardware.default', { value: preset });
  const choices = (schema.enum as readonly string[]).filter((one) => one !== schema.default);
  return (
    <SelectField
      {...words}
      value={value === undefined || value === schema.default ? '' : String(value)}
      onChange={(next) => props.onChange(next === '' ? undefined : next)}
      choices={[
        { value: '', label: props.words.empty ? t(props.words.empty) : none },
        ...choices.map((one) => ({ value: one, label: label(one) })),
      ]}
    />
  );
}

function NumberInput(props: Props) {
  const words = useWords(props);
  const { schema, value } = props;
  const preset = schema.default === undefined ? undefined : String(schema.default);
  return (
    <NumberField
      {...words}
      {...(words.placeholder === undefined && preset !== undefined ? { placeholder: preset } : {})}
      {...(props.words.unit ? { unit: props.words.unit } : {})}
      {...(typeof schema.minimum === 'number' ? { min: schema.minimum } : {})}
      {...(typeof schema.maximum === 'number' ? { max: schema.maximum } : {})}
      value={value === undefined ? '' : String(value)}
      onChange={(text) => props.onChange(text === '' ? undefined : Number(text))}
    />
  );
}

function TextInput(props: Props) {
  const words = useWords(props);
  return (
    <TextField
      {...words}
      mono={props.words.mono ?? false}
      value={props.value === undefined ? '' : String(props.value)}
      onChange={(text) => props.onChange(text.trim() === '' ? undefined : text)}
    />
  );
}

/** Several fields of one property string, those that its schema has: switches together, then the others in a grid. */
export function SchemaFields(props: {
  readonly fields: TObject;
  readonly words: Readonly<Record<string, FieldWords>>;
  /** Which fields, in this order. */
  readonly names: readonly string[];
  readonly values: FieldValues;
  readonly onChange: (values: FieldValues) => void;
  readonly disabled?: boolean;
}) {
  const known = props.names.flatMap((name) => {
    const schema = props.fields.properties[name];
    const words = props.words[name];
    return schema && words ? [{ name, schema, words }] : [];
  });
  const isFlag = (one: { schema: TSchema }) => one.schema.type === 'boolean';
  const field = (one: (typeof known)[number]) => (
    <SchemaField
      key={one.name}
      {...one}
      value={props.values[one.name]}
      disabled={props.disabled ?? false}
      onChange={(value) => props.onChange({ ...props.values, [one.name]: value })}
    />
  );
  const [flags, others] = [known.filter(isFlag), known.filter((one) => !isFlag(one))];
  return (
    <>
      {others.length > 0 ? <div className="ry-form-grid">{others.map(field)}</div> : null}
      {flags.length > 0 ? <div className="ry-form-checks">{flags.map(field)}</div> : null}
    </>
  );
}
