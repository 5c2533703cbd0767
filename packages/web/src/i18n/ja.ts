import { access } from './ja/access.ts';
import { agent } from './ja/agent.ts';
import { apiDocs } from './ja/api-docs.ts';
import { cloudinit } from './ja/cloudinit.ts';
import { common } from './ja/common.ts';
import { devices } from './ja/devices.ts';
import { frame } from './ja/frame.ts';
import { guest } from './ja/guest.ts';
import { hardware } from './ja/hardware.ts';
import { node } from './ja/node.ts';
import { snapshots } from './ja/snapshots.ts';
import { storage } from './ja/storage.ts';
import { wizard } from './ja/wizard.ts';

export const ja = {
  ...access,
  ...agent,
  ...apiDocs,
  ...cloudinit,
  ...common,
  ...devices,
  ...frame,
  ...guest,
  ...hardware,
  ...node,
  ...snapshots,
  ...storage,
  ...wizard,
} as const;
