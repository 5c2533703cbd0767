/** From the text values of a configuration document to typed ones and back, for every kind of guest. */
import { checkValue } from '@ryokan/api/check-value.ts';
import { RyokanError } from '@ryokan/api/errors.ts';
import type { TSchema } from '@ryokan/api/schema/types.ts';
import type { ConfigProperties } from './config-file.ts';

export interface ConfigReading<C> {
  readonly config: C;
  /** Values that do not fit their schema, by key: what is wrong with them. They are left out of `config`. */
  readonly invalid: Readonly<Record<string, string>>;
  /** Keys that Ryokan does not know, such as those of a newer version. */
  readonly unknown: readonly string[];
}

/**
 * Reads text values. One bad value must not hide the others: it is reported and left out, and whoever starts the guest
 * decides (see requireValid). `C` is the type that the schemas describe.
 */
export function readValues<C>(
  schemas: Readonly<Record<string, TSchema>>,
  properties: ConfigProperties,
): ConfigReading<C> {
  const config: Record<string, unknown> = {};
  const invalid: Record<string, string> = {};
  const unknown: string[] = [];
  for (const [key, text] of Object.entries(properties)) {
    const schema = Object.hasOwn(schemas, key) ? schemas[key] : undefined;
    if (!schema) {
      unknown.push(key);
      continue;
    }
    const checked = checkValue(schema, text);
    if (checked.error !== undefined) invalid[key] = checked.error.trim();
    else config[key] = checked.value;
  }
  return { config: config as C, invalid, unknown };
}

/** The typed configuration; a bad value is RyokanError 'parameter' with all of them. `guest`: `VM 100`. */
export function requireValid<C>(reading: ConfigReading<C>, vmid: number, guest: string): C {
  const wrong = wrongText(reading, guest);
  if (wrong === undefined) return reading.config;
  throw new RyokanError('parameter', wrong, { context: { vmid } });
}

/** What is wrong with the values of a configuration, key by key; undefined when nothing is. */
export function wrongText(
  { invalid }: Pick<ConfigReading<unknown>, 'invalid'>,
  guest: string,
): string | undefined {
  const problems = Object.entries(invalid).map(([key, problem]) => `${key}: ${problem}`);
  if (problems.length === 0) return undefined;
  return `the configuration of ${guest} has wrong values: ${problems.join('; ')}`;
}

/** A typed value as it stands in a document. */
export function configValueText(value: string | number | boolean): string {
  return value === true ? '1' : value === false ? '0' : String(value);
}
