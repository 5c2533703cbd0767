/** From the text values of a configuration document to a typed QemuConfig and back. */
import { checkValue } from '@ryokan/api/check-value.ts';
import { RyokanError } from '@ryokan/api/errors.ts';
import { parsePropertyString, propertyStringFields } from '@ryokan/api/schema/property-string.ts';
import { type QemuConfig, type QemuConfigKey, qemuStoredFields } from '@ryokan/api/schema/qemu-config.ts';
import type { Static, TObject, TSchema } from '@ryokan/api/schema/types.ts';
import type { ConfigProperties } from '../config-file.ts';

const schemas = qemuStoredFields as unknown as Readonly<Record<string, TSchema>>;

export interface QemuConfigReading {
  readonly config: QemuConfig;
  /** Values that do not fit their schema, by key: what is wrong with them. They are left out of `config`. */
  readonly invalid: Readonly<Record<string, string>>;
  /** Keys that Ryokan does not know, such as those of a newer version. */
  readonly unknown: readonly string[];
}

/**
 * Reads text values. One bad value must not hide the others: it is reported and left out, and whoever starts the guest
 * decides (see requireQemuConfig).
 */
export function readQemuConfig(properties: ConfigProperties): QemuConfigReading {
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
  // The older short form; it never stood beside ide2 in one file.
  if (config.cdrom !== undefined && config.ide2 === undefined) {
    const text = String(config.cdrom);
    config.ide2 = /(^|,)media=/.test(text) ? text : `${text},media=cdrom`;
  }
  delete config.cdrom;
  return { config: config as QemuConfig, invalid, unknown };
}

/** Like readQemuConfig, but a bad value is RyokanError 'parameter' with all of them: for starting the guest. */
export function requireQemuConfig(properties: ConfigProperties, vmid: number): QemuConfig {
  const reading = readQemuConfig(properties);
  const wrong = wrongValues(reading, vmid);
  if (wrong === undefined) return reading.config;
  throw new RyokanError('parameter', wrong, { context: { vmid } });
}

/** What is wrong with the values of a configuration, key by key; undefined when nothing is. */
export function wrongValues({ invalid }: QemuConfigReading, vmid: number): string | undefined {
  const problems = Object.entries(invalid).map(([key, problem]) => `${key}: ${problem}`);
  if (problems.length === 0) return undefined;
  return `the configuration of VM ${vmid} has wrong values: ${problems.join('; ')}`;
}

/** A typed value as it stands in a document. */
export function configValueText(value: string | number | boolean): string {
  return value === true ? '1' : value === false ? '0' : String(value);
}

/**
 * The fields of a property string key of `config`, undefined when the key is absent. Values were checked when the
 * configuration was read; for one that was not, RyokanError 'parameter' names the key.
 */
export function optionOf<T extends TObject>(
  config: QemuConfig,
  key: QemuConfigKey,
  fields: T,
): Static<T> | undefined {
  const text = config[key];
  if (text === undefined) return undefined;
  try {
    return parsePropertyString(fields, String(text));
  } catch (cause) {
    throw new RyokanError('parameter', `'${key}: ${text}' is wrong: ${(cause as Error).message.trim()}`, {
      context: { key },
      cause,
    });
  }
}

/** The property string schema of a key; undefined for plain values. */
export function fieldsOf(key: string): TObject | undefined {
  const schema = Object.hasOwn(schemas, key) ? schemas[key] : undefined;
  return schema ? propertyStringFields(schema) : undefined;
}
