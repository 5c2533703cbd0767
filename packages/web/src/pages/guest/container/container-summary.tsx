import { Label } from '@patternfly/react-core';
import { lxcInterfaces, lxcStatusCurrent } from '@ryokan/api/methods/lxc.ts';
import { featureFields } from '@ryokan/api/schema/lxc-config.ts';
import { readPropertyString } from '@ryokan/api/schema/property-string.ts';
import { useGuestConfig } from '../../../api/hooks.ts';
import { useCall } from '../../../api/query.ts';
import { StateText } from '../../../components/object-icon.tsx';
import { useT } from '../../../i18n/index.ts';
import { useFormat } from '../../../util/use-format.ts';
import type { GuestTabProps } from '../guest-page.tsx';
import { AddressList, GuestSummary, UseMeter } from '../summary.tsx';
import { addressesOf, distributions, featureNames } from './container-model.ts';

export default function ContainerSummary({ guest, state }: GuestTabProps) {
  const t = useT();
  const format = useFormat();
  const { node, vmid } = guest;
  const { data: current } = useCall(lxcStatusCurrent, { node, vmid });
  const { data: config } = useGuestConfig(guest);
  const running = state.status !== 'stopped' && state.status !== 'unknown';
  const measured = { ...guest, ...current };
  return (
    <GuestSummary
      guest={guest}
      state={state}
      current={current}
      facts={[
        [t('column.status'), <StateText key="s" row={guest} />],
        [t('column.uptime'), running && measured.uptime ? format.duration(measured.uptime) : undefined],
        [t('column.node'), node],
        [
          t('summary.ostype'),
          config && (distributions[String(config.ostype)] ?? String(config.ostype ?? '–')),
        ],
        [
          t('container.unprivileged'),
          config && <Privileges key="p" unprivileged={config.unprivileged === 1} />,
        ],
        [
          t('container.features'),
          config?.features ? <Features key="f" text={String(config.features)} /> : undefined,
        ],
        [t('summary.addresses'), running ? <Addresses key="a" guest={guest} /> : undefined],
      ]}
      meters={
        <>
          <UseMeter label={t('container.swap')} used={running ? measured.swap : 0} total={current?.maxswap} />
          <UseMeter
            label={t('container.rootfs')}
            used={running ? current?.disk : 0}
            total={measured.maxdisk}
          />
        </>
      }
    />
  );
}

/** Whether root inside is root of the node too. */
function Privileges({ unprivileged }: { unprivileged: boolean }) {
  const t = useT();
  return unprivileged ? (
    t('word.yes')
  ) : (
    <>
      {t('word.no')} <span className="ry-subtle">({t('container.privilegedHelp')})</span>
    </>
  );
}

function Features({ text }: { text: string }) {
  const names = featureNames(readPropertyString(featureFields, text).value ?? {});
  return (
    <span className="ry-inline-list">
      {names.map((name) => (
        <Label key={name} isCompact>
          {name}
        </Label>
      ))}
    </span>
  );
}

function Addresses({ guest }: { guest: GuestTabProps['guest'] }) {
  const { node, vmid } = guest;
  const { data } = useCall(lxcInterfaces, { node, vmid }, { everyMs: 15_000 });
  return <AddressList rows={addressesOf(data ?? [])} />;
}
