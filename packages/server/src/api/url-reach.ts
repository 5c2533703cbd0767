/** Which addresses the node fetches URLs from on behalf of a user. */
import { datacenterOption } from '../cluster/datacenter-options.ts';
import type { Reach } from '../host/network-reach.ts';
import type { Services } from '../services.ts';

/** Who administers the node reaches what it reaches; others what the datacenter option `url-reach` says. */
export function urlReach({ access, settings, store }: Services, user: string): Reach {
  if (user === 'root@pam' || access.privileges(user, `/nodes/${settings.node}`).has('Sys.Modify'))
    return 'any';
  const option = datacenterOption(store, 'url-reach');
  return option === 'any' || option === 'public' ? option : 'network';
}
