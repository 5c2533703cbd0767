/** Chooses what a mapping stands for on one node. */
import { hardwarePci, hardwareUsb } from '@ryokan/api/methods/node-hardware.ts';
import { useState } from 'react';
import { useCall } from '../../../api/query.ts';
import { CheckField, TextField } from '../../../forms/fields.tsx';
import { useT } from '../../../i18n/index.ts';
import { HostChoice } from '../../guest/dialogs/host-choice.tsx';
import { hubClass } from '../../guest/dialogs/usb-dialog.tsx';
import { dirEntry, type MappingKind, pciEntry, usbEntry, usbPort } from './mapping-kinds.ts';

interface Props {
  readonly node: string;
  /** Entries that the mapping has already. */
  readonly taken: readonly string[];
  /** The entry as a property string; empty while nothing is chosen. */
  readonly onChange: (entry: string) => void;
}

export function EntryField({ kind, ...props }: Props & { kind: MappingKind }) {
  if (kind === 'pci') return <PciField {...props} />;
  return kind === 'usb' ? <UsbField {...props} /> : <DirectoryField {...props} />;
}

const words = (...parts: (string | undefined)[]) => parts.filter(Boolean).join(' ');

function PciField({ node, taken, onChange }: Props) {
  const t = useT();
  const [chosen, setChosen] = useState('');
  const answer = useCall(hardwarePci, { node });
  const free = answer.data?.filter((one) => !taken.includes(pciEntry(node, one)));
  const device = answer.data?.find((one) => one.id === chosen);
  return (
    <>
      <HostChoice
        id="mapping-pci"
        label={t('hardware.pci')}
        none={t('pci.none')}
        answer={{ ...answer, data: free }}
        choice={(one) => ({ value: one.id, label: words(one.id, one.vendor_name, one.device_name) })}
        value={chosen}
        onChange={(next) => {
          setChosen(next);
          const one = free?.find(({ id }) => id === next);
          onChange(one ? pciEntry(node, one) : '');
        }}
      />
      {device?.iommugroup === -1 ? <p className="ry-pending-note">{t('pci.noIommu')}</p> : null}
    </>
  );
}

function UsbField({ node, taken, onChange }: Props) {
  const t = useT();
  const [chosen, setChosen] = useState('');
  const [port, setPort] = useState(false);
  const answer = useCall(hardwareUsb, { node });
  const real = answer.data?.filter((one) => one.class !== hubClass);
  const pick = (place: string, onlyThere: boolean) => {
    setChosen(place);
    setPort(onlyThere);
    const one = real?.find((device) => usbPort(device) === place);
    const entry = one ? usbEntry(node, one, onlyThere) : '';
    onChange(taken.includes(entry) ? '' : entry);
  };
  return (
    <>
      <HostChoice
        id="mapping-usb"
        label={t('hardware.usb')}
        none={t('usb.none')}
        answer={{ ...answer, data: real }}
        choice={(one) => ({
          value: usbPort(one),
          label: words(`${one.vendid}:${one.prodid}`, one.manufacturer, one.product),
        })}
        value={chosen}
        onChange={(next) => pick(next, port)}
      />
      <CheckField
        id="mapping-port"
        label={t('mappings.port')}
        help={t('mappings.portHelp')}
        value={port}
        onChange={(next) => pick(chosen, next)}
      />
    </>
  );
}

function DirectoryField({ node, taken, onChange }: Props) {
  const t = useT();
  const [path, setPath] = useState('');
  const text = path.trim();
  const wrong = text !== '' && !text.startsWith('/');
  return (
    <TextField
      id="mapping-path"
      label={t('mappings.path', { node })}
      placeholder="/srv/data"
      problem={wrong ? t('problem.pathNotAbsolute') : undefined}
      mono
      value={path}
      onChange={(next) => {
        setPath(next);
        const entry = next.trim().startsWith('/') ? dirEntry(node, next.trim()) : '';
        onChange(taken.includes(entry) ? '' : entry);
      }}
    />
  );
}
