/** Options of this node. */
import { nodeConfigGet, nodeConfigSet } from '@ryokan/api/methods/node-options.ts';
import { nodeOptionsPath } from '../../cluster/datacenter-options.ts';
import { changeOptions, readOptions } from '../../cluster/options-document.ts';
import type { DaemonServices } from '../../daemon-services.ts';
import type { HandlerTable } from '../handler-table.ts';

export function nodeOptionHandlers(table: HandlerTable, { settings, store }: DaemonServices): void {
  const path = nodeOptionsPath(settings.node);
  table.on(nodeConfigGet, ({ property }) => {
    const { options, digest } = readOptions(store, path);
    const typed = Object.entries(options).map(([key, text]) => [
      key,
      /^\d+$/.test(text) && key !== 'description' ? Number(text) : text,
    ]);
    const wanted =
      property === undefined || property === 'all' ? typed : typed.filter(([key]) => key === property);
    return { ...Object.fromEntries(wanted), digest };
  });
  table.on(nodeConfigSet, async ({ node: _, delete: removed, digest, ...set }, call) => {
    await changeOptions(store, path, { set, delete: removed, digest }, call.user);
    return null;
  });
}
