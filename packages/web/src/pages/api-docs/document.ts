/** The API's own description, as far as the pages read it: OpenAPI 3.1 with the extensions of packages/api/src/openapi.ts. */
import { ApiError } from '@ryokan/api/client.ts';
import type { Permission, Verb } from '@ryokan/api/method.ts';
import { type UseQueryResult, useQuery } from '@tanstack/react-query';

/** JSON Schema 2020-12. */
export interface Schema {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly description?: string;
  /** Name of a format of the API's own, as `pve-vmid`. */
  readonly format?: string;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly default?: unknown;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly pattern?: string;
  readonly items?: Schema;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly patternProperties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: boolean | Schema;
  readonly required?: readonly string[];
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly allOf?: readonly Schema[];
  /** Stands for a numbered family: `net[n]`. */
  readonly 'x-family'?: string;
  /** Fields of a text of the form `key=value,…`. */
  readonly 'x-property-string'?: Schema;
  /** The parameter without which this one has no meaning. */
  readonly 'x-requires'?: string;
  /** This field's value may stand without `key=`. */
  readonly 'x-default-key'?: true;
  /** Another name of that field. */
  readonly 'x-alias'?: string;
}

type Content = Readonly<Record<string, { readonly schema?: Schema }>>;

export interface DocumentParameter {
  readonly name: string;
  readonly in: 'path' | 'query' | 'header';
  readonly required?: boolean;
  readonly description?: string;
  readonly schema: Schema;
}

export interface DocumentOperation {
  readonly operationId: string;
  readonly tags: readonly string[];
  readonly summary: string;
  /** The first paragraph says what it is for; the others repeat what the extensions say. */
  readonly description: string;
  readonly security: readonly Readonly<Record<string, unknown>>[];
  /** What many operations take stands among the components. */
  readonly parameters?: readonly (DocumentParameter | { readonly $ref: string })[];
  readonly requestBody?: { readonly content: Content };
  readonly responses: Readonly<Record<string, { readonly content?: Content }>>;
  readonly 'x-permission'?: Permission;
  readonly 'x-cli'?: { readonly command: string; readonly args?: readonly string[] };
  readonly 'x-task'?: string;
  readonly 'x-extension'?: true;
}

export interface ApiDocument {
  readonly paths: Readonly<Record<string, Readonly<Record<Lowercase<Verb>, DocumentOperation | undefined>>>>;
  readonly components: {
    readonly schemas: Readonly<Record<string, Schema>>;
    readonly parameters?: Readonly<Record<string, DocumentParameter>>;
  };
}

export const documentUrl = '/api2/openapi.json';

async function load(signal: AbortSignal): Promise<ApiDocument> {
  const response = await fetch(documentUrl, { signal }).catch((cause: unknown) => {
    throw new ApiError(0, `${documentUrl} cannot be loaded`, {}, cause);
  });
  if (!response.ok) throw new ApiError(response.status, `${documentUrl}: ${response.statusText}`);
  return (await response.json()) as ApiDocument;
}

/** The document of the server that this page came from; it changes with the server's version only. */
export function useApiDocument(): UseQueryResult<ApiDocument, Error> {
  return useQuery({
    queryKey: ['openapi'],
    queryFn: ({ signal }) => load(signal),
    staleTime: Number.POSITIVE_INFINITY,
  });
}
