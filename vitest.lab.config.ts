import { mergeConfig } from 'vitest/config';
import integration from './vitest.integration.config.ts';

/** Suites too long for every change: whole operating systems, many guests at once. `./ryokan test lab` runs them. */
const config = mergeConfig(integration, {});
config.test = { ...config.test, include: ['test/lab/**/*.test.ts'] };
export default config;
