import { Alert } from '@patternfly/react-core';
import { Facts } from '../../../components/facts.tsx';
import { type Translate, useT } from '../../../i18n/index.ts';
import { useFormat } from '../../../util/use-format.ts';
import { Obstacles, SameElsewhere, StartField } from '../confirm-parts.tsx';
import { containerModel, useContainer } from './container-model.ts';
import {
  type CardDraft,
  type ContainerDraft,
  commandOf,
  createParams,
  hasLogin,
  isApplication,
  keyLines,
  type MountDraft,
} from './draft.ts';

/** What will be made, in words and as the equivalent call. */
export function ConfirmStep() {
  const t = useT();
  const format = useFormat();
  const wizard = useContainer();
  const { draft } = wizard;
  const id = (value: string) => (
    <span key={value} className="ry-id">
      {value}
    </span>
  );
  const mib = (value: string) => format.bytes(Number(value) * 1024 ** 2);
  const { rootfs } = draft;
  return (
    <>
      <Facts
        rows={[
          [t('column.node'), draft.node],
          [t('wizard.vmid'), id(draft.vmid)],
          [t('container.hostname'), draft.hostname || undefined],
          [t('wizard.pool'), draft.pool || undefined],
          [t('newct.template'), id(draft.template)],
          [t('newct.isolation'), isolationText(draft, t)],
          [t('newct.login'), loginText(draft, t)],
          [
            t('container.rootfs'),
            t('wizard.newDisk', { size: `${rootfs.size} GiB`, storage: rootfs.storage }),
          ],
          ...draft.mounts.map((mount, index) => [`mp${index}`, mountWords(mount, t)] as const),
          [
            t('column.cpu'),
            draft.cores ? t('cpu.coreCount', { count: Number(draft.cores) }) : t('container.allCores'),
          ],
          [t('column.memory'), t('newct.memoryText', { memory: mib(draft.memory), swap: mib(draft.swap) })],
          ...draft.nics.map((nic, index) => [`net${index}`, cardWords(nic, t)] as const),
          ['DNS', [draft.nameserver, draft.searchdomain].filter(Boolean).join(', ') || t('container.ofNode')],
        ]}
      />
      {isApplication(draft.template) && hasLogin(draft) ? (
        <Alert isInline variant="info" title={t('newct.loginMaybe')}>
          {t('newct.loginMaybeHelp')}
        </Alert>
      ) : null}
      <StartField wizard={wizard} />
      <Obstacles model={containerModel} />
      <SameElsewhere method={containerModel.method} params={createParams(draft)} command={commandOf(draft)} />
    </>
  );
}

function isolationText({ unprivileged, nesting }: ContainerDraft, t: Translate): string {
  const kind = t(unprivileged ? 'newct.isUnprivileged' : 'newct.isPrivileged');
  return nesting ? `${kind}, ${t('newct.withNesting')}` : kind;
}

/** Says what there is for root to log in with, never the password itself. */
function loginText({ password, sshKeys }: ContainerDraft, t: Translate): string {
  const keys = keyLines(sshKeys).length;
  const ways = [
    ...(password ? [t('newct.hasPassword')] : []),
    ...(keys > 0 ? [t('newct.hasKeys', { count: keys })] : []),
  ];
  return ways.join(', ') || t('newct.hasNoLogin');
}

function mountWords(mount: MountDraft, t: Translate): string {
  const from =
    mount.source === 'directory'
      ? mount.directory
      : t('wizard.newDisk', { size: `${mount.size} GiB`, storage: mount.storage });
  return `${mount.path}: ${from}`;
}

function cardWords(nic: CardDraft, t: Translate): string {
  const ip4 = { none: '', dhcp: 'DHCP', static: nic.ip }[nic.ipMode];
  const ip6 = { none: '', auto: t('container.slaac'), dhcp: 'DHCPv6', static: nic.ip6 }[nic.ip6Mode];
  return [nic.name, nic.bridge, ip4, ip6].filter(Boolean).join(', ');
}
