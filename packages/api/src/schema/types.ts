/**
 * Building blocks for parameter and result schemas: TypeBox types with the scalar formats of the public API.
 * `format` names a check in formats.ts; `Bit` is a boolean as the wire has it in results (0 or 1).
 */
import {
  type Static,
  type TObject,
  type TOptional,
  type TProperties,
  type TSchema,
  Type,
} from '@sinclair/typebox';

export type { TObject, TProperties, TSchema };
export { type Static, Type };

type StringOptions = {
  description?: string;
  default?: string;
  pattern?: string;
  maxLength?: number;
  minLength?: number;
  requires?: string;
  [extra: string]: unknown;
};

/** A string with a named format. A name ending in `-list` accepts several values split by `,`, `;` or blanks. */
export const Format = (format: string, options: StringOptions = {}) => Type.String({ format, ...options });

/** A boolean in a result: the wire carries 0 or 1. */
export const Bit = (description?: string) =>
  Type.Unsafe<0 | 1>({ type: 'integer', minimum: 0, maximum: 1, ...(description ? { description } : {}) });

/** A fixed set of words. */
export const Enum = <const T extends string>(values: readonly T[], options: Record<string, unknown> = {}) =>
  Type.Unsafe<T>({ type: 'string', enum: [...values], ...options });

/** No result. */
export const Null = () => Type.Null();

/** A size or an amount in bytes. */
export const Bytes = (description?: string) =>
  Type.Integer({ minimum: 0, renderer: 'bytes', ...(description ? { description } : {}) });

export const Node = () => Format('pve-node', { description: 'The cluster node name.' });
export const Vmid = () =>
  Type.Integer({
    minimum: 100,
    maximum: 999_999_999,
    format: 'pve-vmid',
    description: 'The unique ID of the guest.',
  });
export const StorageId = (description = 'The storage identifier.') =>
  Format('pve-storage-id', { description });
export const Upid = () => Format('pve-upid', { description: "The task's unique ID." });
export const Digest = () =>
  Type.String({
    maxLength: 64,
    description: 'Refuse the change when the current configuration has another digest (SHA-1).',
  });
/** Index entries of a folder of the API. */
export const Subdirs = () => Type.Array(Type.Object({ subdir: Type.String() }));

/**
 * A family of numbered keys such as net0..net31, as an object schema fragment: spread it into TypeBox properties.
 * Each key is optional. `family` marks its members so that documentation can fold them into `net[n]`.
 */
export function family<const N extends string, const C extends number, S extends TSchema>(
  name: N,
  count: C,
  schema: S,
) {
  const fields: Record<string, TSchema> = {};
  for (let i = 0; i < count; i++) fields[`${name}${i}`] = Type.Optional({ ...schema, family: name });
  return fields as unknown as { [K in `${N}${Below<C>}`]: TOptional<S> };
}

/** The numbers 0..C-1 as a union of literal types. */
type Below<C extends number, Seen extends number[] = []> = Seen['length'] extends C
  ? Seen[number]
  : Below<C, [...Seen, Seen['length']]>;
