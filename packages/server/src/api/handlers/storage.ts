/** Storages: definitions, state, content, uploads and downloads. */
import { ParameterError, RyokanError } from '@ryokan/api/errors.ts';
import type { ParamsOf, ResultOf } from '@ryokan/api/method.ts';
import {
  nodeStorageIndex,
  nodeStorageList,
  nodeStorageStatus,
  queryUrlMetadata,
  storageCreate,
  storageDelete,
  storageDownload,
  storageList,
  storageRead,
  storageUpdate,
  storageUpload,
  volumeAllocate,
  volumeCopy,
  volumeDelete,
  volumeInfo,
  volumeList,
  volumePath,
  volumeUpdate,
} from '@ryokan/api/methods/storage.ts';
import { splitList } from '@ryokan/api/schema/formats.ts';
import { parseVolumeId } from '@ryokan/api/schema/volume-id.ts';
import { rehearsed } from '../../cluster/rehearsal.ts';
import type { Services } from '../../services.ts';
import { checkCopy, copyVolume } from '../../storage/copy.ts';
import {
  createDefinition,
  type DefinitionContext,
  listDefinitions,
  removeDefinition,
  showDefinition,
  updateDefinition,
} from '../../storage/definitions.ts';
import { queryUrl } from '../../storage/download.ts';
import { checkDownload, checkUpload, fetchUrl, receiveUpload } from '../../storage/incoming.ts';
import type { StorageSummary, Volume } from '../../storage/manager.ts';
import { isForNode } from '../../storage/storage-config.ts';
import { stagedFileUndo } from '../../storage/storage-undo.ts';
import { demandChangeVolume, demandReadVolume, mayReadVolume } from '../../storage/volume-access.ts';
import { allocateVolume, demandUnused, volumeIdOf } from '../../storage/volume-requests.ts';
import { childrenOf } from '../directory.ts';
import type { Call, HandlerTable } from '../handler-table.ts';
import { urlReach } from '../url-reach.ts';

export function storageHandlers(table: HandlerTable, services: Services): void {
  definitionHandlers(table, services);
  stateHandlers(table, services);
  contentHandlers(table, services);
  removalHandlers(table, services);
  incomingHandlers(table, services);
}

const maySee = (call: Call, storage: string): boolean =>
  call.can(`/storage/${storage}`, ['Datastore.Audit', 'Datastore.AllocateSpace'], true);

function definitionHandlers(table: HandlerTable, services: Services): void {
  const contextOf = (call: Call): DefinitionContext => ({
    store: services.store,
    node: services.settings.node,
    paths: services.paths,
    author: call.user,
  });

  table.on(storageList, ({ type }, call) => {
    const { definitions, digest } = listDefinitions(services);
    return definitions
      .filter((config) => (type === undefined || config.type === type) && maySee(call, config.storage))
      .map((config) => showDefinition(config, digest));
  });

  table.on(storageRead, ({ storage }) => {
    const { digest } = listDefinitions(services);
    return showDefinition(services.storage.config(storage), digest);
  });

  table.on(storageCreate, async ({ type, storage, ...values }, call) => {
    await createDefinition(contextOf(call), type, storage, values);
    return { storage, type };
  });

  table.on(storageUpdate, async ({ storage, delete: remove = '', digest, ...values }, call) => {
    const change = { values, remove: splitList(remove), digest };
    const { type } = await updateDefinition(contextOf(call), storage, change);
    return { storage, type };
  });

  table.on(storageDelete, async ({ storage }, call) => {
    await removeDefinition(contextOf(call), storage);
    return null;
  });
}

