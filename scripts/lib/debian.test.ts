import { expect, it } from 'vitest';
import { chooseAlternative, parseOffered, readPackageList } from './debian.ts';
import { inProject } from './terminal.ts';

/** As apt-cache prints it on Debian 13: one installed, one not, one that only a dependency names, one unknown. */
const policy = `zstd:
  Installed: 1.5.7+dfsg-1
  Candidate: 1.5.7+dfsg-1
  Version table:
 *** 1.5.7+dfsg-1 500
virtiofsd:
  Installed: (none)
  Candidate: 1.13.2-1
  Version table:
     1.13.2-1 500
ghost:
  Installed: (none)
  Candidate: (none)
  Version table:
`;

it('what apt offers', () => {
  expect(parseOffered(policy)).toEqual(['zstd', 'virtiofsd']);
  expect(parseOffered('')).toEqual([]);
});

it('the first alternative that is offered', () => {
  const offered = new Set(['b', 'c']);
  expect(chooseAlternative(['a', 'b', 'c'], offered)).toBe('b');
  expect(chooseAlternative(['a', 'x'], offered)).toBe('a');
});

it.each(['packaging/debian-packages.txt', 'test/packages.txt'])(
  '%s has only names and alternatives',
  (path) => {
    const entries = readPackageList(inProject(path));
    expect(entries.length).toBeGreaterThan(5);
    for (const entry of entries) expect(entry).toMatch(/^[a-z0-9][a-z0-9.+-]+( \| [a-z0-9][a-z0-9.+-]+)*$/);
  },
);
