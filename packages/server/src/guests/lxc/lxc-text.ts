/**
 * LXC's own configuration of a container: configuration and what the node has prepared to text, and nothing else, so
 * that golden tests show it. Keys: lxc.container.conf(5).
 */
import { RyokanError } from '@ryokan/api/errors.ts';
import { type LxcConfig, type LxcNet, lxcNetFields } from '@ryokan/api/schema/lxc-config.ts';
import { defaultHostname, featuresOf, fieldsOfKey } from './config.ts';
import { type LxcHost, lxcfsRoot, stage } from './host-input.ts';
import { cgroupLimits } from './limits.ts';

/**
 * Writes down how the container has ended. Its failing keeps LXC from starting a container again that has rebooted: the
 * node does that, with pending changes and new cards.
 */
const endHook = `sh -c 'echo "$LXC_TARGET" > "\${LXC_CONFIG_FILE%/config}.ended"; test "$LXC_TARGET" != reboot'`;

/** Device numbers that every container may use: the tty, null and random devices, pseudo terminals, FUSE. */
const ordinaryDevices = '1:3 1:5 1:7 1:8 1:9 5:0 5:1 5:2 136:* 10:229'.split(' ');

/** What root of a privileged container must not do to the node. */
const droppedCapabilities = 'mac_admin mac_override sys_time sys_module sys_rawio';

type Line = readonly [key: string, value: string | number];

/** One line each: `lxc.key = value`. */
export function lxcText(config: LxcConfig, host: LxcHost): string {
  const lines: Line[] = [
    ...basics(config, host),
    ...identity(config, host),
    ...limits(config, host),
    ...terminals(config),
    ...mounts(config, host),
    ...cards(config, host),
  ];
  const text = lines.map(([key, value]) => `lxc.${key} = ${oneLine(key, String(value))}\n`).join('');
  return text + rawLines(config.lxc);
}

function basics(config: LxcConfig, host: LxcHost): Line[] {
  return [
    ['arch', config.arch ?? 'amd64'],
    ['uts.name', config.hostname ?? defaultHostname(host.vmid)],
    ['rootfs.path', `dir:${stage}/root`],
    ['init.cmd', config.entrypoint ?? '/sbin/init'],
    ...(config.env?.split('\0') ?? []).map((one): Line => ['environment', one]),
    // The program that ends Alpine understands other signals than systemd and SysV init.
    ...(config.ostype === 'alpine'
      ? ([
          ['signal.halt', 'SIGUSR2'],
          ['signal.reboot', 'SIGTERM'],
        ] as const)
      : []),
    ['hook.version', 1],
    ['hook.post-stop', endHook],
    ['cgroup.relative', 0],
    ['cgroup.dir.monitor', `${host.cgroup}-monitor`],
    ['cgroup.dir.container', host.cgroup],
    ['cgroup.dir.container.inner', 'ns'],
    ...(config.debug ? ([['log.level', 'TRACE']] as const) : []),
  ];
}

/** Who its root is on the node, and what it may do. */
function identity(config: LxcConfig, host: LxcHost): Line[] {
  const unprivileged = host.ids.length > 0;
  const cgroup = host.cgroupVersion === 1 ? 'cgroup.devices' : 'cgroup2.devices';
  return [
    ...host.ids.flatMap(({ container, host: first, count }): Line[] => [
      ['idmap', `u ${container} ${first} ${count}`],
      ['idmap', `g ${container} ${first} ${count}`],
    ]),
    ['seccomp.profile', host.seccomp],
    ...(host.apparmor ? appArmor(config) : []),
    ...(unprivileged ? [] : ([['cap.drop', droppedCapabilities]] as const)),
    // Nobody makes device nodes in a user namespace; which ones it is given says the configuration.
    ...(unprivileged
      ? []
      : ([
          [`${cgroup}.deny`, 'a'],
          [`${cgroup}.allow`, 'c *:* m'],
          [`${cgroup}.allow`, 'b *:* m'],
          ...ordinaryDevices.map((numbers): Line => [`${cgroup}.allow`, `c ${numbers} rwm`]),
          ...host.devices.map((rule): Line => [`${cgroup}.allow`, rule]),
        ] as Line[])),
  ];
}

/** LXC makes a profile of its own for each container. */
function appArmor(config: LxcConfig): Line[] {
  const { nesting, mount } = featuresOf(config);
  return [
    ['apparmor.profile', 'generated'],
    ...(nesting ? ([['apparmor.allow_nesting', 1]] as const) : []),
    ...(mount?.split(';').filter(Boolean) ?? []).map(
      (type): Line => ['apparmor.raw', `mount fstype=${type.trim()},`],
    ),
  ];
}

