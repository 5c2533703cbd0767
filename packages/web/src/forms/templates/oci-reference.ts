/** References of images in OCI registries, as people paste them. */

/** `registry.example.com:5000/team/app` and `1.0`; '' where nothing is said. */
export interface OciReference {
  readonly repository: string;
  readonly tag: string;
}

/** Takes `docker pull` and addresses of web pages apart as well: what stands in front of the registry is dropped. */
export function parseReference(text: string): OciReference {
  const plain = text
    .trim()
    .replace(/^(?:docker|podman)\s+pull\s+/, '')
    .replace(/^(?:docker|oci|https?):\/\//, '')
    .replace(/@sha256:[0-9a-f]+$/, '')
    .replace(/\/$/, '');
  const name = plain.slice(plain.lastIndexOf('/') + 1);
  const colon = name.indexOf(':');
  if (colon < 0) return { repository: plain, tag: '' };
  return {
    repository: plain.slice(0, plain.length - name.length + colon),
    tag: name.slice(colon + 1),
  };
}

/** The file that an image is kept as: `app_1.0.tar`. */
export function archiveName({ repository, tag }: OciReference): string {
  return `${repository.slice(repository.lastIndexOf('/') + 1)}_${tag}.tar`;
}

/** `latest` first, then what looks newest. */
export function orderedTags(tags: readonly string[]): string[] {
  const collator = new Intl.Collator('en', { numeric: true });
  return [...tags].sort((a, b) => Number(b === 'latest') - Number(a === 'latest') || collator.compare(b, a));
}
