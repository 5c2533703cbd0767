/** From the text values of a container's document to a typed LxcConfig. */
import { RyokanError } from '@ryokan/api/errors.ts';
import { featureFields, type LxcConfig, lxcStoredFields } from '@ryokan/api/schema/lxc-config.ts';
import { parsePropertyString, propertyStringFields } from '@ryokan/api/schema/property-string.ts';
import type { Static, TObject, TSchema } from '@ryokan/api/schema/types.ts';
import type { ConfigProperties } from '../config-file.ts';
import { type ConfigReading, readValues, requireValid } from '../config-values.ts';

export type { LxcConfig };

const schemas = lxcStoredFields as unknown as Readonly<Record<string, TSchema>>;

/** Reads text values; see readValues. */
export function readLxcConfig(properties: ConfigProperties): ConfigReading<LxcConfig> {
  return readValues<LxcConfig>(schemas, properties);
}

/** The same, but a bad value is RyokanError 'parameter' with all of them: for starting the container. */
export function requireLxcConfig(properties: ConfigProperties, vmid: number): LxcConfig {
  return requireValid(readLxcConfig(properties), vmid, `CT ${vmid}`);
}

/** The fields of a property string; RyokanError 'parameter' names the key when the text is wrong. */
export function fieldsOfKey<T extends TObject>(fields: T, key: string, text: string): Static<T> {
  try {
    return parsePropertyString(fields, text);
  } catch (cause) {
    throw new RyokanError('parameter', `'${key}: ${text}' is wrong: ${(cause as Error).message.trim()}`, {
      context: { key },
      cause,
    });
  }
}

/** What it may do beyond the ordinary. */
export function featuresOf(config: LxcConfig): Static<typeof featureFields> {
  return config.features === undefined ? {} : fieldsOfKey(featureFields, 'features', config.features);
}

/** The property string schema of a key; undefined for plain values. */
export function fieldsOf(key: string): TObject | undefined {
  const schema = Object.hasOwn(schemas, key) ? schemas[key] : undefined;
  return schema ? propertyStringFields(schema) : undefined;
}

/** Name of a container that has none. */
export const defaultHostname = (vmid: number): string => `CT${vmid}`;
