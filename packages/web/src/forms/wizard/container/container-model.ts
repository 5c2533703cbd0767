import { lxcCreate } from '@ryokan/api/methods/lxc.ts';
import { useContext } from 'react';
import { type GuestModel, type WizardValue, wizardContext } from '../wizard-state.ts';
import { type ContainerDraft, type ContainerStep, createParams, emptyContainer, stepOf } from './draft.ts';
import { problemsOf } from './problems.ts';

export const containerModel: GuestModel<ContainerDraft, ContainerStep> = {
  kind: 'lxc',
  method: lxcCreate,
  empty: emptyContainer,
  context: wizardContext(emptyContainer),
  createParams,
  problemsOf,
  stepOf,
  kept: (draft) => ({ ...draft, password: '', passwordAgain: '' }),
};

export function useContainer(): WizardValue<ContainerDraft> {
  return useContext(containerModel.context);
}
