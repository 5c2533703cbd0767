/** Downloads of templates that the catalogue offers. */
import { ParameterError } from '@ryokan/api/errors.ts';
import { formatVolumeId } from '@ryokan/api/schema/volume-id.ts';
import type { TaskContext } from '../../tasks/task.ts';
import { demandChecksum, type ExpectedChecksum } from '../checksum.ts';
import { fetchUrl, type IncomingServices, volumeIfPresent } from '../incoming.ts';
import { type CatalogueServices, offeredTemplate } from './catalogue.ts';
import { addressOf, checksumOf, type OfferedTemplate } from './index-format.ts';

type Services = IncomingServices & CatalogueServices;

export interface TemplateParams {
  readonly storage: string;
  readonly template: string;
}

export async function checkTemplate(services: Services, params: TemplateParams): Promise<void> {
  services.storage.demandContent(params.storage, 'vztmpl');
  demandSum(await offeredTemplate(services, params.template));
}

function demandSum(offer: OfferedTemplate): ExpectedChecksum {
  const sum = checksumOf(offer);
  if (sum) return sum;
  throw new ParameterError({
    template: `the catalogue has no checksum for '${offer.template}': it is not downloaded`,
  });
}

/** The task. A template that is there already, and is the right one, is all that was asked for. */
export async function downloadTemplate(
  services: Services,
  params: TemplateParams,
  task: TaskContext,
): Promise<void> {
  const offer = await offeredTemplate(services, params.template);
  const { algorithm, digest } = demandSum(offer);
  const volid = formatVolumeId(params.storage, `vztmpl/${offer.template}`);
  if (await volumeIfPresent(services.storage, volid)) {
    task.log(`'${volid}' is there already: comparing its checksum`);
    const path = await services.storage.path(volid);
    await demandChecksum(
      path,
      { algorithm, digest },
      { signal: task.signal, onProgress: (part) => task.progress(part) },
    );
    task.log('it is the right one');
    return;
  }
  const request = {
    ...{
      storage: params.storage,
      content: 'vztmpl' as const,
      filename: offer.template,
      url: addressOf(offer),
    },
    ...{ checksum: digest, 'checksum-algorithm': algorithm },
  } as const;
  // The catalogue's servers are the administrator's choice, whoever orders a template.
  await fetchUrl(services, request, 'any', task);
}
