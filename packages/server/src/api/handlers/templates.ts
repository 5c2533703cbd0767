/** Templates of containers: the catalogue, and images from OCI registries. */
import {
  ociPull,
  ociTags,
  templateBuild,
  templateCatalogue,
  templateCatalogueUpdate,
  templateDownload,
} from '@ryokan/api/methods/templates.ts';
import { rehearsed } from '../../cluster/rehearsal.ts';
import type { Services } from '../../services.ts';
import { buildTemplate, checkBuild } from '../../storage/templates/build.ts';
import { fetchIndex, offeredTemplates } from '../../storage/templates/catalogue.ts';
import { checkTemplate, downloadTemplate } from '../../storage/templates/download.ts';
import { checkPull, pullImage, repositoryTags } from '../../storage/templates/registry.ts';
import type { HandlerTable } from '../handler-table.ts';

export function templateHandlers(table: HandlerTable, services: Services): void {
  table.on(templateCatalogue, () => offeredTemplates(services));
  table.onTask(templateCatalogueUpdate, {
    plan: () => void rehearsed('fetches the catalogue of templates'),
    async run(_params, task) {
      await fetchIndex(services, task.signal);
      task.log(`the catalogue offers ${(await offeredTemplates(services)).length} templates`);
    },
  });
  table.onTask(templateDownload, {
    check: (params) => checkTemplate(services, params),
    run: (params, task) => downloadTemplate(services, params, task),
  });
  table.on(ociTags, ({ reference }, call) => repositoryTags(reference, call.signal));
  table.onTask(ociPull, {
    check: (params) => checkPull(services, params),
    run: (params, task) => pullImage(services, params, task),
  });
  table.onTask(templateBuild, {
    check: (params) => checkBuild(services, params),
    run: (params, task) => buildTemplate(services, params, task),
  });
}
