/** Options of the whole datacenter that consist of several values. */
import { PropertyString } from './property-string.ts';
import { Enum, Format, Type } from './types.ts';

const Optional = Type.Optional;
const tag = '[A-Za-z0-9_][A-Za-z0-9_\\-+.]*';
const colour = '[0-9a-fA-F]{6}';
const limit = (description: string) =>
  Optional(Type.Number({ minimum: 0, description: `${description} (KiB/s; 0 for no limit).` }));

export const tagAccessFields = Type.Object({
  'user-allow': Optional(
    Enum(['none', 'list', 'existing', 'free'], {
      default: 'free',
      description:
        'Which tags people may set on guests: none, those of the list, those that some guest has too, or any.',
    }),
  ),
  'user-allow-list': Optional(
    Type.String({ pattern: `${tag}(?:;${tag})*`, description: 'Tags that list and existing allow.' }),
  ),
});

/** Options that concern guests. */
export const guestOptionFields = {
  bwlimit: Optional(
    PropertyString(
      Type.Object({
        clone: limit('Copying disks for clones'),
        default: limit('All that has no limit of its own'),
        migration: limit('Moving guests to another node'),
        move: limit('Moving disks to another storage'),
        restore: limit('Restoring backups'),
      }),
      { description: 'Limits of bandwidth.' },
    ),
  ),
  max_workers: Optional(
    Type.Integer({
      minimum: 1,
      description: 'How many guests are shut down at the same time; default: all.',
    }),
  ),
  'registered-tags': Optional(
    Type.String({
      pattern: `(?:${tag};)*${tag}`,
      description: 'Tags that only those may set or remove who administer the datacenter (Sys.Modify on /).',
    }),
  ),
  'tag-style': Optional(
    PropertyString(
      Type.Object({
        'case-sensitive': Optional(
          Type.Boolean({ default: false, description: 'Upper and lower case make different tags.' }),
        ),
        'color-map': Optional(
          Type.String({
            pattern: `${tag}:${colour}(?::${colour})?(?:;${tag}:${colour}(?::${colour})?)*`,
            description: 'Colours by tag: tag:background:text, hexadecimal.',
          }),
        ),
        ordering: Optional(
          Enum(['config', 'alphabetical'], { default: 'alphabetical', description: 'Order of tags.' }),
        ),
        shape: Optional(
          Enum(['full', 'circle', 'dense', 'none'], {
            default: 'circle',
            description: 'How tags look in the tree.',
          }),
        ),
      }),
      { description: 'How tags look.' },
    ),
  ),
  'url-reach': Optional(
    Enum(['any', 'network', 'public'], {
      default: 'network',
      description:
        'Where the node fetches URLs from for people without Sys.Modify on it: any address, all but the node itself and its local link, or no private networks either.',
    }),
  ),
  'user-tag-access': Optional(PropertyString(tagAccessFields, { description: 'Who may set which tags.' })),
};

/** Settings of security keys (WebAuthn). */
export const webauthnFields = Type.Object({
  rp: Optional(Type.String({ description: 'Name of this installation, as keys and browsers show it.' })),
  id: Optional(
    Type.String({
      pattern: '[A-Za-z0-9](?:[A-Za-z0-9.\\-]*[A-Za-z0-9])?',
      description:
        'Domain that keys are bound to; default: the host name in the address of the Web UI. Keys must be added again when it changes.',
    }),
  ),
  origin: Optional(
    Type.String({
      pattern: 'https://[^\\s/,]+',
      description: 'Address of the Web UI, https://host:port; default: as it was called.',
    }),
  ),
  'allow-subdomains': Optional(
    Type.Boolean({ default: true, description: 'The Web UI may stand at subdomains of the origin too.' }),
  ),
});

