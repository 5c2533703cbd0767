import { Link } from 'react-router';
import { useT } from '../../i18n/index.ts';
import { useFirstBridge } from './bridge-default.ts';
import type { StepKey } from './draft.ts';
import { ConfirmStep } from './step-confirm.tsx';
import { CpuStep, MemoryStep } from './step-cpu-memory.tsx';
import { DisksStep } from './step-disks.tsx';
import { GeneralStep } from './step-general.tsx';
import { NetworkStep } from './step-network.tsx';
import { OsStep, useNewestIso } from './step-os.tsx';
import { SystemStep } from './step-system.tsx';
import { useFirstStorage } from './storage-field.tsx';
import { useWizard, vmModel } from './vm-model.ts';
import { type StepOfWizard, WizardPage } from './wizard-page.tsx';

const steps: readonly StepOfWizard<StepKey>[] = [
  { key: 'general', title: 'wizard.general', content: <GeneralStep /> },
  { key: 'os', title: 'wizard.os', content: <OsStep /> },
  { key: 'system', title: 'wizard.system', content: <SystemStep /> },
  { key: 'disks', title: 'wizard.disks', content: <DisksStep /> },
  { key: 'cpu', title: 'wizard.cpu', content: <CpuStep /> },
  { key: 'memory', title: 'wizard.memory', content: <MemoryStep /> },
  { key: 'network', title: 'wizard.network', content: <NetworkStep /> },
];

export default function CreateVmPage() {
  const t = useT();
  return (
    <WizardPage
      model={vmModel}
      title={t('create.vm')}
      steps={steps}
      confirm={<ConfirmStep />}
      defaults={<Defaults />}
      fromAddress={nodeOf}
      links={({ node }) => (
        <Link to={`/create/import${node ? `?node=${node}` : ''}`}>{t('import.instead')}</Link>
      )}
    />
  );
}

/** `?node=pve1` of a link that leads here. */
function nodeOf(search: URLSearchParams): { node?: string } {
  const node = search.get('node');
  return node ? { node } : {};
}

/** Bridge, storage and medium, as soon as the server has told what there is. */
function Defaults() {
  useFirstBridge(useWizard());
  useFirstStorage();
  useNewestIso();
  return null;
}
