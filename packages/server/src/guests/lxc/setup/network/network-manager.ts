/** NetworkManager's key files, nm-settings-keyfile(5): Fedora, RHEL and its kin from 9 on, newer openSUSE. */
import type { ContainerNet } from '../setup.ts';
import type { Step } from '../step.ts';
import { writeCardFiles } from './card-files.ts';
import { type AddressPlan, planFor } from './families.ts';

export const networkManager: Step = ({ files, config }) => {
  const wanted = config.nets.map((net) => [`${net.name}.nmconnection`, keyfileText(net)] as const);
  // Others could read passwords in such files, so NetworkManager refuses those that are open to others.
  writeCardFiles(files, '/etc/NetworkManager/system-connections', Object.fromEntries(wanted), {
    mode: 0o600,
  });
};

export function keyfileText(net: ContainerNet): string {
  const lines = [
    ...['[connection]', `id=${net.name}`, 'type=ethernet', `interface-name=${net.name}`],
    // Before connections that the template brings for any card.
    ...['autoconnect=true', 'autoconnect-priority=100', ''],
    ...['[ipv4]', ...familyLines(planFor(net, 'inet')), ''],
    ...['[ipv6]', 'addr-gen-mode=eui64', ...familyLines(planFor(net, 'inet6'))],
  ];
  return `${lines.join('\n')}\n`;
}

function familyLines({ family, method, address, prefix, gateway, gatewayOutside }: AddressPlan): string[] {
  if (method === 'manual') return [`method=${family === 'inet' ? 'disabled' : 'link-local'}`];
  if (method !== 'static') return [`method=${method === 'dhcp' && family === 'inet6' ? 'dhcp' : 'auto'}`];
  return [
    ...['method=manual', `address1=${address}/${prefix}`],
    ...(gateway === undefined ? [] : [`gateway=${gateway}`]),
    ...(gatewayOutside ? [`route1=${gateway}/${family === 'inet' ? 32 : 128}`] : []),
  ];
}
