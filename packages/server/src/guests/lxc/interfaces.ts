/** The network cards of a running container, with what addresses they have. */
import { RyokanError } from '@ryokan/api/errors.ts';
import { run } from '../../host/exec.ts';
import type { DataPaths } from '../../host/paths.ts';
import { initProcess } from './process.ts';

interface IpLink {
  readonly ifname: string;
  readonly address?: string;
  readonly addr_info?: readonly {
    readonly family: string;
    readonly local: string;
    readonly prefixlen: number;
  }[];
}

export interface ContainerInterface {
  readonly name: string;
  readonly hwaddr: string;
  readonly 'hardware-address': string;
  readonly inet?: string;
  readonly inet6?: string;
  readonly 'ip-addresses': {
    readonly 'ip-address': string;
    readonly 'ip-address-type': 'inet' | 'inet6';
    readonly prefix: number;
  }[];
}

/** The node's own `ip` looks, in the container's network: nothing of the container is run. */
export async function containerInterfaces(paths: DataPaths, vmid: number): Promise<ContainerInterface[]> {
  const init = initProcess(paths, vmid);
  if (!init) throw new RyokanError('state', `CT ${vmid} not running`, { context: { vmid } });
  const args = ['--target', String(init.pid), '--net', 'ip', '-json', 'address', 'show'];
  const { stdout } = await run('nsenter', args, { timeout: 10_000 });
  const links = stdout.trim() === '' ? [] : (JSON.parse(stdout) as IpLink[]);
  // The kernel has templates of tunnels in every network namespace: they have no address.
  return links.filter((link) => link.address !== undefined && link.ifname !== undefined).map(toInterface);
}

function toInterface(link: IpLink): ContainerInterface {
  const addresses = (link.addr_info ?? []).map(({ family, local, prefixlen }) => ({
    'ip-address': local,
    'ip-address-type': family === 'inet6' ? ('inet6' as const) : ('inet' as const),
    prefix: prefixlen,
  }));
  const first = (type: 'inet' | 'inet6') => {
    const found = addresses.find((one) => one['ip-address-type'] === type);
    return found ? { [type]: `${found['ip-address']}/${found.prefix}` } : {};
  };
  const hwaddr = link.address ?? '';
  return {
    name: link.ifname,
    hwaddr,
    'hardware-address': hwaddr,
    ...first('inet'),
    ...first('inet6'),
    'ip-addresses': addresses,
  };
}
