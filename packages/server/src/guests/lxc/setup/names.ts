/** Host name, name servers and time zone, which most systems keep in the same places. */
import { realpathSync } from 'node:fs';
import { splitList } from '@ryokan/api/schema/formats.ts';
import { readTextIfPresent } from '../../../host/files.ts';
import { nodeNameService } from '../../../host/name-service.ts';
import { aroundSection } from './marked-section.ts';
import type { ContainerSetup } from './setup.ts';
import type { Step } from './step.ts';

/** The first label of the host name, which the kernel and hostname(5) have. */
export const shortName = ({ hostname }: ContainerSetup): string => hostname.split('.')[0] || 'localhost';

function fullName(config: ContainerSetup): string | undefined {
  if (config.hostname.includes('.')) return config.hostname;
  const [domain] = splitList(config.searchdomain ?? '');
  return domain && `${config.hostname}.${domain}`;
}

/** /etc/hostname, hostname(5). */
export const hostnameFile: Step = ({ files, config }) =>
  files.write('/etc/hostname', `${shortName(config)}\n`);

/** /etc/hosts, hosts(5): the container finds itself by its name, under its fixed address if it has one. */
export const hostsFile: Step = ({ files, config }) => {
  const names = [fullName(config), shortName(config)].filter((one) => one !== undefined).join(' ');
  const [address = '127.0.1.1'] = config.nets
    .flatMap(({ ip, ip6 }) => [ip, ip6])
    .filter((one) => one?.includes('/'))
    .map((one) => one?.split('/')[0]);
  // What many programs take for granted; a file that is there already has it, or shall not.
  const start = '127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n';
  if (!files.has('/etc/hosts')) files.write('/etc/hosts', start);
  files.setSection('/etc/hosts', `${address} ${names}\n`, 'bottom');
};

/** /etc/resolv.conf, resolv.conf(5): the container's own settings, else those of the node. */
export const resolvConf: Step = ({ files, config }) => {
  const own = config.nameserver !== undefined || config.searchdomain !== undefined;
  const node = nodeNameService();
  const servers = config.nameserver === undefined ? node.servers : splitList(config.nameserver);
  const search = config.searchdomain === undefined ? node.search : splitList(config.searchdomain);
  const content = [
    ...(search.length > 0 ? [`search ${search.join(' ')}\n`] : []),
    ...servers.map((server) => `nameserver ${server}\n`),
  ].join('');
  const path = '/etc/resolv.conf';
  if (files.tree.kind(path, false) === 'link') {
    // A link into /run belongs to a resolver in the container, which asks what DHCP gave it, unless we are told more.
    if (own && !files.isIgnored(path))
      files.tree.write(path, files.tree.read(path) ?? '', { replaceLink: true });
    if (!own) return;
  }
  files.edit(path, withoutSettings);
  files.setSection(path, content, 'top');
};

/** The template's own servers go: resolv.conf(5) asks in order, and the first three only. */
const withoutSettings = (text: string): string =>
  aroundSection(text, (part) => part.replace(/^[ \t]*(nameserver|search|domain)\b.*\n?/gm, ''));

const zones = '/usr/share/zoneinfo';

/** /etc/localtime, localtime(5), and Debian's /etc/timezone where there is one. */
export const timezone: Step = ({ files, config, log }) => {
  if (config.timezone === undefined) return;
  const zone = config.timezone === 'host' ? hostZone() : config.timezone;
  if (zone === undefined) return;
  if (!files.has(`${zones}/${zone}`)) {
    log(`the container has no time zone '${zone}' (its package tzdata is missing?): it keeps its own`);
    return;
  }
  if (!files.isIgnored('/etc/localtime')) files.tree.link('/etc/localtime', `${zones}/${zone}`);
  if (files.has('/etc/timezone')) files.write('/etc/timezone', `${zone}\n`);
};

function hostZone(): string | undefined {
  const named = readTextIfPresent('/etc/timezone')?.trim();
  if (named) return named;
  try {
    return /\/zoneinfo\/(?:posix\/|right\/)?(.+)$/.exec(realpathSync('/etc/localtime'))?.[1];
  } catch {
    return 'UTC';
  }
}
