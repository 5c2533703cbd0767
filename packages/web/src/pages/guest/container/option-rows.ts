/** Options of a container: those of its own page, and those of its names. */
import type { OptionRow } from '../option-list.ts';
import { distributions } from './container-model.ts';

export const containerOptions: readonly OptionRow[] = [
  { key: 'tags', label: 'guest.tags', help: 'wizard.tagsHelp', option: { kind: 'text' } },
  { key: 'onboot', label: 'wizard.onboot', option: { kind: 'flag', preset: false } },
  { key: 'startup', label: 'options.startup', option: { kind: 'startup' } },
  {
    key: 'ostype',
    label: 'container.distribution',
    help: 'container.distributionHelp',
    option: {
      kind: 'choice',
      choices: [
        ...Object.entries(distributions).map(([value, label]) => ({ value, label })),
        { value: 'unmanaged', words: 'container.unmanaged' },
      ],
    },
  },
  {
    key: 'arch',
    label: 'container.arch',
    option: {
      kind: 'choice',
      preset: 'amd64',
      choices: [
        { value: 'amd64', label: 'amd64 (x86-64)' },
        { value: 'i386', label: 'i386' },
        { value: 'arm64', label: 'arm64' },
        { value: 'armhf', label: 'armhf' },
        { value: 'riscv32', label: 'riscv32' },
        { value: 'riscv64', label: 'riscv64' },
      ],
    },
  },
  {
    key: 'cmode',
    label: 'container.consoleMode',
    help: 'container.consoleModeHelp',
    option: {
      kind: 'choice',
      preset: 'tty',
      choices: [
        { value: 'tty', words: 'container.consoleTty' },
        { value: 'console', label: '/dev/console' },
        { value: 'shell', words: 'container.consoleShell' },
      ],
    },
  },
  {
    key: 'console',
    label: 'container.hasConsole',
    option: { kind: 'flag', preset: true },
  },
  {
    key: 'tty',
    label: 'container.terminals',
    option: { kind: 'number', min: 0, max: 6, preset: '2' },
  },
  {
    key: 'protection',
    label: 'options.protection',
    help: 'options.protectionHelp',
    option: { kind: 'flag', preset: false },
  },
  {
    key: 'unprivileged',
    label: 'container.unprivileged',
    help: 'container.unprivilegedFixed',
    option: { kind: 'flag', preset: false },
    fixed: true,
  },
  { key: 'features', label: 'container.features', option: { kind: 'features' } },
  {
    key: 'timezone',
    label: 'container.timezone',
    help: 'container.timezoneHelp',
    option: { kind: 'text' },
  },
  {
    key: 'hookscript',
    label: 'options.hookscript',
    help: 'options.hookscriptHelp',
    option: { kind: 'text', mono: true },
  },
  {
    key: 'entrypoint',
    label: 'container.entrypoint',
    help: 'container.entrypointHelp',
    option: { kind: 'text', mono: true },
  },
  {
    key: 'env',
    label: 'container.env',
    help: 'container.envHelp',
    option: { kind: 'variables' },
  },
  {
    key: 'debug',
    label: 'container.debug',
    help: 'container.debugHelp',
    option: { kind: 'flag', preset: false },
  },
];

export const nameOptions: readonly OptionRow[] = [
  {
    key: 'hostname',
    label: 'container.hostname',
    help: 'container.hostnameHelp',
    option: { kind: 'text' },
  },
  {
    key: 'searchdomain',
    label: 'container.searchDomain',
    help: 'container.asOnNode',
    option: { kind: 'text', empty: 'container.ofNode' },
  },
  {
    key: 'nameserver',
    label: 'container.nameServers',
    help: 'container.nameServersHelp',
    option: { kind: 'text', mono: true, empty: 'container.ofNode' },
  },
];
