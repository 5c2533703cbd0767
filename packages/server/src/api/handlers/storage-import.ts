/** What is in a file that could be imported, and configuration files of Proxmox VE. */
import { stat } from 'node:fs/promises';
import { RyokanError } from '@ryokan/api/errors.ts';
import { hostImportMetadata, importMetadata, qemuImportConfig } from '@ryokan/api/methods/storage-import.ts';
import { describeImport } from '../../guests/import/describe.ts';
import { importConfig } from '../../guests/import/foreign-config.ts';
import type { Services } from '../../services.ts';
import { demandReadVolume } from '../../storage/volume-access.ts';
import { volumeIdOf } from '../../storage/volume-requests.ts';
import type { HandlerTable } from '../handler-table.ts';
import { demandSight } from './storage.ts';

export function storageImportHandlers(table: HandlerTable, services: Services): void {
  const { storage: manager } = services;
  table.on(importMetadata, async (params, call) => {
    const { storage, volid } = volumeIdOf(params);
    demandSight(call, storage);
    const volume = await manager.info(volid);
    demandReadVolume(call, { ...volume, storage });
    if (volume.content !== 'import') {
      throw new RyokanError(
        'unsupported',
        `'${volid}' is of content type '${volume.content}': upload the file to import as content import`,
      );
    }
    return describeImport({ path: await manager.path(volid), source: volid }, call.signal);
  });

  table.on(hostImportMetadata, async ({ path }, call) => {
    const stats = await stat(path).catch(() => undefined);
    if (!stats?.isFile()) throw new RyokanError('not-found', `there is no file '${path}'`);
    return describeImport({ path, source: path }, call.signal);
  });

  table.on(qemuImportConfig, async ({ vmid, config }, call) => ({
    missing: await importConfig(services, vmid, config, call.user),
  }));
}
