import { Alert, AlertGroup } from '@patternfly/react-core';
import type { ImportMetadata } from '@ryokan/api/import-plan.ts';
import { Facts, Panel } from '../../components/facts.tsx';
import { type Translate, translateIfKnown, useT } from '../../i18n/index.ts';
import { useFormat } from '../../util/use-format.ts';
import { osTypes } from '../guest/option-list.ts';

/** What was read in the file, and what of it cannot be kept. */
export function Recognised({ metadata }: { metadata: ImportMetadata }) {
  const t = useT();
  const format = useFormat();
  const args = metadata['create-args'] as Readonly<Record<string, string | number | undefined>>;
  const disks = Object.values(metadata.disks).filter((disk) => disk !== 1);
  const size = disks.reduce((sum, disk) => sum + (disk.size ?? 0), 0);
  const devices = Object.entries(args)
    .filter(([key, value]) => /^(serial|audio)\d|^tpm/.test(key) || String(value).endsWith('media=cdrom'))
    .map(([key]) => key);
  return (
    <Panel title={t('import.recognised')}>
      <Facts
        rows={[
          [t('column.name'), args.name],
          [t('import.os'), osTypes.find((one) => one.value === args.ostype)?.label ?? args.ostype],
          [t('hardware.processors'), args.cores === undefined ? undefined : processors(args)],
          [
            t('column.memory'),
            args.memory === undefined ? undefined : format.bytes(Number(args.memory) * 1024 ** 2),
          ],
          [t('import.firmware'), args.bios === 'ovmf' ? firmware(metadata, t) : 'SeaBIOS (BIOS)'],
          [t('import.controller'), args.scsihw],
          [t('import.disks'), t('import.diskCount', { count: disks.length, size: format.bytes(size) })],
          [t('import.cards'), t('import.cardCount', { count: Object.keys(metadata.net).length })],
          devices.length > 0 ? [t('import.devices'), devices.join(', ')] : undefined,
        ]}
      />
      {metadata.warnings.length > 0 ? (
        <>
          <h3 className="ry-small-heading">{t('import.notKept')}</h3>
          <AlertGroup>
            {metadata.warnings.map((warning) => (
              <Alert
                key={`${warning.type} ${warning.key} ${warning.value}`}
                isInline
                isPlain
                variant={harmless.has(warning.type) ? 'info' : 'warning'}
                title={warningText(warning)}
              />
            ))}
          </AlertGroup>
        </>
      ) : (
        <Alert isInline isPlain variant="success" title={t('import.allKept')} />
      )}
    </Panel>
  );
}

/** What only has to be known. */
const harmless = new Set(['serial-port-socket-only', 'manifest-missing', 'cdrom-image-ignored']);

function processors(args: Readonly<Record<string, string | number | undefined>>): string {
  return `${Number(args.sockets ?? 1) * Number(args.cores)} (${args.sockets ?? 1} × ${args.cores})`;
}

function firmware(metadata: ImportMetadata, t: Translate): string {
  return metadata['secure-boot'] ? `OVMF (UEFI), ${t('import.secureBoot')}` : 'OVMF (UEFI)';
}

/** Texts by the type of a warning. */
const warningTexts: Readonly<Record<string, string>> = {
  'cdrom-image-ignored': 'import.warning.cdrom-image-ignored',
  'device-not-imported': 'import.warning.device-not-imported',
  'device-replaced': 'import.warning.device-replaced',
  'disk-missing': 'import.warning.disk-missing',
  'disk-unsupported': 'import.warning.disk-unsupported',
  'efi-state-lost': 'import.warning.efi-state-lost',
  'manifest-missing': 'import.warning.manifest-missing',
  'more-machines': 'import.warning.more-machines',
  'no-disks': 'import.warning.no-disks',
  'nvme-unsupported': 'import.warning.nvme-unsupported',
  'os-unknown': 'import.warning.os-unknown',
  'ovmf-with-lsi-unsupported': 'import.warning.ovmf-with-lsi-unsupported',
  'serial-port-socket-only': 'import.warning.serial-port-socket-only',
  'tpm-state-lost': 'import.warning.tpm-state-lost',
  'value-not-recognised': 'import.warning.value-not-recognised',
};

/** The warning in words; one that is newer than this page by its name. */
function warningText({ type, key = '', value = '' }: ImportMetadata['warnings'][number]): string {
  return translateIfKnown(warningTexts[type] ?? type, { key, value }) ?? `${type} ${key} ${value}`;
}