function stateHandlers(table: HandlerTable, services: Services): void {
  const { storage: manager } = services;

  table.on(nodeStorageList, async (params, call) => {
    const { storage, content, enabled, format, target } = params;
    const wanted = content === undefined ? undefined : splitList(content);
    const configs = manager
      .configs()
      .filter((config) => storage === undefined || config.storage === storage)
      .filter((config) => target === undefined || isForNode(config, target))
      .filter((config) => maySee(call, config.storage));
    if (storage !== undefined && configs.length === 0) manager.config(storage);
    const summaries = await Promise.all(configs.map((config) => manager.summary(config.storage)));
    const fits = (one: StorageSummary) =>
      (!wanted || wanted.some((type) => (one.content as readonly string[]).includes(type))) &&
      (!enabled || one.enabled) &&
      (target === undefined || target === services.settings.node || one.shared);
    return Promise.all(
      summaries.filter(fits).map(async (one) => ({
        storage: one.config.storage,
        ...showState(one),
        ...(one.total > 0 ? { used_fraction: one.used / one.total } : {}),
        ...(format ? await formatsOf(one) : {}),
      })),
    );
  });

  const formatsOf = async ({ config, active }: StorageSummary) => {
    if (!active) return {};
    const { imageFormats } = (await manager.driver(config.storage)).capabilities;
    const first = imageFormats[0];
    const formats = first ? { formats: { default: first, supported: [...imageFormats] } } : {};
    return { ...formats, select_existing: 0 as const };
  };

  table.on(nodeStorageIndex, ({ storage }) => {
    manager.config(storage);
    return childrenOf(nodeStorageIndex, 'subdir');
  });

  table.on(nodeStorageStatus, async ({ storage }) => showState(await manager.summary(storage)));
}

function showState(summary: StorageSummary): ResultOf<typeof nodeStorageStatus> {
  return {
    type: summary.config.type,
    content: summary.content.join(','),
    active: summary.active ? 1 : 0,
    enabled: summary.enabled ? 1 : 0,
    shared: summary.shared ? 1 : 0,
    total: summary.total,
    used: summary.used,
    avail: summary.available,
  };
}

function contentHandlers(table: HandlerTable, services: Services): void {
  const { storage: manager } = services;

  table.on(volumeList, async ({ storage, content, vmid }, call) => {
    if (content === 'none') return [];
    const filter = { content: content as Volume['content'] | undefined, vmid };
    const volumes = await manager.list(storage, filter);
    return volumes.filter((volume) => mayReadVolume(call, { ...volume, storage })).map(showVolume);
  });

  table.on(volumeAllocate, (params) => allocateVolume(manager, params), {
    plan: async (params) => void (await allocateVolume(manager, params)),
  });

  table.on(volumeInfo, async (params, call): Promise<ResultOf<typeof volumeInfo>> => {
    const { storage, volid } = volumeIdOf(params);
    demandSight(call, storage);
    const volume = await manager.info(volid);
    demandReadVolume(call, { ...volume, storage });
    const { size, used, format, notes } = volume;
    const { localPath } = (await manager.driver(storage)).capabilities;
    return {
      path: localPath ? await manager.path(volid) : volid,
      size,
      used,
      format,
      ...(notes === undefined ? {} : { notes }),
      ...(volume.protected === undefined ? {} : { protected: volume.protected ? 1 : 0 }),
    };
  });

  const demandChange = async (params: ParamsOf<typeof volumeUpdate>, call: Call): Promise<string> => {
    const { storage, volid } = volumeIdOf(params);
    demandSight(call, storage);
    demandChangeVolume(call, { ...(await manager.info(volid)), storage });
    return volid;
  };
  table.on(
    volumeUpdate,
    async (params, call) => {
      const volid = await demandChange(params, call);
      await manager.setAttributes(volid, { notes: params.notes, protected: params.protected });
      return null;
    },
    {
      async plan(params, call) {
        rehearsed(`changes notes or protection of '${await demandChange(params, call)}'`);
      },
    },
  );

  table.on(volumePath, async ({ volume }, call) => {
    const { storage, volid } = volumeIdOf({ volume });
    call.demand(`/storage/${storage}`, ['Datastore.Audit', 'Datastore.AllocateSpace'], true);
    return manager.path(volid);
  });
}

/** Whether a volume exists is told only to those who may look at its storage. */
export function demandSight(call: Call, storage: string): void {
  if (!call.can(`/storage/${storage}`, ['Datastore.Allocate'])) {
    call.demand(`/storage/${storage}`, ['Datastore.Audit', 'Datastore.AllocateSpace'], true);
  }
}

