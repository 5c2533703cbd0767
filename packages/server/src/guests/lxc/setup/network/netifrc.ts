/** Gentoo's netifrc, /etc/conf.d/net, and its own place of the host name. */
import { shortName } from '../names.ts';
import type { ContainerNet } from '../setup.ts';
import type { Step } from '../step.ts';
import { type AddressPlan, addressPlans } from './families.ts';

export const netifrc: Step = ({ files, config, first }) => {
  files.write('/etc/conf.d/hostname', `hostname="${shortName(config)}"\n`);
  files.setSection('/etc/conf.d/net', config.nets.map(cardText).join(''), 'bottom');
  if (!first || !files.has('/etc/init.d/net.lo')) return;
  for (const { name } of config.nets) {
    files.tree.link(`/etc/init.d/net.${name}`, 'net.lo');
    files.tree.link(`/etc/runlevels/default/net.${name}`, `/etc/init.d/net.${name}`);
  }
};

function cardText(net: ContainerNet): string {
  const plans = addressPlans(net);
  const routes = plans.flatMap(({ gateway, gatewayOutside }) => {
    if (gateway === undefined) return [];
    return [...(gatewayOutside ? [`${gateway} scope link`] : []), `default via ${gateway}`];
  });
  return [
    `config_${net.name}="${plans.map(configOf).join('\n')}"\n`,
    ...(routes.length > 0 ? [`routes_${net.name}="${routes.join('\n')}"\n`] : []),
  ].join('');
}

function configOf({ family, method, address, prefix }: AddressPlan): string {
  if (method === 'static') return `${address}/${prefix}`;
  if (method === 'dhcp') return family === 'inet' ? 'dhcp' : 'dhcpv6';
  // The kernel takes announced addresses by itself.
  return 'null';
}
