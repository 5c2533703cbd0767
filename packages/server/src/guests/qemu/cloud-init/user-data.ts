/** The user data: cloud-config as https://docs.cloud-init.io/ describes it. */
import type { CloudInitSettings } from './settings.ts';
import { yamlScalar } from './yaml.ts';

/** What stands for a password that the reader may not see. */
export const hiddenPassword = '**********';

/**
 * Line by line as Proxmox VE writes it: the instance id is a hash of this text, so a guest that comes from there must
 * not take itself for a new one.
 */
export function userData(settings: CloudInitSettings): string {
  const { user, password, sshKeys } = settings;
  const lines = [
    '#cloud-config',
    `hostname: ${yamlScalar(settings.hostname)}`,
    'manage_etc_hosts: true',
    `fqdn: ${yamlScalar(settings.fqdn)}`,
  ];
  if (user !== undefined) lines.push(`user: ${yamlScalar(user)}`);
  if (user === 'root') lines.push('disable_root: False');
  if (password !== undefined) {
    lines.push(`password: ${password === hiddenPassword ? hiddenPassword : yamlScalar(password)}`);
  }
  if (sshKeys.length > 0) {
    lines.push('ssh_authorized_keys:', ...sshKeys.map((key) => `  - ${yamlScalar(key)}`));
  }
  lines.push('chpasswd:', '  expire: False');
  if (user !== 'root') lines.push('users:', '  - default');
  if (settings.upgrade) lines.push('package_upgrade: true');
  return `${lines.join('\n')}\n`;
}