/** Ours: Proxmox VE has its own catalogue built in. */
export const templateCatalogueFields = Type.Object({
  url: Type.String({
    defaultKey: true,
    pattern: 'https?://[^\\s,]+',
    maxLength: 2048,
    description: "Address of the index in the format of Proxmox VE's aplinfo.dat, plain or as .gz.",
  }),
  keyring: Optional(
    Type.String({
      pattern: '/[^\\s,]+',
      maxLength: 1024,
      description:
        'File on each node with the OpenPGP keys that sign the index (<url without .gz>.asc). Without it the index must come over https.',
    }),
  ),
});

const network = Optional(Format('CIDR', { description: 'Network whose address of the other node is used.' }));
const channel = Enum(['secure', 'insecure'], {
  default: 'secure',
  defaultKey: true,
  description: 'Encrypted, or plain for speed on a network that nobody else is in.',
});
const notice = Optional(Enum(['always', 'never'], { description: 'Whether to tell.' }));
const percent = (preset: number) => Optional(Type.Number({ minimum: 0, maximum: 100, default: preset }));
const rebalances = { requires: 'ha-auto-rebalance' };

/** Options of several nodes, of people and of what they see. Those of parts that are not there yet are kept for these. */
export const clusterOptionFields = {
  'consent-text': Optional(
    Type.String({ maxLength: 65536, description: 'Shown before the login, to be agreed to.' }),
  ),
  crs: Optional(
    PropertyString(
      Type.Object({
        ha: Optional(Enum(['basic', 'static', 'dynamic'], { default: 'basic' })),
        'ha-rebalance-on-start': Optional(Type.Boolean({ default: false })),
        'ha-auto-rebalance': Optional(Type.Boolean({ default: false })),
        'ha-auto-rebalance-hold-duration': Optional(Type.Number({ minimum: 0, default: 3, ...rebalances })),
        'ha-auto-rebalance-margin': { ...percent(10), ...rebalances },
        'ha-auto-rebalance-method': Optional(
          Enum(['bruteforce', 'topsis'], { default: 'bruteforce', ...rebalances }),
        ),
        'ha-auto-rebalance-threshold': { ...percent(30), ...rebalances },
      }),
      { description: 'How guests of high availability are spread over the nodes.' },
    ),
  ),
  fencing: Optional(Enum(['watchdog', 'hardware', 'both'], { default: 'watchdog' })),
  ha: Optional(
    PropertyString(
      Type.Object({
        shutdown_policy: Enum(['freeze', 'failover', 'conditional', 'migrate'], { default: 'conditional' }),
      }),
      { description: 'What becomes of guests of high availability when their node is shut down.' },
    ),
  ),
  location: Optional(
    PropertyString(
      Type.Object({
        latitude: Type.Number({ minimum: -90, maximum: 90 }),
        longitude: Type.Number({ minimum: -180, maximum: 180 }),
        name: Optional(Type.String({ maxLength: 128 })),
      }),
      { description: 'Where the datacenter stands.' },
    ),
  ),
  migration: Optional(
    PropertyString(Type.Object({ type: channel, network }), {
      description: 'How guests move to another node.',
    }),
  ),
  migration_unsecure: Optional(
    Type.Boolean({ description: 'Old spelling of migration: insecure; migration counts when both are set.' }),
  ),
  notify: Optional(
    PropertyString(
      Type.Object({
        fencing: notice,
        'package-updates': Optional(Enum(['auto', 'always', 'never'], { default: 'auto' })),
        replication: notice,
        'target-fencing': Optional(Type.String()),
        'target-package-updates': Optional(Type.String()),
        'target-replication': Optional(Type.String()),
      }),
      { description: 'What notifications are sent.' },
    ),
  ),
  replication: Optional(
    PropertyString(Type.Object({ type: channel, network }), {
      description: 'How volumes are replicated to another node.',
    }),
  ),
  'template-catalogue': Optional(
    PropertyString(templateCatalogueFields, { description: 'Where container templates are offered.' }),
  ),
  u2f: Optional(
    PropertyString(Type.Object({ appid: Optional(Type.String()), origin: Optional(Type.String()) }), {
      description: 'U2F, which WebAuthn has replaced.',
    }),
  ),
  webauthn: Optional(PropertyString(webauthnFields, { description: 'What security keys are bound to.' })),
};
