/** What the frame and most pages need; loaded at start. */
import { access } from './en/access.ts';
import { common } from './en/common.ts';
import { frame } from './en/frame.ts';
import { guest } from './en/guest.ts';
import { node } from './en/node.ts';
import { storage } from './en/storage.ts';

export const en = {
  ...access,
  ...common,
  ...frame,
  ...guest,
  ...node,
  ...storage,
} as const;
