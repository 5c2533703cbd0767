/** What the build runs to make the manifests: all method records of the registry as it is now. */
import '@ryokan/api/methods/index.ts';
import { allMethods } from '@ryokan/api/method.ts';
import { type BuiltManifest, buildCliManifest } from './manifest-build.ts';

export const registryManifest = (version: string): BuiltManifest => buildCliManifest(allMethods(), version);
