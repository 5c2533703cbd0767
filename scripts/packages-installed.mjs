/**
 * Ends with 0 when node_modules holds exactly what package-lock.json asks for on this machine, else with 1.
 * Plain JavaScript: it runs before anything is there that could build TypeScript.
 */
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** Packages of a lock file by folder; npm keeps the same list of what it installed in node_modules. */
const packagesOf = (path) => JSON.parse(readFileSync(join(root, path), 'utf8')).packages;

try {
  const wanted = packagesOf('package-lock.json');
  const installed = packagesOf('node_modules/.package-lock.json');
  const same = Object.entries(wanted).every(([folder, entry]) => {
    if (!folder.includes('node_modules/')) return true;
    const found = installed[folder];
    // Optional packages are those of other platforms, or their absence is no harm.
    if (!found) return entry.optional === true;
    return found.version === entry.version && found.integrity === entry.integrity;
  });
  process.exitCode = same ? 0 : 1;
} catch {
  process.exitCode = 1;
}
