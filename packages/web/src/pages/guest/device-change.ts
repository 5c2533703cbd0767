/** Texts of the configuration made from what a form says; options that the form does not show are kept. Pure. */
import { formatPropertyString, propertyStringFields } from '@ryokan/api/schema/property-string.ts';
import { qemuConfigFields } from '@ryokan/api/schema/qemu-config.ts';
import type { QemuDrive } from '@ryokan/api/schema/qemu-drive.ts';
import { type QemuNet, qemuNetFields } from '@ryokan/api/schema/qemu-net.ts';
import type { TObject, TSchema } from '@ryokan/api/schema/types.ts';
import { readDrive } from './config-model.ts';

const schemaOf = (key: string) => (qemuConfigFields as Record<string, TSchema>)[key];

/** The options that the bus of a drive's key has. */
export function driveFields(key: string): TObject {
  const schema = schemaOf(key);
  const fields = schema && propertyStringFields(schema);
  if (!fields) throw new Error(`${key} is no drive`);
  return fields;
}

/** Writes a drive for its key; options that the key's bus does not know are left out. */
export function driveString(key: string, drive: Partial<QemuDrive>): string {
  const fields = driveFields(key);
  const known = Object.fromEntries(
    Object.entries(drive).filter(
      ([name, value]) => name in fields.properties && value !== undefined && value !== '',
    ),
  );
  return formatPropertyString(fields, known);
}

/** A drive's text with some options changed; undefined removes an option. */
export function changeDrive(key: string, text: string, change: Partial<QemuDrive>): string {
  return driveString(key, { ...readDrive(key, text), ...change });
}

/** `virtio=MAC,bridge=vmbr0,…`: the short form that other tools write. */
export function netString(net: Partial<QemuNet> & { model: QemuNet['model'] }): string {
  const { model, macaddr, ...rest } = net;
  const known = Object.fromEntries(
    Object.entries(rest).filter(([, value]) => value !== undefined && value !== '' && value !== false),
  );
  const options = formatPropertyString(qemuNetFields, known as unknown as QemuNet);
  const card = macaddr ? `${model}=${macaddr.toUpperCase()}` : model;
  return options ? `${card},${options}` : card;
}

/**
 * What to send for keys of a form: new values, and in `delete` the keys that were there and are empty now. Undefined
 * when nothing changes.
 */
export function changeOf(
  before: Readonly<Record<string, string | undefined>>,
  after: Readonly<Record<string, string>>,
): Record<string, string> | undefined {
  const change: Record<string, string> = {};
  const remove: string[] = [];
  for (const [key, value] of Object.entries(after)) {
    const text = value.trim();
    if (text === (before[key] ?? '')) continue;
    if (text === '') remove.push(key);
    else change[key] = text;
  }
  if (remove.length > 0) change.delete = remove.join(',');
  return Object.keys(change).length > 0 ? change : undefined;
}
