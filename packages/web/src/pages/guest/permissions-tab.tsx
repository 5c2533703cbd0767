import ObjectPermissions from '../rights/object-permissions.tsx';
import type { GuestTabProps } from './guest-page.tsx';

export default function GuestPermissions({ guest }: GuestTabProps) {
  return <ObjectPermissions path={`/vms/${guest.vmid}`} />;
}
