import { Facts } from '../../components/facts.tsx';
import { useT } from '../../i18n/index.ts';
import { processorText } from '../../pages/guest/device-text.tsx';
import { useFormat } from '../../util/use-format.ts';
import { Obstacles, SameElsewhere, StartField } from './confirm-parts.tsx';
import { commandOf, createParams, diskKeys } from './draft.ts';
import { useWizard, vmModel } from './vm-model.ts';

/** What will be made, in words and as the equivalent command. */
export function ConfirmStep() {
  const t = useT();
  const format = useFormat();
  const wizard = useWizard();
  const { draft } = wizard;
  const keys = diskKeys(draft.disks, draft.media === 'iso' && draft.iso !== '');
  return (
    <>
      <Facts
        rows={[
          [t('column.node'), draft.node],
          [
            t('wizard.vmid'),
            <span key="v" className="ry-id">
              {draft.vmid}
            </span>,
          ],
          [t('column.name'), draft.name || undefined],
          [
            t('wizard.iso'),
            draft.media === 'iso' && draft.iso ? (
              <span key="i" className="ry-id">
                {draft.iso}
              </span>
            ) : (
              t('wizard.mediaNone')
            ),
          ],
          [
            t('hardware.machine'),
            `${draft.machine === 'pc' ? 'i440fx' : 'q35'}, ${draft.bios === 'ovmf' ? 'OVMF (UEFI)' : 'SeaBIOS'}`,
          ],
          [
            t('hardware.processors'),
            processorText(
              { sockets: Number(draft.sockets), cores: Number(draft.cores), model: draft.cpu },
              t,
            ),
          ],
          [t('column.memory'), format.bytes(Number(draft.memory) * 1024 ** 2)],
          ...draft.disks.map(
            (disk, index) =>
              [
                keys[index] as string,
                t('wizard.newDisk', { size: `${disk.size} GiB`, storage: disk.storage }),
              ] as const,
          ),
          ...draft.nics.map(
            (nic, index) => [`net${index}`, `${nic.model}, ${nic.bridge || t('hardware.userNet')}`] as const,
          ),
        ]}
      />
      <StartField wizard={wizard} />
      <Obstacles model={vmModel} />
      <SameElsewhere method={vmModel.method} params={createParams(draft)} command={commandOf(draft)} />
    </>
  );
}
