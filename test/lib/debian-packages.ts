/** What the test images take from Debian: versions of installed packages, the machine's mirror, a kernel package. */
import { readFileSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from '../../packages/server/src/host/exec.ts';

/** This machine's Debian, os-release(5): test images are made of the same. */
export const hostDebian = (() => {
  const text = readFileSync('/etc/os-release', 'utf8');
  const field = (name: string) => new RegExp(`^${name}="?([^"\n]*)"?$`, 'm').exec(text)?.[1] ?? '';
  return { release: field('VERSION_ID'), suite: field('VERSION_CODENAME') };
})();

/** Installed versions, `<name> <version>`, in the order asked for. Fails with what to install when one is missing. */
export async function packageVersions(names: readonly string[]): Promise<string[]> {
  // biome-ignore lint/suspicious/noTemplateCurlyInString: field names of dpkg-query
  const format = '${Package} ${db:Status-Abbrev} ${Version}\\n';
  const { stdout } = await run('dpkg-query', ['-W', '-f', format, ...names], { okCodes: [0, 1] });
  const installed = new Map(
    stdout
      .split('\n')
      .map((line) => line.split(/\s+/))
      .filter(([, status]) => status === 'ii')
      .map(([name, , version]) => [name, version]),
  );
  const missing = names.filter((name) => !installed.has(name));
  if (missing.length > 0) {
    throw new Error(
      `Debian packages for the test images are missing. Run: apt-get install ${missing.join(' ')}`,
    );
  }
  return names.map((name) => `${name} ${installed.get(name)}`);
}

/** The archive that this machine's apt uses for Debian itself; undefined leaves the choice to debootstrap. */
export async function debianMirror(): Promise<string | undefined> {
  const { stdout } = await run('apt-get', [
    'indextargets',
    ...['--format', '$(RELEASE) $(COMPONENT) $(REPO_URI)', 'Created-By: Packages'],
  ]);
  const lines = stdout.split('\n').map((line) => line.split(' '));
  return lines.find(([suite, component]) => suite === hostDebian.suite && component === 'main')?.[2];
}

export interface KernelPackage {
  /** Package name with the exact kernel release, as linux-image-6.1.0-1-cloud-amd64. */
  readonly name: string;
  /** Kernel release: 6.1.0-1-cloud-amd64. */
  readonly release: string;
  /** Package version. */
  readonly version: string;
}

/** The kernel that Debian's linux-image-cloud-amd64 stands for at the moment. */
export async function cloudKernel(): Promise<KernelPackage> {
  const { stdout } = await run('apt-cache', ['depends', '--important', 'linux-image-cloud-amd64']);
  const name = /Depends: (linux-image-[0-9]\S+)/.exec(stdout)?.[1];
  if (name === undefined) throw new Error('apt knows no linux-image-cloud-amd64. Run: apt-get update');
  const show = await run('apt-cache', ['show', '--no-all-versions', name]);
  const version = /^Version: (.*)$/m.exec(show.stdout)?.[1] ?? '';
  return { name, release: name.slice('linux-image-'.length), version };
}

/** Downloads the kernel package and unpacks it below `directory`: boot/vmlinuz-RELEASE, lib/modules/RELEASE. */
export async function unpackKernel(kernel: KernelPackage, directory: string): Promise<void> {
  await run('apt-get', ['download', `${kernel.name}=${kernel.version}`], {
    cwd: directory,
    timeout: 120_000,
  });
  const file = (await readdir(directory)).find((entry) => entry.endsWith('.deb'));
  if (file === undefined) throw new Error(`apt-get download ${kernel.name} left no package`);
  await run('dpkg-deb', ['-x', join(directory, file), directory]);
}
