import { common } from './ja/common.ts';
import { frame } from './ja/frame.ts';
import { guest } from './ja/guest.ts';
import { node } from './ja/node.ts';

export const ja = { ...common, ...frame, ...guest, ...node } as const;
