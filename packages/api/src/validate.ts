/** Checks the parameters of a call against its method record. Used by the server, the CLI and the web forms. */
import type { Static, TObject, TSchema } from '@sinclair/typebox';
import { checkValue } from './check-value.ts';
import { ParameterError } from './errors.ts';

export type RawParams = Readonly<Record<string, unknown>>;

export type Validation<T> =
  | { readonly value: T; readonly errors?: undefined }
  | { readonly value?: undefined; readonly errors: Readonly<Record<string, string>> };

/**
 * Converts raw values (texts, numbers, booleans, arrays) into typed ones and collects one error per parameter.
 * Defaults are not filled in: a handler can tell what was given. Null and undefined count as not given.
 */
export function validate<P extends TObject>(params: P, raw: RawParams, open = false): Validation<Static<P>> {
  const properties = params.properties as Record<string, TSchema>;
  const required = new Set(params.required ?? []);
  const value: Record<string, unknown> = {};
  const errors: Record<string, string> = {};
  for (const [key, one] of Object.entries(raw)) {
    if (one === undefined || one === null) continue;
    const schema = Object.hasOwn(properties, key) ? properties[key] : undefined;
    if (!schema) {
      if (open) value[key] = one;
      else {
        errors[key] = 'property is not defined in schema and the schema does not allow additional properties';
      }
      continue;
    }
    const checked = checkValue(schema, one);
    if (checked.error !== undefined) errors[key] = checked.error;
    else value[key] = checked.value;
    const needs = schema.requires as string | undefined;
    if (needs && (raw[needs] === undefined || raw[needs] === null))
      errors[needs] = `missing property required by '${key}'`;
  }
  for (const key of required) {
    if (!(key in value) && !(key in errors)) errors[key] = 'property is missing and it is not optional';
  }
  return Object.keys(errors).length > 0 ? { errors } : { value: value as Static<P> };
}

/** Like validate, but throws ParameterError. */
export function requireValid<P extends TObject>(params: P, raw: RawParams, open = false): Static<P> {
  const result = validate(params, raw, open);
  if (result.errors) throw new ParameterError({ ...result.errors });
  return result.value;
}
