/** YAML output, in a file of its own: loaded only when it is asked for. */
import { stringify } from 'yaml';

export const toYaml = (value: unknown): string => `---\n${stringify(value)}`;
