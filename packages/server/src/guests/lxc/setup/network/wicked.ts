/** wicked's files, ifcfg(5) and ifroute(5) of SUSE: openSUSE Leap 15, SLES 15. */
import type { ContainerNet } from '../setup.ts';
import type { Step } from '../step.ts';
import { writeCardFiles } from './card-files.ts';
import { addressPlans, planFor } from './families.ts';

export const wicked: Step = ({ files, config }) => {
  const wanted: Record<string, string> = {};
  for (const net of config.nets) {
    wanted[`ifcfg-${net.name}`] = ifcfgText(net);
    const routes = routesText(net);
    if (routes !== '') wanted[`ifroute-${net.name}`] = routes;
  }
  writeCardFiles(files, '/etc/sysconfig/network', wanted);
};

export function ifcfgText(net: ContainerNet): string {
  const fixed = addressPlans(net).filter(({ method }) => method === 'static');
  const lines = [
    `STARTMODE='auto'`,
    `BOOTPROTO='${bootproto(net, fixed.length > 0)}'`,
    ...fixed.map(({ address, prefix }, at) => `IPADDR${at === 0 ? '' : `_${at}`}='${address}/${prefix}'`),
  ];
  return `${lines.join('\n')}\n`;
}

/**
 * One word for both families: the addresses of the file are set with each of them, and `static` and `dhcp4` leave the
 * IPv6 addresses that routers announce to the kernel.
 */
function bootproto(net: ContainerNet, fixed: boolean): string {
  const [ip, ip6] = [planFor(net, 'inet').method, planFor(net, 'inet6').method];
  if (ip === 'dhcp') return ip6 === 'dhcp' ? 'dhcp' : 'dhcp4';
  if (ip6 === 'dhcp') return 'dhcp6';
  if (fixed) return 'static';
  return ip6 === 'auto' ? 'auto6' : 'none';
}

/** Destination, gateway, netmask, interface; `-` for none. */
function routesText(net: ContainerNet): string {
  return addressPlans(net)
    .flatMap(({ family, gateway, gatewayOutside }) => {
      if (gateway === undefined) return [];
      const host = `${gateway}/${family === 'inet' ? 32 : 128}`;
      return [...(gatewayOutside ? [`${host} - - ${net.name}\n`] : []), `default ${gateway} - ${net.name}\n`];
    })
    .join('');
}
