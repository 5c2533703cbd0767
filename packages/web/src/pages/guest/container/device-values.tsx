/** Values of a container's devices as its tables show them. */
import { lxcNetFields, mountPointFields, rootfsFields } from '@ryokan/api/schema/lxc-config.ts';
import { readPropertyString } from '@ryokan/api/schema/property-string.ts';
import type { ReactNode } from 'react';
import { useT } from '../../../i18n/index.ts';

/** `size=8G`, `ro=1`. */
const optionTexts = (values: Readonly<Record<string, unknown>>): string[] =>
  Object.entries(values)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name}=${value === true ? 'on' : value === false ? 'off' : String(value)}`);

export function ContainerCpu({ values }: { values: Readonly<Record<string, string>> }) {
  const t = useT();
  const { cores, ...limits } = values;
  const details = optionTexts(limits).filter((one) => one !== 'cpulimit=0');
  return (
    <>
      {cores === undefined ? t('container.allCores') : t('cpu.coreCount', { count: Number(cores) })}
      {details.length > 0 ? <span className="ry-subtle"> {details.join(', ')}</span> : null}
    </>
  );
}

/** A volume or directory: where it stands in the container, what it is, and its options. */
export function MountValue({ id, text }: { id: string; text: string }) {
  const value = readPropertyString(id === 'rootfs' ? rootfsFields : mountPointFields, text).value;
  // A text that the schema does not know is shown as it is written.
  if (!value) return <span className="ry-id">{text}</span>;
  const { volume, size, ...rest } = value;
  const { mp, ...options } = { mp: '/', ...rest };
  const details = [...(size ? [`size=${size}`] : []), ...optionTexts(options)];
  return (
    <>
      <span className="ry-id">{mp}</span>
      <span className="ry-subtle"> ← </span>
      <span className="ry-id">{volume}</span>
      {details.length > 0 ? <span className="ry-subtle"> {details.join(', ')}</span> : null}
    </>
  );
}

/** A network card: its name inside, then what is set of it, each with its word. */
export function CardValue({ text }: { text: string }) {
  const t = useT();
  const net = readPropertyString(lxcNetFields, text).value;
  if (!net) return <span className="ry-id">{text}</span>;
  const facts: readonly (readonly [string, ReactNode])[] = [
    [t('hardware.bridge'), net.bridge],
    ['IPv4', net.ip],
    [t('container.gateway'), net.gw],
    ['IPv6', net.ip6],
    [t('container.gateway'), net.gw6],
    ['MAC', net.hwaddr],
    [t('hardware.vlan'), net.tag],
    [t('net.trunks'), net.trunks],
    [t('hardware.rate'), net.rate === undefined ? undefined : `${net.rate} MB/s`],
    [t('net.mtu'), net.mtu],
  ];
  const flags = [
    ...(net.firewall ? [t('hardware.firewall')] : []),
    ...(net.link_down ? [t('hardware.linkDown')] : []),
    ...(net['host-managed'] ? [t('container.hostManaged')] : []),
  ];
  return (
    <span className="ry-card-facts">
      <span className="ry-id">{net.name}</span>
      {facts.map(([name, value]) =>
        value === undefined ? null : (
          <span key={`${name}${String(value)}`}>
            <span className="ry-subtle">{name}</span> <span className="ry-id">{value}</span>
          </span>
        ),
      )}
      {flags.map((flag) => (
        <span key={flag}>{flag}</span>
      ))}
    </span>
  );
}
