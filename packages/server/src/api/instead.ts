/** Operations of the public API that are not there on purpose, and what does the same here. */

const alternatives: ReadonlyArray<readonly [RegExp, string]> = [
  [
    /^\/nodes\/[^/]+\/lxc\/\d+\/spiceproxy$/,
    'containers have no SPICE display; use vncproxy for a picture of their console, termproxy for a terminal',
  ],
];

/** What to use instead of the operation at `path` (without `/api2/json`); undefined where nothing is to be said. */
export function instead(path: string): string | undefined {
  return alternatives.find(([pattern]) => pattern.test(path))?.[1];
}
