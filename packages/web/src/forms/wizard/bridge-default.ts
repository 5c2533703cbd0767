import { useEffect } from 'react';
import { useBridges } from '../bridge-field.tsx';
import type { GuestDraft } from './wizard-state.ts';

/** Takes the node's first bridge as long as nobody chose one. */
export function useFirstBridge<N extends { readonly bridge: string }>(wizard: {
  readonly draft: GuestDraft & { readonly nics: readonly N[] };
  readonly change: (part: { nics: readonly N[] }) => void;
}): void {
  const { draft, change } = wizard;
  const { bridges, loaded } = useBridges(draft.node);
  const first = bridges[0] ?? '';
  const wanted = !draft.bridgeChosen && loaded && draft.nics.some((nic) => nic.bridge !== first);
  const { nics } = draft;
  useEffect(() => {
    if (wanted) change({ nics: nics.map((nic) => ({ ...nic, bridge: first })) });
  }, [wanted, first, nics, change]);
}
