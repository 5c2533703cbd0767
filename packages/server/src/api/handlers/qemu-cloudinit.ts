/** Cloud-init of QEMU guests, and editing snippets. */
import { RyokanError } from '@ryokan/api/errors.ts';
import type { ParamsOf } from '@ryokan/api/method.ts';
import {
  cloudInitDump,
  cloudInitPending,
  cloudInitUpdate,
  snippetRead,
  snippetWrite,
} from '@ryokan/api/methods/qemu-cloudinit.ts';
import { formatVolumeId } from '@ryokan/api/schema/volume-id.ts';
import { rehearsed } from '../../cluster/rehearsal.ts';
import type { DaemonServices } from '../../daemon-services.ts';
import { demandUnlocked, readGuest } from '../../guests/guest-store.ts';
import { guestsHookedBy } from '../../guests/hookscript.ts';
import { cloudInitRows } from '../../guests/qemu/cloud-init/changes.ts';
import { dumpForGuest } from '../../guests/qemu/cloud-init/refresh.ts';
import { regenerateCloudInit } from '../../guests/qemu/cloud-init/regenerate.ts';
import { guestAccount } from '../../guests/qemu/guest-account.ts';
import { readSnippet, writeSnippet } from '../../storage/snippet.ts';
import type { Call, HandlerTable } from '../handler-table.ts';
import { withUndo } from '../inline-change.ts';

export function cloudInitHandlers(table: HandlerTable, services: DaemonServices): void {
  const { store, settings, locks } = services;
  const read = (vmid: number) => readGuest(store, 'qemu', settings.node, vmid);

  table.on(cloudInitPending, ({ vmid }) => cloudInitRows(read(vmid).file));

  table.on(
    cloudInitUpdate,
    async ({ vmid }, call) => {
      read(vmid);
      await locks.with(`qemu-${vmid}`, async () => {
        demandUnlocked(read(vmid).file.properties);
        await withUndo(services, call, (context) =>
          regenerateCloudInit(services, vmid, guestAccount(), context),
        );
      });
      return null;
    },
    {
      plan({ vmid }) {
        demandUnlocked(read(vmid).file.properties);
        rehearsed(`writes the cloud-init drive of VM ${vmid} again`);
      },
    },
  );

  table.on(cloudInitDump, ({ vmid, type }, call) =>
    dumpForGuest(services, vmid, type, call.can(`/vms/${vmid}`, ['VM.Config.Cloudinit'])),
  );

  table.on(snippetRead, ({ storage, name }) => readSnippet(services.storage, storage, name));

  const write = async ({ storage, name, content, digest }: ParamsOf<typeof snippetWrite>, call: Call) => {
    if (!call.isRoot) await demandNoHookscript(services, formatVolumeId(storage, `snippets/${name}`));
    return locks.with(`snippet-${storage}-${name}`, () =>
      writeSnippet(services.storage, { storage, name, content, digest, spool: services.paths.spool }),
    );
  };
  table.on(snippetWrite, write, { plan: async (params, call) => void (await write(params, call)) });
}

/** What a guest has as its hook script runs as root: writing it is root's, as naming it is. */
async function demandNoHookscript(services: DaemonServices, volid: string): Promise<void> {
  const path = await services.storage.path(volid).catch(() => undefined);
  const guests = path === undefined ? [] : await guestsHookedBy(services, path);
  if (guests.length === 0) return;
  throw new RyokanError(
    'forbidden',
    `only root can write '${volid}': it is the hook script of VM ${guests.join(', ')}`,
    { context: { volid } },
  );
}
