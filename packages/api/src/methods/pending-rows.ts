/** The answer of `pending`, the same for all kinds of guests. */
import { Type } from '../schema/types.ts';

export const PendingRows = Type.Array(
  Type.Object({
    key: Type.String(),
    value: Type.Optional(Type.String()),
    pending: Type.Optional(Type.String()),
    delete: Type.Optional(Type.Integer({ minimum: 0, maximum: 2 })),
    reason: Type.Optional(
      Type.String({ description: 'Why the running guest does not have it yet, where it was tried.' }),
    ),
  }),
);

/** In text output. */
export const pendingColumns = ['key', 'value', 'pending', 'delete', 'reason'] as const;
