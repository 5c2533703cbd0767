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

/** `auto6` is what routers announce; `+static` also takes the addresses of the file. */
function bootproto(net: ContainerNet, fixed: boolean): string {
  const [ip, ip6] = [planFor(net, 'inet').method, planFor(net, 'inet6').method];
  const asked = ip === 'dhcp' && ip6 === 'dhcp' ? ['dhcp'] : [];
  if (asked.length === 0 && ip === 'dhcp') asked.push('dhcp4');
  if (asked.length === 0 && ip6 === 'dhcp') asked.push('dhcp6');
  if (ip6 === 'auto') asked.push('auto6');
  if (asked.length === 0) return fixed ? 'static' : 'none';
  return [...asked, ...(fixed ? ['static'] : [])].join('+');
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
