/** Logins on the container's terminals, for the console of the product. */
import type { SetupFiles } from './setup-files.ts';
import type { Step } from './step.ts';

/** Terminals that a container can have, option `tty`. */
const mostTerminals = 6;

export const consoleLogins: Step = ({ files, config, ostype }) => {
  // NixOS builds its units itself.
  if (ostype === 'nixos') return;
  const count = Math.min(config.tty ?? 2, mostTerminals);
  if (unitFolder(files) !== undefined) systemdLogins(files, unitFolder(files) ?? '', count);
  if (files.has('/etc/inittab'))
    files.edit('/etc/inittab', (text) => inittabText(text, count, config.console ?? true));
};

const unitFolder = (files: SetupFiles): string | undefined =>
  ['/usr/lib/systemd/system', '/lib/systemd/system'].find((path) =>
    files.has(`${path}/container-getty@.service`),
  );

const unitOverride = `# Terminals of a container: LXC gives it /dev/tty1 and so on.
[Unit]
ConditionPathExists=
ConditionPathExists=/dev/tty%I

[Service]
ExecStart=
ExecStart=-/sbin/agetty --noclear --keep-baud tty%I 115200,38400,9600 $TERM
TTYPath=/dev/tty%I
UtmpIdentifier=tty%I
`;

/**
 * systemd starts a login on /dev/console by itself, systemd-getty-generator(8). For the others there is its unit
 * container-getty@, which is made for terminals of another kind and so is told to take ours.
 */
function systemdLogins(files: SetupFiles, folder: string, count: number): void {
  files.write('/etc/systemd/system/container-getty@.service.d/terminals.conf', unitOverride);
  for (let number = 1; number <= mostTerminals; number++) {
    const wants = `/etc/systemd/system/getty.target.wants/container-getty@${number}.service`;
    if (number <= count) files.tree.link(wants, `${folder}/container-getty@.service`);
    else files.tree.remove(wants);
  }
}

const off = '#no-terminal# ';

/** inittab(5) of sysvinit and busybox: a login on a terminal that is not there fails and begins again for ever. */
export function inittabText(text: string, count: number, console: boolean): string {
  const lines = text.split(/(?<=\n)/).map((line) => {
    const bare = line.startsWith(off) ? line.slice(off.length) : line;
    const number = /^[^#].*respawn:.*getty\b.*\btty(\d+)\b/.exec(bare)?.[1];
    if (number === undefined) return line;
    return Number(number) <= count ? bare : off + bare;
  });
  const busybox = lines.some((line) => /^::sysinit:/.test(line));
  if (console && busybox && !lines.some((line) => /^console::respawn:/.test(line))) {
    lines.push('console::respawn:/sbin/getty 38400 console\n');
  }
  return lines.join('');
}
