/** Templates of containers: the catalogue, and images from OCI registries. */
import { defineMethod } from '../method.ts';
import { Enum, Node, StorageId, Type } from '../schema/types.ts';

const Optional = Type.Optional;
const fill = { perm: '/storage/{storage}', privs: ['Datastore.AllocateTemplate'] } as const;
const reachOut = { perm: '/nodes/{node}', privs: ['Sys.AccessNetwork'] } as const;

export const templateCatalogue = defineMethod({
  id: 'nodes.aplinfo.list',
  verb: 'GET',
  path: '/nodes/{node}/aplinfo',
  description: 'Container templates that the catalogue of the datacenter offers.',
  params: Type.Object({ node: Node() }),
  returns: Type.Array(
    Type.Object({
      template: Type.String({ description: 'File name, by which it is downloaded.' }),
      package: Type.String(),
      version: Type.String(),
      type: Type.String(),
      os: Type.String(),
      section: Type.String(),
      headline: Type.String(),
      description: Type.String(),
      architecture: Optional(Type.String()),
      maintainer: Optional(Type.String()),
      infopage: Optional(Type.String()),
      location: Type.String({ description: 'Where it is, relative to source.' }),
      source: Type.String({ description: 'Folder of the index.' }),
      md5sum: Optional(Type.String()),
      sha512sum: Optional(Type.String()),
    }),
  ),
  permission: { user: 'all' },
  proxyTo: 'node',
});

export const templateDownload = defineMethod({
  id: 'nodes.aplinfo.download',
  verb: 'POST',
  path: '/nodes/{node}/aplinfo',
  description: 'Downloads a container template of the catalogue into a storage.',
  params: Type.Object({
    node: Node(),
    storage: StorageId(),
    template: Type.String({ maxLength: 255, description: 'File name of the template.' }),
  }),
  returns: Type.String(),
  permission: fill,
  proxyTo: 'node',
  task: { type: 'download', id: 'storage' },
  cli: { command: 'pveam download', args: ['storage', 'template'] },
});

export const templateCatalogueUpdate = defineMethod({
  id: 'nodes.aplinfo.update',
  verb: 'PUT',
  path: '/nodes/{node}/aplinfo',
  description: 'Fetches the catalogue of container templates again.',
  params: Type.Object({ node: Node() }),
  returns: Type.String(),
  permission: { perm: '/nodes/{node}', privs: ['Sys.Modify'] },
  proxyTo: 'node',
  extension: true,
  task: { type: 'aplupdate' },
  cli: { command: 'pveam update' },
});

/** A registry (Docker's own without one) and the path of a repository in it. */
const host = '[a-zA-Z\\d](?:[a-zA-Z\\d-]*[a-zA-Z\\d])?';
const part = '[a-z\\d]+(?:(?:[._]|__|[-]+)[a-z\\d]+)*';
const repository = `(?:${host}(?:\\.${host})*(?::\\d+)?/)?${part}(?:/${part})*`;

export const ociTags = defineMethod({
  id: 'nodes.ociTags',
  verb: 'GET',
  path: '/nodes/{node}/query-oci-repo-tags',
  description: 'Asks an OCI registry for the tags of a repository.',
  params: Type.Object({
    node: Node(),
    reference: Type.String({
      pattern: repository,
      maxLength: 512,
      description: 'The repository: registry.example.com/team/app.',
    }),
  }),
  returns: Type.Array(Type.String()),
  permission: reachOut,
  proxyTo: 'node',
});

export const ociPull = defineMethod({
  id: 'storage.ociPull',
  verb: 'POST',
  path: '/nodes/{node}/storage/{storage}/oci-registry-pull',
  description: 'Fetches an image from an OCI registry and keeps it as a container template.',
  params: Type.Object({
    node: Node(),
    storage: StorageId(),
    reference: Type.String({
      pattern: `${repository}:\\w[\\w.-]{0,127}`,
      maxLength: 640,
      description: 'The image: registry.example.com/team/app:tag.',
    }),
    filename: Optional(
      Type.String({
        minLength: 1,
        maxLength: 255,
        description: 'Name of the template; default: app_tag.tar.',
      }),
    ),
  }),
  returns: Type.String(),
  permission: { and: [fill, reachOut] },
  proxyTo: 'node',
  task: { type: 'ocipull', id: 'storage' },
  cli: { command: 'pvesm oci-pull', args: ['storage', 'reference'] },
});

export const templateBuild = defineMethod({
  id: 'storage.buildTemplate',
  verb: 'POST',
  path: '/nodes/{node}/storage/{storage}/build-template',
  description: "Builds a container template from a distribution's own packages.",
  params: Type.Object({
    node: Node(),
    storage: StorageId(),
    distribution: Enum(['debian', 'ubuntu']),
    suite: Optional(
      Type.String({
        pattern: '[a-z][a-z0-9-]*',
        maxLength: 40,
        description:
          "The release's name: trixie; default: that of the node, where it is the same distribution.",
      }),
    ),
    arch: Optional(
      Enum(['amd64', 'i386', 'arm64', 'armhf'], {
        description: "Of the programs in it; default: the node's own.",
      }),
    ),
    mirror: Optional(
      Type.String({
        pattern: 'https?://[^\\s@]+',
        maxLength: 512,
        description:
          'Where its packages are fetched; they have to be signed by the distribution all the same.',
      }),
    ),
    filename: Optional(
      Type.String({
        pattern: '[A-Za-z0-9][A-Za-z0-9._-]*\\.tar\\.zst',
        maxLength: 255,
        description: 'Name of the template; default: debian-trixie_<date>_amd64.tar.zst and so on.',
      }),
    ),
  }),
  returns: Type.String(),
  permission: { and: [fill, reachOut] },
  proxyTo: 'node',
  extension: true,
  task: { type: 'buildtemplate', id: 'storage' },
});
