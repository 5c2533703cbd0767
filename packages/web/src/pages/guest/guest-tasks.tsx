import { TaskHistory } from '../node/tasks.tsx';
import type { GuestTabProps } from './guest-page.tsx';

export default function GuestTasks({ guest }: GuestTabProps) {
  return <TaskHistory node={guest.node} vmid={guest.vmid} />;
}
