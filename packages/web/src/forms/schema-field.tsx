/**
 * Form fields made from the API's own schema: kind of input, choices, limits and defaults come from there, the words from
 * the dictionary. A value that equals the schema's default is left out of the configuration.
 */
import type { TObject, TSchema } from '@ryokan/api/schema/types.ts';
import { type PlainKey, useT } from '../i18n/index.ts';
import { CheckField, NumberField, SelectField, TextField } from './fields.tsx';

/** How a field is called in the page's language. */
export interface FieldWords {
  readonly label: PlainKey;
  readonly help?: PlainKey;
  /** Not translated: GiB, MB/s. */
  readonly unit?: string;
  /** Stands in a field that is empty. */
  readonly empty?: PlainKey;
  /** An example, not translated. */
  readonly placeholder?: string;
  /** Words for choices that do not speak for themselves. */
  readonly choices?: Readonly<Record<string, PlainKey>>;
  /** Proper names of choices, not translated. */
  readonly names?: Readonly<Record<string, string>>;
  /** Makes a switch of a choice: this word is on, and off leaves it out. */
  readonly on?: string;
  /** What a switch shows while nothing is set, where the schema names no default. */
  readonly preset?: true;
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
  /** True: there is no way to leave it out. */
  readonly required?: boolean;
}

const isSwitch = (schema: TSchema, words: FieldWords) => schema.type === 'boolean' || words.on !== undefined;

export function SchemaField(props: Props) {
  if (isSwitch(props.schema, props.words)) return <Flag {...props} />;
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
    ...(words.empty || words.placeholder
      ? { placeholder: words.empty ? t(words.empty) : (words.placeholder ?? '') }
      : {}),
  };
}

function Flag(props: Props) {
  const { placeholder: _, ...words } = useWords(props);
  const { value } = props;
  const on = props.words.on ?? true;
  const preset = props.words.preset ?? props.schema.default === on;
  return (
    <CheckField
      {...words}
      value={value === undefined ? preset : value === on}
      onChange={(checked) => props.onChange(checked === preset ? undefined : checked ? on : false)}
    />
  );
}

function Choice(props: Props) {
  const t = useT();
  const { placeholder: _, ...words } = useWords(props);
  const { schema, value } = props;
  const label = (one: string) => {
    const key = props.words.choices?.[one];
    return key ? t(key) : (props.words.names?.[one] ?? one);
  };
  const preset = typeof schema.default === 'string' ? schema.default : undefined;
  const none = props.words.empty
    ? t(props.words.empty)
    : preset === undefined
      ? t('hardware.automatic')
      : t('hardware.default', { value: label(preset) });
  const choices = (schema.enum as readonly string[])
    .filter((one) => props.required || one !== preset)
    .map((one) => ({ value: one, label: label(one) }));
  return (
    <SelectField
      {...words}
      value={value === undefined || (value === preset && !props.required) ? '' : String(value)}
      onChange={(next) => props.onChange(next === '' ? undefined : next)}
      choices={props.required ? choices : [{ value: '', label: none }, ...choices]}
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
  const isFlag = (one: (typeof known)[number]) => isSwitch(one.schema, one.words);
  const field = (one: (typeof known)[number]) => (
    <SchemaField
      key={one.name}
      {...one}
      value={props.values[one.name]}
      disabled={props.disabled ?? false}
      required={props.fields.required?.includes(one.name) ?? false}
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
