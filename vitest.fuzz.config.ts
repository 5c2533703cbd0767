import { mergeConfig } from 'vitest/config';
import integration from './vitest.integration.config.ts';

/** The long fuzz run; the integration suite has a short one. `./ryokan test fuzz` runs it. */
const config = mergeConfig(integration, { test: { env: { RYOKAN_FUZZ_CALLS: '20000' } } });
config.test = { ...config.test, include: ['test/fuzz/**/*.test.ts'] };
export default config;
