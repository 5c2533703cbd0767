/** What a clone is called that gets no name. */
import { checkFormat } from '@ryokan/api/schema/formats.ts';
import type { GuestKind } from '../guest-kind.ts';

/** `Copy-of-VM-web`; by the number where that would be no name any more. */
export function nameOfCopy(label: GuestKind['label'], name: string | undefined, vmid: number): string {
  const wanted = `Copy-of-${label}-${name ?? vmid}`;
  return checkFormat('dns-name', wanted) === undefined ? wanted : `Copy-of-${label}-${vmid}`;
}
