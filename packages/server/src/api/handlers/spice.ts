/** Screens by SPICE: tickets for viewers, and where the gateway's proxy leads the connections that show one. */
import { randomBytes, X509Certificate } from 'node:crypto';
import { existsSync } from 'node:fs';
import { RyokanError } from '@ryokan/api/errors.ts';
import type { ParamsOf } from '@ryokan/api/method.ts';
import { qemuSpiceproxy } from '@ryokan/api/methods/spice.ts';
import type { DaemonServices } from '../../daemon-services.ts';
import { readGuest } from '../../guests/guest-store.ts';
import { demandRunning } from '../../guests/qemu/power.ts';
import { qemuRunPaths } from '../../guests/qemu/run-paths.ts';
import { nodeAddress, urlHost } from '../../host/node-settings.ts';
import { unixTarget } from '../console/sessions.ts';
import { spicePort } from '../console/spice-tickets.ts';
import type { Call, HandlerTable } from '../handler-table.ts';

/** Keys that a viewer does not pass on to the guest. Its own defaults take what people need inside a guest. */
const viewerKeys = {
  'toggle-fullscreen': 'Shift+F11',
  'release-cursor': 'Ctrl+Alt+R',
  'secure-attention': 'Ctrl+Alt+Ins',
};

export function spiceHandlers(table: HandlerTable, services: DaemonServices): void {
  const { consoles, monitor, settings, store } = services;
  const demandScreen = (vmid: number): string => {
    const { name = `vm-${vmid}` } = readGuest(store, 'qemu', settings.node, vmid).file.properties;
    demandRunning(services, vmid);
    if (!existsSync(qemuRunPaths(services.paths, vmid).spice)) {
      throw new RyokanError(
        'state',
        `VM ${vmid} has no SPICE display: set its graphics card (vga) to qxl or virtio and start it again`,
        { context: { vmid } },
      );
    }
    return name;
  };
  const open = async ({ vmid, proxy }: ParamsOf<typeof qemuSpiceproxy>, call: Call) => {
    const name = demandScreen(vmid);
    const password = randomBytes(18).toString('base64url');
    const qmp = await monitor.connection(vmid);
    await qmp.execute('set_password', { protocol: 'spice', password });
    await qmp.execute('expire_password', { protocol: 'spice', time: '+30' });
    return {
      type: 'spice',
      title: `VM ${vmid} - ${name}`,
      host: consoles.spice.make(call, vmid, settings.node),
      // On the port of everything else: one hole in a firewall, and no second node of a machine is in the way.
      proxy: `http://${urlHost(proxy ?? nodeAddress(settings))}:${settings.port}`,
      'tls-port': spicePort,
      password,
      ...trust(services.certificate.pem),
      ...viewerKeys,
      'delete-this-file': 1 as const,
    };
  };
  table.on(qemuSpiceproxy, open, { plan: ({ vmid }) => void demandScreen(vmid) });
}

/** By what the viewer knows the node: the authority's certificate, and the subject of the node's own. */
function trust(chain: string): { ca: string; 'host-subject': string } {
  const certificates = chain.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----\n?/g) ?? [];
  const subject = new X509Certificate(certificates[0] ?? '').subject;
  // One part a line; in the viewer's notation commas separate them.
  const parts = subject.split('\n').map((part) => part.replace(/[,\\]/g, '\\$&'));
  return { ca: certificates.at(-1) ?? '', 'host-subject': parts.join(',') };
}

/**
 * Where a CONNECT request leads, as a token of the relay socket. The target is `<ticket>:<port>`. Throws 'forbidden' for
 * anything but a fresh ticket of this node.
 */
export function spiceTunnel(services: DaemonServices): (target: string) => string {
  const { consoles, paths } = services;
  return (target) => {
    const ticket = consoles.spice.find(target.replace(/:\d+$/, ''));
    if (!ticket)
      throw new RyokanError('forbidden', 'invalid or expired SPICE ticket; open the console again');
    const { caller, vmid } = ticket;
    return consoles.tunnel(caller, `/vms/${vmid}`, unixTarget(qemuRunPaths(paths, vmid).spice, false));
  };
}
