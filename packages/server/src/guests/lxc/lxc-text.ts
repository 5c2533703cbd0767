/**
 * LXC's own configuration of a container: configuration and what the node has prepared to text, and nothing else, so
 * that golden tests show it. Keys: lxc.container.conf(5).
 */
import { RyokanError } from '@ryokan/api/errors.ts';
import { featureFields, type LxcConfig, lxcNetFields } from '@ryokan/api/schema/lxc-config.ts';
import { defaultHostname, fieldsOfKey } from './config.ts';
import { type LxcHost, lxcfsRoot, stage } from './host-input.ts';

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
    ...identity(host),
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
function identity(host: LxcHost): Line[] {
  const unprivileged = host.ids.length > 0;
  const cgroup = host.cgroupVersion === 1 ? 'cgroup.devices' : 'cgroup2.devices';
  return [
    ...host.ids.flatMap(({ container, host: first, count }): Line[] => [
      ['idmap', `u ${container} ${first} ${count}`],
      ['idmap', `g ${container} ${first} ${count}`],
    ]),
    ['seccomp.profile', host.seccomp],
    ...(host.apparmor ? ([['apparmor.profile', 'generated']] as const) : []),
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

const mib = 1024 ** 2;
const period = 100_000;

function limits(config: LxcConfig, host: LxcHost): Line[] {
  const memory = (config.memory ?? 512) * mib;
  const swap = (config.swap ?? 512) * mib;
  const quota = config.cpulimit ? Math.round(config.cpulimit * period) : undefined;
  const cpus: Line[] =
    host.cpus === undefined
      ? []
      : [[host.cgroupVersion === 1 ? 'cgroup.cpuset.cpus' : 'cgroup2.cpuset.cpus', host.cpus]];
  if (host.cgroupVersion === 1) {
    return [
      ['cgroup.memory.limit_in_bytes', memory],
      ...(host.countsSwap ? ([['cgroup.memory.memsw.limit_in_bytes', memory + swap]] as const) : []),
      ...(quota === undefined ? [] : ([['cgroup.cpu.cfs_quota_us', quota]] as const)),
      ['cgroup.cpu.shares', config.cpuunits ?? 1024],
      ...cpus,
    ];
  }
  return [
    ['cgroup2.memory.max', memory],
    ...(host.countsSwap ? ([['cgroup2.memory.swap.max', swap]] as const) : []),
    ...(quota === undefined ? [] : ([['cgroup2.cpu.max', `${quota} ${period}`]] as const)),
    ['cgroup2.cpu.weight', config.cpuunits ?? 100],
    ...cpus,
  ];
}

function terminals(config: LxcConfig): Line[] {
  return [
    ['tty.max', config.tty ?? 2],
    ['pty.max', 1024],
    ...(config.console === false ? ([['console.path', 'none']] as const) : []),
  ];
}

function mounts(config: LxcConfig, host: LxcHost): Line[] {
  const features =
    config.features === undefined ? {} : fieldsOfKey(featureFields, 'features', config.features);
  const sys = features.force_rw_sys ? 'sys:rw' : 'sys:mixed';
  const entries: string[] = [
    '/sys/fs/fuse/connections sys/fs/fuse/connections none bind,optional',
    ...host.lxcfs.map((path) => `${lxcfsRoot}${path} ${path.slice(1)} none bind,optional`),
    // A nested runtime may mount /proc and /sys only where whole ones are to be seen.
    ...(features.nesting
      ? ['proc dev/.lxc/proc proc create=dir,optional', 'sys dev/.lxc/sys sysfs create=dir,optional']
      : []),
    ...(features.fuse ? ['/dev/fuse dev/fuse none bind,create=file,optional'] : []),
    ...host.mounts.map(({ source, target, options, kind }) => {
      const all = ['bind', ...options, `create=${kind}`].join(',');
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
  return host.cards.flatMap(({ index, device }): Line[] => {
    const key = `net${index}` as 'net0';
    const card = fieldsOfKey(lxcNetFields, key, config[key] ?? '');
    const mtu = host.mtus[index];
    return [
      [`net.${index}.type`, 'phys'],
      [`net.${index}.link`, device],
      [`net.${index}.name`, card.name],
      ...(card.hwaddr ? ([[`net.${index}.hwaddr`, card.hwaddr]] as const) : []),
      ...(mtu === undefined ? [] : ([[`net.${index}.mtu`, mtu]] as const)),
      ...(card.link_down ? [] : ([[`net.${index}.flags`, 'up']] as const)),
    ];
  });
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
