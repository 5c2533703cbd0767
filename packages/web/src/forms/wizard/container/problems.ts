/** What is wrong with a container's draft, before anybody asks the server. */
import { lxcCreate } from '@ryokan/api/methods/lxc.ts';
import { lxcNetFields, mountPointFields } from '@ryokan/api/schema/lxc-config.ts';
import { readPropertyString } from '@ryokan/api/schema/property-string.ts';
import { validate } from '@ryokan/api/validate.ts';
import { formProblems, missing } from '../../problems.ts';
import type { Problems } from '../wizard-state.ts';
import {
  type CardDraft,
  type ContainerDraft,
  cardText,
  createParams,
  keyLines,
  mountText,
  type VolumeDraft,
} from './draft.ts';

/** Problems by parameter, those of volumes and cards by `rootfs.size`, `mp0.path`, `net0.ip`. */
export function problemsOf(draft: ContainerDraft): Problems {
  const fields = { ...loginProblems(draft), ...diskProblems(draft), ...cardProblems(draft.nics) };
  const told = new Set(Object.keys(fields).map((key) => key.split('.')[0]));
  const { errors = {} } = validate(lxcCreate.params, createParams(draft));
  const others = Object.entries(errors).filter(([key]) => !told.has(key));
  return { ...Object.fromEntries(others), ...fields };
}

function loginProblems({ password, passwordAgain, sshKeys }: ContainerDraft): Problems {
  const bad = keyLines(sshKeys).find((line) => !isSshKey(line));
  return {
    ...(password === passwordAgain ? {} : { passwordAgain: formProblems.passwordsDiffer }),
    ...(bad === undefined ? {} : { 'ssh-public-keys': formProblems.notSshKey }),
  };
}

/** `[options] type base64 [comment]`, sshd(8). */
const isSshKey = (line: string) =>
  /(?:^|\s)(?:ssh-(?:rsa|dss|ed25519)|ecdsa-sha2-nistp\d+|sk-[a-z0-9-]+@openssh\.com) AAAA[0-9A-Za-z+/]+=*(?:\s|$)/.test(
    line,
  );

function diskProblems({ rootfs, mounts }: ContainerDraft): Problems {
  const problems: Record<string, string> = {};
  const add = (key: string, problem: string | undefined) => {
    if (problem !== undefined) problems[key] = problem;
  };
  const addVolume = (key: string, volume: VolumeDraft) => {
    add(`${key}.storage`, volume.storage === '' ? missing : undefined);
    add(`${key}.size`, sizeProblem(volume.size.trim()));
  };
  addVolume('rootfs', rootfs);
  mounts.forEach((mount, index) => {
    const key = `mp${index}`;
    if (mount.source === 'volume') addVolume(key, mount);
    else add(`${key}.directory`, pathProblem(mount.directory.trim()));
    const path = mount.path.trim();
    const same = mounts.findIndex((one) => one.path.trim() === path) < index;
    const wrong = readPropertyString(mountPointFields, mountText(mount)).errors?.mp;
    add(`${key}.path`, pathProblem(path) ?? (same || path === '/' ? formProblems.pathTaken : wrong));
  });
  return problems;
}

function sizeProblem(size: string): string | undefined {
  if (!/^\d+(\.\d+)?$/.test(size)) return size === '' ? missing : `type check ('number') failed`;
  return Number(size) > 0 ? undefined : 'value must have a minimum value of 1';
}

function pathProblem(path: string): string | undefined {
  if (path === '') return missing;
  return path.startsWith('/') ? undefined : formProblems.pathNotAbsolute;
}

function cardProblems(nics: readonly CardDraft[]): Problems {
  const problems: Record<string, string> = {};
  nics.forEach((nic, index) => {
    const key = `net${index}`;
    const { errors = {} } = readPropertyString(lxcNetFields, cardText(nic));
    for (const [field, problem] of Object.entries(errors)) problems[`${key}.${field || 'bridge'}`] = problem;
    if (nic.bridge === '') problems[`${key}.bridge`] = missing;
    if (nic.ipMode === 'static' && nic.ip.trim() === '') problems[`${key}.ip`] = missing;
    if (nic.ip6Mode === 'static' && nic.ip6.trim() === '') problems[`${key}.ip6`] = missing;
    if (nics.findIndex((one) => one.name.trim() === nic.name.trim()) < index)
      problems[`${key}.name`] = formProblems.nameTaken;
  });
  return problems;
}
