/**
 * Property strings: several named values in one text, `virtio,bridge=vmbr0,firewall=1`.
 *
 * A field's schema may carry three keywords of its own: `defaultKey: true` (its value may stand without `key=`),
 * `alias: 'other'` (another name of that field) and `keyAlias: 'model'` with `alias` (`virtio=AA:…` sets the field
 * named by keyAlias to the key and the field named by alias to the value).
 */
import type { Static, TObject, TSchema } from '@sinclair/typebox';
import { Type } from '@sinclair/typebox';
import { checkValue } from '../check-value.ts';

type Fields = Readonly<Record<string, TSchema>>;

/** A string schema whose text is a property string of `fields`. */
export function PropertyString<T extends TObject>(fields: T, options: Record<string, unknown> = {}) {
  return Type.Unsafe<string>({ type: 'string', propertyString: fields, ...options });
}

/** The object schema of a property string schema; undefined for any other schema. */
export function propertyStringFields(schema: TSchema): TObject | undefined {
  return schema.propertyString as TObject | undefined;
}

export type PropertyStringResult<T extends TObject> =
  | { readonly value: Static<T>; readonly errors?: undefined }
  | { readonly value?: undefined; readonly errors: Readonly<Record<string, string>> };

/** Parses and checks `text`; never throws. Error keys are field names, '' for the text as a whole. */
export function readPropertyString<T extends TObject>(fields: T, text: string): PropertyStringResult<T> {
  const properties = fields.properties as Fields;
  const errors: Record<string, string> = {};
  const raw: Record<string, string> = {};
  const set = (key: string, value: string) => {
    if (key in raw) errors[key] = `duplicate key in comma-separated list property: ${key}`;
    else raw[key] = value;
  };
  for (const part of text.split(',')) {
    if (part === '') continue;
    const equals = part.indexOf('=');
    if (equals > 0) assign(properties, part.slice(0, equals), part.slice(equals + 1), set, errors);
    else {
      const key = Object.keys(properties).find((name) => properties[name]?.defaultKey === true);
      if (!key) errors[''] = 'value without key, but schema does not define a default key';
      else set(key, part);
    }
  }
  const value: Record<string, unknown> = {};
  for (const [key, one] of Object.entries(raw)) {
    const checked = checkValue(properties[key] as TSchema, one, { inPropertyString: true });
    if (checked.error !== undefined) errors[key] = checked.error;
    else value[key] = checked.value;
  }
  for (const key of fields.required ?? []) {
    if (!(key in raw) && !errors[key] && !properties[key]?.alias) {
      errors[key] = 'property is missing and it is not optional';
    }
  }
  return Object.keys(errors).length > 0 ? { errors } : { value: value as Static<T> };
}

function assign(
  properties: Fields,
  key: string,
  text: string,
  set: (key: string, value: string) => void,
  errors: Record<string, string>,
): void {
  const schema = properties[key];
  if (!schema) {
    errors[key] = 'property is not defined in schema and the schema does not allow additional properties';
  } else if (schema.keyAlias) {
    set(schema.keyAlias as string, key);
    set(schema.alias as string, text);
  } else set((schema.alias as string | undefined) ?? key, text);
}

/** Like readPropertyString, but throws an Error with all problems in one text. */
export function parsePropertyString<T extends TObject>(fields: T, text: string): Static<T> {
  const result = readPropertyString(fields, text);
  if (result.errors) throw new Error(describeErrors(result.errors));
  return result.value;
}

/** `format error` and one line per field: the wording that follows `invalid format - `. */
export function describeErrors(errors: Readonly<Record<string, string>>): string {
  const lines = Object.entries(errors).map(([key, text]) => (key ? `${key}: ${text}` : text));
  return `format error\n${lines.join('\n')}\n`;
}

/** Writes `value` as text: the default key first and bare, then the other keys sorted; undefined values are left out. */
export function formatPropertyString<T extends TObject>(fields: T, value: Static<T>): string {
  const properties = fields.properties as Fields;
  const entries = Object.entries(value as Record<string, unknown>).filter(([, one]) => one !== undefined);
  const isDefault = (key: string) => properties[key]?.defaultKey === true;
  entries.sort(([a], [b]) => Number(isDefault(b)) - Number(isDefault(a)) || (a < b ? -1 : 1));
  return entries
    .map(([key, one]) => {
      const text = one === true ? '1' : one === false ? '0' : String(one);
      return isDefault(key) ? text : `${key}=${text}`;
    })
    .join(',');
}
