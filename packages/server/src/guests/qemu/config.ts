/** From the text values of a configuration document to a typed QemuConfig and back. */
import { RyokanError } from '@ryokan/api/errors.ts';
import { parsePropertyString, propertyStringFields } from '@ryokan/api/schema/property-string.ts';
import { type QemuConfig, type QemuConfigKey, qemuStoredFields } from '@ryokan/api/schema/qemu-config.ts';
import type { Static, TObject, TSchema } from '@ryokan/api/schema/types.ts';
import type { ConfigProperties } from '../config-file.ts';
import { type ConfigReading, readValues, requireValid, wrongText } from '../config-values.ts';

const schemas = qemuStoredFields as unknown as Readonly<Record<string, TSchema>>;

export type QemuConfigReading = ConfigReading<QemuConfig>;

/** Reads text values; see readValues. */
export function readQemuConfig(properties: ConfigProperties): QemuConfigReading {
  const reading = readValues<QemuConfig>(schemas, properties);
  const { cdrom, ...config } = reading.config;
  if (cdrom === undefined) return reading;
  // The older short form; it never stood beside ide2 in one file.
  const ide2 = config.ide2 ?? (/(^|,)media=/.test(cdrom) ? cdrom : `${cdrom},media=cdrom`);
  return { ...reading, config: { ...config, ide2 } };
}

/** Like readQemuConfig, but a bad value is RyokanError 'parameter' with all of them: for starting the guest. */
export function requireQemuConfig(properties: ConfigProperties, vmid: number): QemuConfig {
  return requireValid(readQemuConfig(properties), vmid, `VM ${vmid}`);
}

/** What is wrong with the values of a configuration, key by key; undefined when nothing is. */
export function wrongValues(reading: QemuConfigReading, vmid: number): string | undefined {
  return wrongText(reading, `VM ${vmid}`);
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
