/**
 * What a tap's options mean in commands of iproute2. Pure: tap.ts looks at the node and runs them, so that what this
 * machine's kernel cannot do is tested all the same.
 */

/** Settings of a card that can change while its guest runs. */
export interface TapSettings {
  readonly bridge: string;
  /** VLAN of its untagged packets. */
  readonly tag?: number | undefined;
  /** VLANs that pass with their tags: `2;5-10`. */
  readonly trunks?: string | undefined;
  /** Limit of each direction in MB/s (1 MB = 1024² bytes); 0 and undefined: none. */
  readonly rate?: number | undefined;
}

/**
 * Arguments of `bridge`, one command a line, for a port of a VLAN-aware bridge. Without tag and trunks every VLAN
 * passes with its tag, as people know it; untagged packets are in VLAN 1.
 */
export function portVlanCommands(ifname: string, { tag, trunks }: Omit<TapSettings, 'bridge'>): string[] {
  const passed = trunks !== undefined && trunks !== '' ? trunks.split(';') : tag ? [] : ['2-4094'];
  return [
    `vlan del dev ${ifname} vid 1-4094`,
    ...passed.map((vid) => `vlan add dev ${ifname} vid ${vid}`),
    `vlan add dev ${ifname} vid ${tag || 1} pvid untagged`,
  ];
}

/** Name of the device through which the packets of a guest are slowed down: the tap's, and as long. */
export function shaperName(tap: string): string {
  return tap.replace(/^(?:tap|veth)/, 'ifb');
}

/** Bytes that pass at full speed: 20 ms worth, but never less than the largest packet that the kernel hands over. */
const smallestBurst = 128 * 1024;

/**
 * Arguments of `tc`, one command a line. To the guest the tap itself is slowed down. From the guest nothing can be
 * queued at the tap, so its packets take the way through an ifb device, which queues them instead of dropping what is
 * above the limit, as a policer would: TCP then reaches the limit instead of half of it.
 */
export function shapeCommands(ifname: string, rate: number): string[] {
  const shaper = shaperName(ifname);
  const bytes = rate * 1024 ** 2;
  const limit = `tbf rate ${Math.max(8, Math.round(bytes * 8))}bit burst ${Math.max(smallestBurst, Math.round(bytes / 50))}b latency 100ms`;
  return [
    `qdisc replace dev ${ifname} root ${limit}`,
    `qdisc replace dev ${shaper} root ${limit}`,
    `qdisc add dev ${ifname} handle ffff: ingress`,
    `filter add dev ${ifname} parent ffff: protocol all prio 1 u32 match u32 0 0 action mirred egress redirect dev ${shaper}`,
  ];
}

/** Takes the limit away; each may fail because there is none. */
export function unshapeCommands(ifname: string): string[] {
  return [`qdisc del dev ${ifname} root`, `qdisc del dev ${ifname} handle ffff: ingress`];
}

/** `vmbr0v5`: the bridge that VLAN 5 of a bridge without VLAN awareness gets; undefined when the name is too long. */
export function vlanBridgeName(bridge: string, tag: number): string | undefined {
  const name = `${bridge}v${tag}`;
  return name.length <= 15 ? name : undefined;
}

/**
 * Arguments of `ip`, one command a line: a bridge of its own for one VLAN, connected to the VLAN of each physical port
 * of the bridge. `uplinks` are those ports (`eno1`, `bond0`).
 */
export function vlanBridgeCommands(
  bridge: string,
  tag: number,
  facts: { readonly uplinks: readonly string[]; readonly mtu: number; readonly alias: string },
): string[] {
  const name = `${bridge}v${tag}`;
  return [
    `link add name ${name} mtu ${facts.mtu} type bridge stp_state 0 forward_delay 0`,
    `link set dev ${name} alias ${JSON.stringify(facts.alias)}`,
    ...facts.uplinks.flatMap((uplink) => [
      `link add link ${uplink} name ${vlanDevice(uplink, tag)} type vlan id ${tag}`,
      `link set dev ${vlanDevice(uplink, tag)} master ${name} up`,
    ]),
    `link set dev ${name} up`,
  ];
}

/** `eno1.5`, shortened where the name would be too long. */
export function vlanDevice(uplink: string, tag: number): string {
  return `${uplink.slice(0, 14 - String(tag).length)}.${tag}`;
}
