/** A running guest whose configuration changes: what it runs with, and the connection by which it is changed. */
import type { ConfigProperties } from '../../config-file.ts';
import type { ChangeContext, GuestServices } from '../../guest-services.ts';
import { readQemuConfig } from '../config.ts';
import { type Guest, guestContext } from '../guest-context.ts';
import type { QemuHost } from '../host-input.ts';
import { type HotplugFeature, hotplugFeatures } from '../hotplug-features.ts';
import type { QmpClient } from '../qmp-client.ts';
import { nodeFacts } from '../start-host.ts';

/** One key of the configuration that is to change. */
export interface LiveChange {
  readonly key: string;
  /** What the guest runs with; undefined: without this key. */
  readonly before: string | undefined;
  /** What it shall run with; undefined: the key goes. */
  readonly after: string | undefined;
}

export interface LiveGuest {
  readonly services: GuestServices;
  readonly vmid: number;
  readonly qmp: QmpClient;
  readonly context: ChangeContext;
  /** The configuration that it runs with: the document without what is pending. */
  readonly properties: ConfigProperties;
  readonly features: ReadonlySet<HotplugFeature>;
  /**
   * The guest as its devices are described (see guest-context.ts), with one key changed and with what the node has made
   * for it.
   */
  describe(change: { key: string; value: string | undefined }, made?: Partial<QemuHost>): Guest;
}

export async function liveGuest(
  services: GuestServices,
  vmid: number,
  properties: ConfigProperties,
  qmp: QmpClient,
  context: ChangeContext,
): Promise<LiveGuest> {
  const facts = await nodeFacts({ services });
  const { enabled: kvm } = await qmp.execute<{ enabled: boolean }>('query-kvm');
  // What it was started with, whatever the node would choose today.
  const accelerator = kvm ? 'kvm' : 'tcg';
  return {
    services,
    vmid,
    qmp,
    context,
    properties,
    features: hotplugFeatures(properties.hotplug),
    describe({ key, value }, made = {}) {
      const { [key]: _before, ...others } = properties;
      const { config } = readQemuConfig(value === undefined ? others : { ...others, [key]: value });
      const host = { ...facts, vmid, uuid: '', volumes: {}, taps: {}, ...made, accelerator } as QemuHost;
      return guestContext({ ...config, kvm }, host, (line) => context.log(line));
    },
  };
}
