import { useT } from '../../i18n/index.ts';
import { CheckField, SelectField } from '../fields.tsx';
import { scsiControllers } from '../scsi-controllers.ts';
import type { Draft } from './draft.ts';
import { StorageField } from './storage-field.tsx';
import { useWizard } from './vm-model.ts';
import { problemText } from './wizard-state.ts';

export function SystemStep() {
  const t = useT();
  const { draft, change, problems } = useWizard();
  return (
    <>
      <SelectField
        id="machine"
        label={t('hardware.machine')}
        value={draft.machine}
        onChange={(machine) => change({ machine: machine as Draft['machine'] })}
        choices={[
          { value: 'q35', label: 'q35' },
          { value: 'pc', label: 'i440fx' },
        ]}
      />
      <SelectField
        id="bios"
        label={t('hardware.bios')}
        value={draft.bios}
        onChange={(bios) => change({ bios: bios as Draft['bios'] })}
        choices={[
          { value: 'seabios', label: 'SeaBIOS' },
          { value: 'ovmf', label: 'OVMF (UEFI)' },
        ]}
      />
      {draft.bios === 'ovmf' ? (
        <>
          <StorageField
            id="efi-storage"
            label={t('wizard.efiStorage')}
            help={t('wizard.efiHelp')}
            node={draft.node}
            value={draft.efiStorage}
            onChange={(efiStorage) => change({ efiStorage })}
            problem={problemText(problems, 'efidisk0', t)}
          />
          <CheckField
            id="efi-keys"
            label={t('wizard.efiKeys')}
            help={t('wizard.efiKeysHelp')}
            value={draft.efiKeys}
            onChange={(efiKeys) => change({ efiKeys })}
          />
        </>
      ) : null}
      <SelectField
        id="scsihw"
        label={t('hardware.scsihw')}
        value={draft.scsihw}
        onChange={(scsihw) => change({ scsihw: scsihw as Draft['scsihw'] })}
        choices={scsiControllers}
      />
      <SelectField
        id="vga"
        label={t('hardware.display')}
        value={draft.vga}
        onChange={(vga) => change({ vga: vga as Draft['vga'] })}
        choices={[
          { value: 'std', label: t('wizard.vgaStd') },
          { value: 'virtio', label: 'VirtIO-GPU' },
          { value: 'qxl', label: 'QXL' },
          { value: 'serial0', label: t('wizard.vgaSerial') },
          { value: 'none', label: t('wizard.vgaNone') },
        ]}
      />
      <CheckField
        id="serial"
        label={t('wizard.serial')}
        help={t('wizard.serialHelp')}
        value={draft.serial || draft.vga === 'serial0'}
        disabled={draft.vga === 'serial0'}
        onChange={(serial) => change({ serial })}
      />
      <CheckField
        id="agent"
        label={t('options.agent')}
        help={t('wizard.agentHelp')}
        value={draft.agent}
        onChange={(agent) => change({ agent })}
      />
    </>
  );
}
