import { access } from './en/access.ts';
import { agent } from './en/agent.ts';
import { apiDocs } from './en/api-docs.ts';
import { cloudinit } from './en/cloudinit.ts';
import { common } from './en/common.ts';
import { devices } from './en/devices.ts';
import { frame } from './en/frame.ts';
import { guest } from './en/guest.ts';
import { hardware } from './en/hardware.ts';
import { node } from './en/node.ts';
import { snapshots } from './en/snapshots.ts';
import { storage } from './en/storage.ts';
import { wizard } from './en/wizard.ts';

export const en = {
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