function showVolume(volume: Volume): ResultOf<typeof volumeList>[number] {
  const { volid, content, format, size, used, ctime, vmid, parent, notes } = volume;
  return {
    volid,
    content,
    format,
    size,
    used,
    ...(ctime === undefined ? {} : { ctime }),
    ...(vmid === undefined ? {} : { vmid }),
    ...(parent === undefined ? {} : { parent }),
    ...(notes === undefined ? {} : { notes }),
    ...(volume.protected ? { protected: 1 } : {}),
  };
}

function removalHandlers(table: HandlerTable, services: Services): void {
  const { storage: manager, store, tasks } = services;

  table.onTask(volumeDelete, {
    async check(params, call) {
      const { storage, volid } = volumeIdOf(params);
      demandSight(call, storage);
      const volume = await manager.info(volid);
      demandChangeVolume(call, { ...volume, storage });
      if (volume.protected) {
        throw new RyokanError('state', `volume '${volid}' is protected; remove the protection first`);
      }
      demandUnused(store, volume);
    },
    async run(params, task) {
      const { volid } = volumeIdOf(params);
      await manager.remove(volid);
      task.log(`removed volume '${volid}'`);
    },
    async answer(upid, { delay }, call) {
      if (delay === undefined) return upid;
      const signal = AbortSignal.any([call.signal, AbortSignal.timeout(delay * 1000)]);
      const row = await tasks.wait(upid, signal).catch(() => undefined);
      // Null says that it is done, so a failure is left to the task to tell.
      return row?.status === 'OK' ? null : upid;
    },
  });

  table.onTask(volumeCopy, {
    check: (params, call) => {
      const copy = copyOf(params, services);
      demandCopy(call, copy);
      return checkCopy(services, copy);
    },
    run: (params, task) => copyVolume(services, copyOf(params, services), task),
  });
}

function copyOf(params: ParamsOf<typeof volumeCopy>, { settings }: Services) {
  if (params.target_node !== undefined && params.target_node !== settings.node) {
    throw new ParameterError({ target_node: 'copying to another node is not possible' });
  }
  return { source: volumeIdOf(params).volid, target: params.target };
}

/** Administrators of both storages reach all that is on them anyway; a snippet may be a program that the node runs as root. */
function demandCopy(call: Call, { source, target }: { source: string; target: string }): void {
  if (call.isRoot) return;
  for (const volid of [source, target]) {
    const { storage, name } = parseVolumeId(volid);
    call.demand(`/storage/${storage}`, ['Datastore.Allocate']);
    if (name.startsWith('snippets/')) {
      throw new RyokanError('forbidden', `only root@pam can copy snippets, and '${volid}' is one`);
    }
  }
}

function incomingHandlers(table: HandlerTable, services: Services): void {
  table.onTask(storageUpload, {
    async check(params, call) {
      if (call.uploadSize === undefined) {
        // Without this a caller could name a file that the gateway is receiving for somebody else.
        throw new ParameterError({ filename: 'send the file itself, as multipart/form-data' });
      }
      await checkUpload(services, params, call.uploadSize);
      // From here on the received file is the task's to remove, even if its worker never begins.
      const path = params.tmpfilename;
      return path === undefined ? [] : [{ name: stagedFileUndo, args: { path } }];
    },
    run: (params, task) => receiveUpload(services, params, task),
  });

  table.onTask(storageDownload, {
    check: (params) => checkDownload(services, params),
    run: (params, task) => fetchUrl(services, params, urlReach(services, task.user), task),
  });

  table.on(queryUrlMetadata, async ({ url, 'verify-certificates': verifyCertificates = true }, call) => {
    try {
      const reach = urlReach(services, call.user);
      return await queryUrl(url, { verifyCertificates, signal: call.signal, silence: 20_000, reach });
    } catch (error) {
      if (error instanceof RyokanError && error.code !== 'forbidden')
        throw new ParameterError({ url: error.message });
      throw error;
    }
  });
}
