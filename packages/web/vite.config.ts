import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { brotliCompressSync, constants, gzipSync } from 'node:zlib';
import react from '@vitejs/plugin-react';
import { defineConfig, type Plugin } from 'vite';

/** Writes a .gz and a .br file beside each text file of the build; the gateway serves them as they are. */
function precompress(): Plugin {
  let outDir = '';
  return {
    name: 'precompress',
    apply: 'build',
    configResolved: (config) => {
      outDir = resolve(config.root, config.build.outDir);
    },
    closeBundle: () => {
      // Also called after a failed build; its own error must not hide the cause.
      if (!existsSync(outDir)) return;
      for (const name of readdirSync(outDir, { recursive: true, encoding: 'utf8' })) {
        const path = join(outDir, name);
        if (!/\.(js|css|html|svg|json)$/.test(name) || statSync(path).size < 1024) continue;
        const bytes = readFileSync(path);
        writeFileSync(`${path}.gz`, gzipSync(bytes, { level: 9 }));
        writeFileSync(
          `${path}.br`,
          brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 10 } }),
        );
      }
    },
  };
}

interface Modules {
  getModuleInfo(id: string): { readonly isEntry: boolean; readonly importers: readonly string[] } | null;
}

/** What a person sees first after the login. */
const landingPage = /pages[\\/]datacenter[\\/](?:datacenter-page|summary)\.tsx$/;

/** Whether the start or the landing page needs a module, by whatever chain of imports. */
function isAtStart(module: string, modules: Modules): boolean {
  const seen = new Set([module]);
  for (const id of seen) {
    const info = modules.getModuleInfo(id);
    if (info?.isEntry || landingPage.test(id)) return true;
    for (const importer of info?.importers ?? []) seen.add(importer);
  }
  return false;
}

/** Two chunks of a group: what the start needs, and what pages share that come later; else the first page waits for all. */
const named = (group: string) => (id: string, modules: Modules) =>
  isAtStart(id, modules) ? group : `${group}-later`;

const api = process.env.RYOKAN_API ?? 'http://127.0.0.1:18006';

export default defineConfig({
  plugins: [react(), precompress()],
  build: {
    target: 'es2022',
    // Nothing inline: fonts and images are files of their own, as the content security policy wants it.
    assetsInlineLimit: 0,
    manifest: true,
    chunkSizeWarningLimit: 700,
    rolldownOptions: {
      output: {
        // The gateway speaks HTTP/1.1, so a few files of some size load faster than many small ones. What many pages
        // share goes together; what few need stays with them.
        codeSplitting: {
          groups: [
            {
              name: 'react',
              test: /node_modules[\\/](?:react|react-dom|react-router|scheduler|@tanstack|i18next|react-i18next)[\\/]/,
              priority: 3,
            },
            {
              name: named('patternfly'),
              test: /node_modules[\\/]@patternfly[\\/]/,
              minShareCount: 4,
              priority: 2,
            },
            {
              name: named('api'),
              test: /(?:packages[\\/]api[\\/]|@sinclair)/,
              minShareCount: 3,
              priority: 2,
            },
            { name: named('common'), test: /packages[\\/]web[\\/]src[\\/]/, minShareCount: 4, priority: 1 },
          ],
        },
      },
    },
  },
  server: {
    port: 15173,
    proxy: {
      '/api2': {
        target: api,
        changeOrigin: true,
        secure: false,
        ws: true,
        // The page comes by plain HTTP here, and some browsers then keep no secure cookie.
        configure: (proxy) => {
          proxy.on('proxyRes', ({ headers }) => {
            const cookies = headers['set-cookie'];
            if (cookies) headers['set-cookie'] = cookies.map((one) => one.replace(/; Secure/i, ''));
          });
        },
      },
    },
  },
});
