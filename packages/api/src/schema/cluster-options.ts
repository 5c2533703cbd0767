/** Options of the whole datacenter that consist of several values. */
import { PropertyString } from './property-string.ts';
import { Enum, Type } from './types.ts';

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
  'user-tag-access': Optional(PropertyString(tagAccessFields, { description: 'Who may set which tags.' })),
};
