/** Cloud-init of QEMU guests, and editing snippets. */
import {
  cloudInitDump,
  cloudInitPending,
  cloudInitUpdate,
  snippetRead,
  snippetWrite,
} from '@ryokan/api/methods/qemu-cloudinit.ts';
import type { DaemonServices } from '../../daemon-services.ts';
import { demandUnlocked, readGuest } from '../../guests/guest-store.ts';
import { cloudInitRows } from '../../guests/qemu/cloud-init/changes.ts';
import { dumpForGuest } from '../../guests/qemu/cloud-init/refresh.ts';
import { regenerateCloudInit } from '../../guests/qemu/cloud-init/regenerate.ts';
import { guestAccount } from '../../guests/qemu/start.ts';
import { readSnippet, writeSnippet } from '../../storage/snippet.ts';
import type { HandlerTable } from '../handler-table.ts';
import { withUndo } from '../inline-change.ts';

export function cloudInitHandlers(table: HandlerTable, services: DaemonServices): void {
  const { store, settings, locks } = services;
  const read = (vmid: number) => readGuest(store, 'qemu', settings.node, vmid);

  table.on(cloudInitPending, ({ vmid }) => cloudInitRows(read(vmid).file));

  table.on(cloudInitUpdate, async ({ vmid }, call) => {
    read(vmid);
    await locks.with(`qemu-${vmid}`, async () => {
      demandUnlocked(read(vmid).file.properties);
      await withUndo(services, call, (context) =>
        regenerateCloudInit(services, vmid, guestAccount(), context),
      );
    });
    return null;
  });

  table.on(cloudInitDump, ({ vmid, type }, call) =>
    dumpForGuest(services, vmid, type, call.can(`/vms/${vmid}`, ['VM.Config.Cloudinit'])),
  );

  table.on(snippetRead, ({ storage, name }) => readSnippet(services.storage, storage, name));

  table.on(snippetWrite, ({ storage, name, content, digest }) =>
    locks.with(`snippet-${storage}-${name}`, () =>
      writeSnippet(services.storage, { storage, name, content, digest, spool: services.paths.spool }),
    ),
  );
}
