/** The files of a cloud-init image, for each kind of data source. Pure: nothing is read or written here. */
import { createHash } from 'node:crypto';
import { RyokanError } from '@ryokan/api/errors.ts';
import { networkInterfaces } from './network-interfaces.ts';
import { networkV1 } from './network-v1.ts';
import { contextScript } from './open-nebula.ts';
import type { CloudInitSettings } from './settings.ts';
import { hiddenPassword, userData } from './user-data.ts';

export interface CloudInitContent {
  /** Label of the file system, by which the guest finds it. */
  readonly label: 'cidata' | 'config-2' | 'CONTEXT';
  /** Text by path. */
  readonly files: Readonly<Record<string, string>>;
}

/** Texts of the caller's own in place of the generated ones (key `cicustom`). */
export interface CustomFiles {
  readonly user?: string;
  readonly network?: string;
  readonly meta?: string;
  readonly vendor?: string;
}

/** Bytes of all files together: the image has 4 MiB. */
const mostBytes = 3 * 1024 * 1024;

/** Throws 'parameter' when the files are too large for the image. */
export function cloudInitContent(settings: CloudInitSettings, custom: CustomFiles = {}): CloudInitContent {
  const content = contentOf(settings, custom);
  const bytes = Object.values(content.files).reduce((sum, text) => sum + Buffer.byteLength(text), 0);
  if (bytes > mostBytes) {
    throw new RyokanError(
      'parameter',
      `the cloud-init files have ${bytes} bytes in all, more than 3 MiB: make the snippets of cicustom smaller`,
    );
  }
  return content;
}

function contentOf(settings: CloudInitSettings, custom: CustomFiles): CloudInitContent {
  if (settings.type === 'opennebula') {
    return { label: 'CONTEXT', files: { 'context.sh': contextScript(settings) } };
  }
  const user = custom.user ?? userData(settings);
  const network = custom.network ?? networkData(settings);
  const meta = custom.meta ?? metaData(settings, user, custom.network ?? networkIdentity(settings));
  const vendor = custom.vendor ?? '';
  if (settings.type === 'nocloud') {
    const files = { 'user-data': user, 'network-config': network, 'meta-data': meta, 'vendor-data': vendor };
    return { label: 'cidata', files };
  }
  return {
    label: 'config-2',
    files: {
      'openstack/latest/user_data': user,
      'openstack/content/0000': network,
      'openstack/latest/meta_data.json': meta,
      // An empty file is no JSON, and the guest would take nothing at all from the drive.
      ...(vendor === '' ? {} : { 'openstack/latest/vendor_data.json': vendor }),
    },
  };
}

function networkData(settings: CloudInitSettings): string {
  return settings.type === 'nocloud' ? networkV1(settings) : networkInterfaces(settings, true);
}

/** What of the network makes an instance another one: the text that Proxmox VE writes, so that guests from there stay the same. */
function networkIdentity(settings: CloudInitSettings): string {
  return settings.type === 'nocloud' ? networkV1(settings) : networkInterfaces(settings);
}

/**
 * Another instance id makes the guest take itself for a new machine and carry everything out again; it changes with what
 * it is to carry out.
 */
function instanceId(user: string, network: string): string {
  return createHash('sha1').update(user).update(network).digest('hex');
}

function metaData(settings: CloudInitSettings, user: string, network: string): string {
  const id = instanceId(user, network);
  if (settings.type === 'nocloud') return `instance-id: ${id}\n`;
  if (settings.windows) return windowsMetaData(settings, id);
  return `{\n     "uuid": "${id}",\n     "network_config": { "content_path": "/content/0000" }\n}\n`;
}

/** cloudbase-init takes password and keys from here. */
function windowsMetaData({ password, sshKeys }: CloudInitSettings, id: string): string {
  const keys = sshKeys.map((key, index) => [`key-${index}`, key]);
  return JSON.stringify({
    uuid: id,
    network_config: { content_path: '/content/0000' },
    ...(password === undefined ? {} : { admin_pass: password }),
    ...(keys.length > 0 ? { public_keys: Object.fromEntries(keys) } : {}),
  });
}

export type DumpType = 'user' | 'network' | 'meta';

/** One generated file as people look at it; OpenNebula has only one. Without `secrets` the password is hidden. */
export function dumpCloudInit(settings: CloudInitSettings, type: DumpType, secrets: boolean): string {
  const shown =
    secrets || settings.password === undefined ? settings : { ...settings, password: hiddenPassword };
  if (settings.type === 'opennebula') return contextScript(shown);
  if (type === 'user') return userData(shown);
  if (type === 'network') return networkData(settings);
  const network = networkIdentity(settings);
  if (settings.type === 'configdrive2' && settings.windows)
    return windowsMetaData(shown, instanceId(userData(settings), network));
  return metaData(settings, userData(settings), network);
}