function limits(config: LxcConfig, host: LxcHost): Line[] {
  const prefix = host.cgroupVersion === 1 ? 'cgroup' : 'cgroup2';
  return cgroupLimits(config, host).map(([file, value]) => [`${prefix}.${file}`, value]);
}

function terminals(config: LxcConfig): Line[] {
  return [
    ['tty.max', config.tty ?? 2],
    ['pty.max', 1024],
    ...(config.console === false ? ([['console.path', 'none']] as const) : []),
  ];
}

function mounts(config: LxcConfig, host: LxcHost): Line[] {
  const features = featuresOf(config);
  const sys = features.force_rw_sys ? 'sys:rw' : 'sys:mixed';
  const entries: string[] = [
    '/sys/fs/fuse/connections sys/fs/fuse/connections none bind,optional',
    // systemd mounts it when it is not there, which fails without the rights of the node's root; nor may it read this.
    ...(host.ids.length > 0 ? ['/sys/kernel/debug sys/kernel/debug none bind,optional'] : []),
    ...host.lxcfs.map((path) => `${lxcfsRoot}${path} ${path.slice(1)} none bind,optional`),
    // A nested runtime may mount /proc and /sys only where whole ones are to be seen. Together with AppArmor's
    // allow_nesting LXC mounts them itself.
    ...(features.nesting && !host.apparmor
      ? ['proc dev/.lxc/proc proc create=dir,optional', 'sys dev/.lxc/sys sysfs create=dir,optional']
      : []),
    ...(features.fuse ? ['/dev/fuse dev/fuse none bind,create=file,optional'] : []),
    ...host.mounts.map(({ source, target, options, kind }) => {
      const bind = kind === 'dir' ? 'rbind' : 'bind';
      const all = [bind, ...options, `create=${kind}`].join(',');
      return `${escaped(source)} ${escaped(target.replace(/^\/+/, ''))} none ${all}`;
    }),
  ];
  return [
    ['mount.auto', `cgroup:mixed proc:mixed ${sys}`],
    ...entries.map((one): Line => ['mount.entry', `${one} 0 0`]),
  ];
}

/** fstab(5) writes blanks as octal numbers. */
const escaped = (path: string): string =>
  path.replace(/[\s\\]/g, (char) => `\\${char.charCodeAt(0).toString(8).padStart(3, '0')}`);

function cards(config: LxcConfig, host: LxcHost): Line[] {
  if (host.cards.length === 0) return [['net.0.type', 'empty']];
  return host.cards.flatMap(({ index, device, mtu }): Line[] => {
    const key = `net${index}` as 'net0';
    const card = fieldsOfKey(lxcNetFields, key, config[key] ?? '');
    return [
      [`net.${index}.type`, 'phys'],
      [`net.${index}.link`, device],
      [`net.${index}.name`, card.name],
      ...(card.hwaddr ? ([[`net.${index}.hwaddr`, card.hwaddr]] as const) : []),
      [`net.${index}.mtu`, mtu],
      ...(card['host-managed'] ? addresses(index, card) : []),
      ...(card.link_down ? [] : ([[`net.${index}.flags`, 'up']] as const)),
    ];
  });
}

/** Addresses that the node gives the card, since nothing in the container does. */
function addresses(index: number, { ip, gw, ip6, gw6 }: LxcNet): Line[] {
  const given = (text: string | undefined): text is string => text?.includes('/') === true;
  return [
    ...(given(ip) ? ([[`net.${index}.ipv4.address`, ip]] as const) : []),
    ...(given(ip) && gw ? ([[`net.${index}.ipv4.gateway`, gw]] as const) : []),
    ...(given(ip6) ? ([[`net.${index}.ipv6.address`, ip6]] as const) : []),
    ...(given(ip6) && gw6 ? ([[`net.${index}.ipv6.gateway`, gw6]] as const) : []),
  ];
}

/** A line break in a value would be a line of its own. */
function oneLine(key: string, value: string): string {
  if (!/[\n\r\0]/.test(value)) return value;
  throw new RyokanError('parameter', `${key}: a line break is not possible here`, { context: { key } });
}

/** `lxc.key: value` of the document as LXC wants it. */
function rawLines(text: string | undefined): string {
  // The map stands above already.
  const lines = (text ?? '').split('\n').filter((line) => line !== '' && !/^lxc\.idmap\b/i.test(line));
  return lines.map((line) => `${line.replace(/^(lxc\.[a-z0-9_.-]+)\s*[:=]\s*/i, '$1 = ')}\n`).join('');
}
