import { qemuCreate } from '@ryokan/api/methods/qemu.ts';
import { useContext } from 'react';
import { createParams, type Draft, emptyDraft, problemsOf, type StepKey, stepOf } from './draft.ts';
import { type GuestModel, type WizardValue, wizardContext } from './wizard-state.ts';

export const vmModel: GuestModel<Draft, StepKey> = {
  kind: 'qemu',
  method: qemuCreate,
  empty: emptyDraft,
  context: wizardContext(emptyDraft),
  createParams,
  problemsOf,
  stepOf,
  kept: (draft) => draft,
};

export function useWizard(): WizardValue<Draft> {
  return useContext(vmModel.context);
}
