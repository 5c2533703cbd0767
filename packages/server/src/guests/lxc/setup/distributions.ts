/** What is done in each distribution. */
import { consoleLogins } from './console.ts';
import type { OsType } from './detect.ts';
import { hostnameFile, hostsFile, resolvConf, timezone } from './names.ts';
import { ifcfg } from './network/ifcfg.ts';
import { ifupdown } from './network/ifupdown.ts';
import { netifrc } from './network/netifrc.ts';
import { networkManager } from './network/network-manager.ts';
import { networkd } from './network/networkd.ts';
import { wicked } from './network/wicked.ts';
import type { Step } from './step.ts';
import type { ContainerTree } from './tree.ts';

/** The steps for a system, in order; empty for `unmanaged`. */
export function distributionOf(ostype: OsType, tree: ContainerTree): readonly Step[] {
  if (ostype === 'unmanaged') return [];
  return [hostnameFile, hostsFile, resolvConf, timezone, networkOf(ostype, tree), consoleLogins];
}

/** Distributions have changed their mind over the years: what is installed counts. */
function networkOf(ostype: OsType, tree: ContainerTree): Step {
  const has = (...paths: string[]) => paths.some((path) => tree.kind(path) !== undefined);
  const manager = has('/usr/sbin/NetworkManager', '/usr/bin/NetworkManager');
  const networkdThere = has('/usr/lib/systemd/systemd-networkd', '/lib/systemd/systemd-networkd');
  switch (ostype) {
    case 'archlinux':
    case 'nixos':
      return networkd;
    case 'gentoo':
      return netifrc;
    case 'centos':
    case 'fedora':
      return manager
        ? networkManager
        : networkdThere && !has('/etc/sysconfig/network-scripts/ifup')
          ? networkd
          : ifcfg;
    case 'opensuse':
      return manager ? networkManager : networkdThere && !has('/usr/sbin/wicked') ? networkd : wicked;
    default:
      return !has('/sbin/ifup', '/usr/sbin/ifup') && networkdThere ? networkd : ifupdown;
  }
}
