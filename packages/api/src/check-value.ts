/**
 * Checks and converts one value against one schema, with the error texts that clients of the public API match on.
 * Own code and not Ajv, because the wire's rules (0/1 booleans, numbers as text, `-list` formats, property strings)
 * and its texts are the product's contract; results are checked with Ajv in tests.
 */
import type { TSchema } from '@sinclair/typebox';
import { checkFormat } from './schema/formats.ts';
import { describeErrors, readPropertyString } from './schema/property-string.ts';

export type Checked = { readonly value: unknown; readonly error?: undefined } | { readonly error: string };

export interface CheckOptions {
  /** Inside property strings on/yes/true and off/no/false are booleans too. */
  readonly inPropertyString?: boolean;
}

export function checkValue(schema: TSchema, value: unknown, options: CheckOptions = {}): Checked {
  switch (schema.type) {
    case 'boolean':
      return checkBoolean(value, options);
    case 'integer':
    case 'number':
      return checkNumber(schema, value);
    case 'array':
      return checkArray(schema, value);
    case 'string':
      return checkString(schema, value);
    default:
      return { value };
  }
}

function checkBoolean(value: unknown, options: CheckOptions): Checked {
  if (value === true || value === 1 || value === '1') return { value: true };
  if (value === false || value === 0 || value === '0') return { value: false };
  if (options.inPropertyString && typeof value === 'string') {
    if (/^(on|yes|true)$/i.test(value)) return { value: true };
    if (/^(off|no|false)$/i.test(value)) return { value: false };
  }
  return { error: `type check ('boolean') failed - got '${show(value)}'` };
}

function checkNumber(schema: TSchema, value: unknown): Checked {
  const pattern = schema.type === 'integer' ? /^[+-]?\d+$/ : /^[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?$/;
  const text = typeof value === 'number' ? String(value) : value;
  if (typeof text !== 'string' || !pattern.test(text) || !Number.isFinite(Number(text))) {
    return { error: `type check ('${schema.type}') failed - got '${show(value)}'` };
  }
  const number = Number(text);
  if (schema.minimum !== undefined && number < schema.minimum) {
    return { error: `value must have a minimum value of ${schema.minimum}` };
  }
  if (schema.maximum !== undefined && number > schema.maximum) {
    return { error: `value must have a maximum value of ${schema.maximum}` };
  }
  return { value: number };
}

function checkArray(schema: TSchema, value: unknown): Checked {
  const items = Array.isArray(value) ? value : [value];
  const checked: unknown[] = [];
  for (const item of items) {
    const one = checkValue(schema.items as TSchema, item);
    if (one.error !== undefined) return one;
    checked.push(one.value);
  }
  return { value: checked };
}

function checkString(schema: TSchema, given: unknown): Checked {
  const value = Array.isArray(given) && String(schema.format).endsWith('-list') ? given.join(',') : given;
  if (typeof value === 'object' || value === undefined) {
    return { error: `type check ('string') failed - got '${show(value)}'` };
  }
  const text = value === true ? '1' : value === false ? '0' : String(value);
  const error = stringError(schema, text);
  return error === undefined ? { value: text } : { error };
}

function stringError(schema: TSchema, text: string): string | undefined {
  if (schema.maxLength !== undefined && text.length > schema.maxLength) {
    return `value may only be ${schema.maxLength} characters long`;
  }
  if (schema.minLength !== undefined && text.length < schema.minLength) {
    return `value must be at least ${schema.minLength} characters long`;
  }
  if (schema.enum && !(schema.enum as unknown[]).includes(text)) {
    return `value '${text}' does not have a value in the enumeration '${(schema.enum as string[]).join(', ')}'`;
  }
  if (schema.pattern !== undefined && !anchored(schema.pattern as string).test(text)) {
    return 'value does not match the regex pattern';
  }
  if (schema.propertyString) {
    const { errors } = readPropertyString(schema.propertyString, text);
    if (errors) return `invalid format - ${describeErrors(errors)}`;
  }
  if (schema.format !== undefined) {
    const problem = checkFormat(schema.format as string, text);
    if (problem !== undefined) return `invalid format - ${problem}\n`;
  }
  return undefined;
}

const compiled = new Map<string, RegExp>();

/** Patterns hold for the whole text, whether they say so or not. */
function anchored(pattern: string): RegExp {
  let regex = compiled.get(pattern);
  if (!regex) {
    regex = new RegExp(`^(?:${pattern})$`);
    compiled.set(pattern, regex);
  }
  return regex;
}

function show(value: unknown): string {
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}
