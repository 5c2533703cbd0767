/** What the frame and most pages need; loaded at start. */
import { access } from './ja/access.ts';
import { common } from './ja/common.ts';
import { frame } from './ja/frame.ts';
import { guest } from './ja/guest.ts';
import { node } from './ja/node.ts';
import { storage } from './ja/storage.ts';

export const ja = {
  ...access,
  ...common,
  ...frame,
  ...guest,
  ...node,
  ...storage,
} as const;
