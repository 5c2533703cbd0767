/** Small trees of the systems that the product sets up: the files by which it knows them, and those that it changes. */

/** Text by path; `-> target` is a link, a path with `/` at its end a folder. */
export type Tree = Readonly<Record<string, string>>;

const systemdUnits: Tree = {
  '/usr/lib/systemd/system/container-getty@.service': '[Unit]\nDescription=Container Getty on /dev/pts/%I\n',
  '/usr/lib/systemd/system/systemd-networkd.service': '[Unit]\n',
  '/usr/lib/systemd/systemd-networkd': '',
  '/etc/machine-id': '0123456789abcdef0123456789abcdef\n',
};
const zones: Tree = {
  '/usr/share/zoneinfo/Asia/Tokyo': 'TZif2',
  '/etc/localtime': '-> /usr/share/zoneinfo/UTC',
};
const accounts: Tree = {
  '/etc/shadow': 'root:*:19000:0:99999:7:::\nbin:*:19000:0:99999:7:::\n',
  '/etc/hosts': '127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost\n',
};

export const systems: Readonly<Record<string, Tree>> = {
  debian: {
    ...{ ...systemdUnits, ...zones, ...accounts },
    '/usr/lib/os-release': 'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nID=debian\nVERSION_ID="12"\n',
    '/etc/os-release': '-> ../usr/lib/os-release',
    '/etc/timezone': 'Etc/UTC\n',
    '/etc/hostname': 'template\n',
    '/usr/sbin/ifup': '',
    '/etc/network/interfaces':
      'source /etc/network/interfaces.d/*\n\n# The loopback network interface\nauto lo\niface lo inet loopback\n\n' +
      'allow-hotplug eth0\niface eth0 inet dhcp\n# from the template\n\tpost-up /usr/local/sbin/mine\n\nauto br0\niface br0 inet manual\n',
    '/etc/resolv.conf': 'nameserver 203.0.113.1\noptions edns0\n',
  },
  ubuntu: {
    ...{ ...systemdUnits, ...zones, ...accounts },
    '/etc/os-release': 'NAME="Ubuntu"\nID=ubuntu\nID_LIKE=debian\nVERSION_ID="24.04"\n',
    '/etc/netplan/10-lxc.yaml': 'network:\n  version: 2\n  ethernets:\n    eth0: {dhcp4: true}\n',
    '/etc/resolv.conf': '-> ../run/systemd/resolve/stub-resolv.conf',
  },
  devuan: {
    ...{ ...zones, ...accounts },
    '/etc/os-release': 'ID=devuan\nID_LIKE=debian\nVERSION_ID="5"\n',
    '/sbin/ifup': '',
    '/etc/network/interfaces': 'auto lo\niface lo inet loopback\n',
    '/etc/inittab':
      'id:2:initdefault:\n1:2345:respawn:/sbin/getty --noclear 38400 tty1\n2:23:respawn:/sbin/getty 38400 tty2\n' +
      '3:23:respawn:/sbin/getty 38400 tty3\n#T0:23:respawn:/sbin/getty -L ttyS0 9600 vt100\n',
  },
  alpine: {
    ...accounts,
    '/etc/os-release': 'NAME="Alpine Linux"\nID=alpine\nVERSION_ID=3.20.3\n',
    '/etc/alpine-release': '3.20.3\n',
    '/etc/hostname': 'localhost\n',
    '/etc/init.d/networking': '',
    '/etc/inittab':
      '::sysinit:/sbin/openrc sysinit\ntty1::respawn:/sbin/getty 38400 tty1\ntty2::respawn:/sbin/getty 38400 tty2\n' +
      'tty3::respawn:/sbin/getty 38400 tty3\n#ttyS0::respawn:/sbin/getty -L 115200 ttyS0 vt100\n',
  },
  fedora: {
    ...{ ...systemdUnits, ...zones, ...accounts },
    '/etc/os-release': 'NAME="Fedora Linux"\nID=fedora\nVERSION_ID=42\n',
    '/usr/bin/NetworkManager': '',
  },
  centos: {
    ...{ ...systemdUnits, ...zones, ...accounts },
    '/etc/os-release': 'NAME="AlmaLinux"\nID="almalinux"\nID_LIKE="rhel centos fedora"\nVERSION_ID="10.0"\n',
    '/usr/sbin/NetworkManager': '',
  },
  'centos-7': {
    ...{ ...zones, ...accounts },
    '/etc/os-release': 'ID="centos"\nID_LIKE="rhel fedora"\nVERSION_ID="7"\n',
    '/etc/sysconfig/network-scripts/ifup': '',
    '/etc/sysconfig/network-scripts/ifcfg-eth0': 'DEVICE=eth0\nBOOTPROTO=dhcp\n',
    '/etc/sysconfig/network': '# Created by anaconda\n',
  },
  archlinux: {
    ...{ ...systemdUnits, ...zones, ...accounts },
    '/etc/os-release': 'NAME="Arch Linux"\nID=arch\nBUILD_ID=rolling\n',
  },
  opensuse: {
    ...{ ...systemdUnits, ...zones, ...accounts },
    '/etc/os-release':
      'NAME="openSUSE Leap"\nID="opensuse-leap"\nID_LIKE="suse opensuse"\nVERSION_ID="15.6"\n',
    '/usr/sbin/wicked': '',
    '/etc/sysconfig/network/': '',
  },
  nixos: {
    ...accounts,
    '/etc/os-release': '-> static/os-release',
    '/etc/static': '-> /nix/store/abc-etc/etc',
    '/nix/store/abc-etc/etc/os-release': 'NAME=NixOS\nID=nixos\nVERSION_ID="25.05"\n',
  },
  'nixos-own-network': {
    ...accounts,
    '/etc/NIXOS': '',
    '/etc/systemd/network': '-> /nix/store/abc-etc/etc/systemd/network',
    '/nix/store/abc-etc/etc/systemd/network/': '',
  },
  gentoo: {
    ...{ ...zones, ...accounts },
    '/etc/os-release': 'NAME=Gentoo\nID=gentoo\n',
    '/etc/init.d/net.lo': '',
    '/etc/conf.d/net': 'modules="!wpa"\n',
  },
  unmanaged: { ...accounts, '/etc/os-release': 'ID=somethingelse\n', '/etc/hostname': 'mine\n' },
};
