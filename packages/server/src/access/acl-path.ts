/**
 * The paths that permissions hang on. They form a tree of their own (`/vms/100`, `/storage/local`) that has nothing to
 * do with URLs. Source of the grammar: the ACL path pattern of the public Proxmox VE 9 API.
 */

const id = '[A-Za-z0-9.\\-_]+';

/** What may stand below `/`; each entry is one branch of the tree. */
const branches = [
  `access(?:/groups(?:/${id})?|/realm(?:/${id})?)?`,
  `nodes(?:/${id})?`,
  `pool(?:/${id}(?:/${id}){0,2})?`,
  'sdn(?:/controllers(?:/[A-Za-z0-9_-]+)?|/(?:dns|fabrics|ipams|prefix-lists|route-maps)(?:/[A-Za-z0-9]+)?' +
    `|/zones(?:/${id}(?:/${id}(?:/[1-9][0-9]{0,3})?)?)?)?`,
  `storage(?:/${id})?`,
  'vms(?:/[1-9][0-9]{2,})?',
  `mapping(?:/${id}(?:/${id})?)?`,
];

const pattern = new RegExp(`^/(?:${branches.join('|')})?$`);

/**
 * The usual spelling of an ACL path: one slash at the start and between parts, none at the end. Undefined when it is
 * no path of the tree.
 */
export function normalizeAclPath(text: string): string | undefined {
  const path = `/${text}`.replace(/\/+/g, '/').replace(/(.)\/$/, '$1');
  return pattern.test(path) ? path : undefined;
}
