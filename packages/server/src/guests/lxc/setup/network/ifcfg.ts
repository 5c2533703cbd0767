/** Network scripts of Red Hat's kind, /etc/sysconfig/network-scripts: CentOS and RHEL up to 8. */
import type { ContainerNet } from '../setup.ts';
import type { Step } from '../step.ts';
import { writeCardFiles } from './card-files.ts';
import { planFor } from './families.ts';

const folder = '/etc/sysconfig/network-scripts';

export const ifcfg: Step = ({ files, config }) => {
  const wanted: Record<string, string> = {};
  for (const net of config.nets) {
    wanted[`ifcfg-${net.name}`] = ifcfgText(net);
    const { gateway, gatewayOutside } = planFor(net, 'inet');
    if (gatewayOutside)
      wanted[`route-${net.name}`] = `${gateway} dev ${net.name}\ndefault via ${gateway} dev ${net.name}\n`;
  }
  writeCardFiles(files, folder, wanted);
  // The scripts do nothing without this line.
  files.edit('/etc/sysconfig/network', (text) =>
    /^NETWORKING=/m.test(text) ? text : `${text}NETWORKING=yes\n`,
  );
};

export function ifcfgText(net: ContainerNet): string {
  const [ip, ip6] = [planFor(net, 'inet'), planFor(net, 'inet6')];
  const lines = [
    ...[`DEVICE=${net.name}`, 'ONBOOT=yes', 'TYPE=Ethernet'],
    `BOOTPROTO=${ip.method === 'dhcp' ? 'dhcp' : 'none'}`,
    ...(ip.address === undefined ? [] : [`IPADDR=${ip.address}`, `PREFIX=${ip.prefix}`]),
    ...(ip.gateway === undefined || ip.gatewayOutside ? [] : [`GATEWAY=${ip.gateway}`]),
    ...(ip6.method === 'manual'
      ? ['IPV6INIT=no']
      : ['IPV6INIT=yes', `IPV6_AUTOCONF=${ip6.method === 'auto' ? 'yes' : 'no'}`]),
    ...(ip6.method === 'dhcp' ? ['DHCPV6C=yes'] : []),
    ...(ip6.address === undefined ? [] : [`IPV6ADDR=${ip6.address}/${ip6.prefix}`]),
    ...(ip6.gateway === undefined ? [] : [`IPV6_DEFAULTGW=${ip6.gateway}%${net.name}`]),
  ];
  return `${lines.join('\n')}\n`;
}
