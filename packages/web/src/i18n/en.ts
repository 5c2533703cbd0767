import { common } from './en/common.ts';
import { frame } from './en/frame.ts';
import { guest } from './en/guest.ts';
import { node } from './en/node.ts';

export const en = { ...common, ...frame, ...guest, ...node } as const;
