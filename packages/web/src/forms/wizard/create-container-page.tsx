import { useEffect } from 'react';
import { useStorages } from '../../api/volumes.ts';
import { useT } from '../../i18n/index.ts';
import { useFirstBridge } from './bridge-default.ts';
import { containerModel, useContainer } from './container/container-model.ts';
import type { ContainerDraft, ContainerStep } from './container/draft.ts';
import { ConfirmStep } from './container/step-confirm.tsx';
import { DisksStep } from './container/step-disks.tsx';
import { GeneralStep } from './container/step-general.tsx';
import { NetworkStep } from './container/step-network.tsx';
import { CpuStep, DnsStep, MemoryStep } from './container/step-resources.tsx';
import { TemplateStep, useOnlyTemplate } from './container/step-template.tsx';
import { type StepOfWizard, WizardPage } from './wizard-page.tsx';

const steps: readonly StepOfWizard<ContainerStep>[] = [
  { key: 'general', title: 'wizard.general', content: <GeneralStep /> },
  { key: 'template', title: 'newct.template', content: <TemplateStep /> },
  { key: 'disks', title: 'wizard.disks', content: <DisksStep /> },
  { key: 'cpu', title: 'wizard.cpu', content: <CpuStep /> },
  { key: 'memory', title: 'wizard.memory', content: <MemoryStep /> },
  { key: 'network', title: 'wizard.network', content: <NetworkStep /> },
  { key: 'dns', title: 'newct.dns', content: <DnsStep /> },
];

export default function CreateContainerPage() {
  const t = useT();
  return (
    <WizardPage
      model={containerModel}
      title={t('create.container')}
      steps={steps}
      confirm={<ConfirmStep />}
      defaults={<Defaults />}
      fromAddress={fromAddress}
    />
  );
}

/** `?node=pve1&template=local:vztmpl/debian.tar.zst` of a link that leads here. */
function fromAddress(search: URLSearchParams): Partial<ContainerDraft> {
  const node = search.get('node');
  const template = search.get('template');
  return { ...(node ? { node } : {}), ...(template ? { template } : {}) };
}

/** Bridge, storage and template, as soon as the server has told what there is. */
function Defaults() {
  const wizard = useContainer();
  const { draft, change } = wizard;
  useFirstBridge(wizard);
  useOnlyTemplate();
  const { storages } = useStorages(draft.node, 'rootdir');
  const first = storages[0]?.storage;
  const { rootfs } = draft;
  useEffect(() => {
    if (rootfs.storage === '' && first !== undefined) change({ rootfs: { ...rootfs, storage: first } });
  }, [rootfs, first, change]);
  return null;
}
