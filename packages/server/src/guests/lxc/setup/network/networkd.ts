/** systemd-networkd, systemd.network(5): Arch, NixOS, newer Ubuntu, and others where nothing else is installed. */
import type { ContainerNet } from '../setup.ts';
import type { Step } from '../step.ts';
import { writeCardFiles } from './card-files.ts';
import { type AddressPlan, planFor } from './families.ts';

const folder = '/etc/systemd/network';

export const networkd: Step = ({ files, config, ostype, first, log }) => {
  // NixOS may have its own files there, as links into a store that nobody may write to.
  if (
    ostype === 'nixos' &&
    [folder, '/etc/systemd'].some((path) => files.tree.kind(path, false) === 'link')
  ) {
    log(`the container's NixOS configuration has its own network files: they are left as they are`);
    return;
  }
  const wanted = config.nets.map((net) => [`${net.name}.network`, networkText(net)] as const);
  writeCardFiles(files, folder, Object.fromEntries(wanted));
  if (files.has('/etc/netplan')) {
    // Its files would come first; an empty one of the same name in /etc hides them.
    for (const { name } of config.nets) files.tree.link(`${folder}/10-netplan-${name}.network`, '/dev/null');
  }
  const unit = '/usr/lib/systemd/system/systemd-networkd.service';
  const wants = '/etc/systemd/system/multi-user.target.wants/systemd-networkd.service';
  if (first && ostype !== 'nixos' && files.has(unit) && !files.has(wants)) files.tree.link(wants, unit);
};

export function networkText(net: ContainerNet): string {
  const [ip, ip6] = [planFor(net, 'inet'), planFor(net, 'inet6')];
  const fromRouters = ip6.method === 'auto' || ip6.method === 'dhcp';
  const lines = [
    ...['[Match]', `Name=${net.name}`, '', '[Network]'],
    `DHCP=${dhcp(ip, ip6)}`,
    `IPv6AcceptRA=${fromRouters ? 'yes' : 'no'}`,
    ...[ip, ip6].flatMap(addressLines),
    ...[ip, ip6].flatMap(outsideRoute),
    // Announced or not: the server is asked.
    ...(ip6.method === 'dhcp' ? ['', '[DHCPv6]', 'WithoutRA=solicit'] : []),
  ];
  return `${lines.join('\n')}\n`;
}

function dhcp(ip: AddressPlan, ip6: AddressPlan): string {
  if (ip.method === 'dhcp') return ip6.method === 'dhcp' ? 'yes' : 'ipv4';
  return ip6.method === 'dhcp' ? 'ipv6' : 'no';
}

function addressLines({ address, prefix, gateway, gatewayOutside }: AddressPlan): string[] {
  if (address === undefined) return [];
  return [`Address=${address}/${prefix}`, ...(gateway && !gatewayOutside ? [`Gateway=${gateway}`] : [])];
}

const outsideRoute = ({ gateway, gatewayOutside }: AddressPlan): string[] =>
  gateway && gatewayOutside ? ['', '[Route]', `Gateway=${gateway}`, 'GatewayOnLink=yes'] : [];
