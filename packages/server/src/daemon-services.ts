/** What only the daemon has: live state of guests, events, consoles. Handlers of questions use it. */
import type { AuditLog } from './access/audit/audit-log.ts';
import type { ConsoleSessions } from './api/console/sessions.ts';
import type { EventHub } from './api/events.ts';
import type { ResourceTable } from './api/resources.ts';
import type { GuestIndex } from './guests/guest-index.ts';
import type { LxcMonitor } from './guests/lxc/monitor.ts';
import type { Balancer } from './guests/qemu/balloon/balancer.ts';
import type { QemuMonitor } from './guests/qemu/monitor.ts';
import type { AcceleratorResult, AcceleratorSetting } from './host/accelerator.ts';
import type { Sampler } from './metrics/sampler.ts';
import type { Services } from './services.ts';
import type { TaskManager } from './tasks/task-manager.ts';

export interface DaemonServices extends Services {
  readonly tasks: TaskManager;
  readonly guests: GuestIndex;
  readonly monitor: QemuMonitor;
  readonly containers: LxcMonitor;
  readonly events: EventHub;
  readonly audit: AuditLog;
  readonly resources: ResourceTable;
  readonly sampler: Sampler;
  readonly balancer: Balancer;
  readonly consoles: ConsoleSessions;
  /** Takes back a change made inside the daemon, see tasks/undo.ts. */
  readonly runUndo: (name: string, args: Readonly<Record<string, string | number>>) => Promise<void>;
  readonly accelerator: () => AcceleratorResult;
  /** Stores the node's setting and tests again. */
  readonly setAccelerator: (setting: AcceleratorSetting) => Promise<AcceleratorResult>;
  /** SHA-256 fingerprint of the node's certificate, and its text. */
  readonly certificate: { readonly pem: string; readonly fingerprint: string };
}
