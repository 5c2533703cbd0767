/** Handlers for realms: their settings, and syncs of directories. */
import { ParameterError } from '@ryokan/api/errors.ts';
import type { ParamsOf } from '@ryokan/api/method.ts';
import {
  accessRealm,
  accessRealmCreate,
  accessRealmDelete,
  accessRealmPreview,
  accessRealmSync,
  accessRealms,
  accessRealmUpdate,
} from '@ryokan/api/methods/access-realms.ts';
import { splitList } from '@ryokan/api/schema/formats.ts';
import { fixedRealmFields, realmFields } from '@ryokan/api/schema/realm-options.ts';
import {
  changeRealm,
  createRealm,
  draftChange,
  draftRealm,
  type RealmConfig,
  type RealmValues,
  realmSecret,
  realms,
  realmsDigest,
  removeRealm,
  requireRealm,
  type SecretField,
  secretFields,
  setRealmSecret,
} from '../../access/realms/realm-config.ts';
import type { ConfigStore } from '../../cluster/store.ts';
import type { Services } from '../../services.ts';
import type { TaskContext } from '../../tasks/task.ts';
import type { Call, HandlerTable } from '../handler-table.ts';
import { urlReach } from '../url-reach.ts';

export function accessRealmHandlers(table: HandlerTable, services: Services): void {
  const { store } = services;
  table.on(accessRealms, () => realms(store).map(realmRow));
  table.on(accessRealm, ({ realm }) => shown(requireRealm(store, realm), realmsDigest(store)));
  table.on(accessRealmCreate, async (params, call) => {
    const { realm, type } = params;
    const reach = urlReach(services, call.user);
    await refuseUnworkable(params, draftRealm(realm, type, settingsOf(params), reach), params.password);
    await createRealm(store, realm, type, settingsOf(params), call.user, reach);
    await storeSecrets(store, realm, params, [], call.user);
    return null;
  });
  table.on(accessRealmUpdate, async (params, call) => {
    const { realm, digest } = params;
    const remove = splitList(params.delete ?? '');
    const change = { values: settingsOf(params), remove, reach: urlReach(services, call.user) };
    const password = remove.includes('password')
      ? undefined
      : (params.password ?? realmSecret(store, realm, 'password'));
    await refuseUnworkable(params, draftChange(requireRealm(store, realm), change), password);
    await changeRealm(store, realm, { ...change, digest }, call.user);
    await storeSecrets(store, realm, params, remove, call.user);
    return null;
  });
  table.on(accessRealmDelete, async ({ realm }, call) => {
    await removeRealm(store, realm, call.user);
    return null;
  });
  syncHandlers(table, services);
}

function syncHandlers(table: HandlerTable, services: Services): void {
  const { store } = services;
  table.onTask(accessRealmSync, {
    async check({ realm }) {
      const { storedDirectory } = await directory();
      storedDirectory(store, realm);
    },
    run: (params, task) => runSync(store, params, task),
  });
  const preview = async (params: ParamsOf<typeof accessRealmPreview>, call: Call) => {
    const { directorySettings, previewSync, storedDirectory, syncOptions } = await directory();
    const { realm, type } = params;
    demandPreview(params, call);
    const tried = type && draftRealm(realm, type, settingsOf(params), urlReach(services, call.user));
    const settings = tried ? directorySettings(tried, params.password) : storedDirectory(store, realm);
    const options = syncOptions(store, tried ?? requireRealm(store, realm), params);
    const { url, users, groups, changes, warnings } = await previewSync(
      store,
      settings,
      options,
      call.signal,
    );
    return {
      server: url,
      users,
      groups,
      changes: changes.slice(0, 1000),
      total: changes.length,
      warnings: [...warnings],
    };
  };
  table.on(accessRealmPreview, preview, { plan: demandPreview });
}

/** Loaded when a directory is asked: nodes without one do without the LDAP client. */
const directory = async () => ({
  ...(await import('../../access/realms/directory/sync.ts')),
  ...(await import('../../access/realms/directory/settings.ts')),
});

/** Trying out settings takes the right to make realms: the node connects to where they say. */
function demandPreview(params: ParamsOf<typeof accessRealmPreview>, call: Call): void {
  if (params.type !== undefined) return call.demand('/access/realm', ['Realm.Allocate']);
  const given = Object.keys(settingsOf(params));
  if (given.length > 0 || params.password !== undefined) {
    throw new ParameterError({ type: 'needed to try out settings other than those of the realm' });
  }
  if (call.can('/access/realm', ['Realm.Allocate'])) return;
  call.demand(`/access/realm/${params.realm}`, ['Realm.AllocateUser']);
  call.demand('/access/groups', ['User.Modify']);
}

async function runSync(
  store: ConfigStore,
  params: ParamsOf<typeof accessRealmSync>,
  task: TaskContext,
): Promise<void> {
  const { previewSync, storedDirectory, syncOptions, syncRealm } = await directory();
  const { realm, 'dry-run': dryRun = false } = params;
  const settings = storedDirectory(store, realm);
  const options = syncOptions(store, requireRealm(store, realm), params);
  task.log(`reading ${options.scope === 'both' ? 'users and groups' : options.scope} of realm '${realm}'`);
  const result = dryRun
    ? await previewSync(store, settings, options, task.signal)
    : await syncRealm(store, settings, options, task.user, task.signal);
  task.log(`${result.url} has ${result.users} users and ${result.groups} groups`);
  for (const line of result.warnings) task.warn(line);
  for (const { kind, action, id, detail } of result.changes) {
    task.log(`${action} ${kind} '${id}'${detail ? ` (${detail})` : ''}`);
  }
  if (result.changes.length === 0) task.log('everything is as in the directory');
  if (dryRun) task.log('dry run: nothing was changed');
}

function realmRow({ realm, type, options }: RealmConfig) {
  return {
    realm,
    type,
    ...(options.has('comment') ? { comment: options.get('comment') } : {}),
    ...(options.get('default') === '1' ? { default: 1 as const } : {}),
    ...(options.has('tfa') ? { tfa: options.get('tfa') } : {}),
  };
}

type Shown = { type: string; digest: string; comment?: string; default?: 0 | 1 };

/** The settings as clients want them: numbers as numbers, no secrets. */
function shown({ type, options }: RealmConfig, digest: string): Shown {
  const entries = [...options].filter(([key]) => !secretFields.includes(key as SecretField));
  const typed = entries.map(([key, value]) => [key, isNumeric(key) ? Number(value) : value] as const);
  return { ...Object.fromEntries(typed), type, digest };
}

function isNumeric(key: string): boolean {
  const schema = Object.hasOwn(realmFields, key) ? realmFields[key as keyof typeof realmFields] : undefined;
  return schema?.type === 'boolean' || schema?.type === 'integer';
}

/** The settings among the parameters, without secrets. */
function settingsOf(params: Readonly<Record<string, unknown>>): RealmValues {
  const names = [...Object.keys(realmFields), ...Object.keys(fixedRealmFields)];
  const given = names.filter(
    (key) => params[key] !== undefined && !secretFields.includes(key as SecretField),
  );
  return Object.fromEntries(given.map((key) => [key, params[key] as string | number | boolean]));
}

async function storeSecrets(
  store: ConfigStore,
  realm: string,
  params: { readonly [F in SecretField]?: string | undefined },
  remove: readonly string[],
  author: string,
): Promise<void> {
  for (const field of secretFields) {
    if (params[field] !== undefined) await setRealmSecret(store, realm, field, params[field], author);
    else if (remove.includes(field)) await setRealmSecret(store, realm, field, undefined, author);
  }
}

/** Before anything is stored: what cannot work, and with check-connection what does not work now. */
async function refuseUnworkable(
  params: { readonly 'check-connection'?: boolean | undefined },
  draft: RealmConfig,
  password: string | undefined,
): Promise<void> {
  const connect = params['check-connection'] === true;
  if (draft.type === 'openid') return refuseUnworkableProvider(draft, connect);
  if (draft.type !== 'ldap' && draft.type !== 'ad') return;
  const { directorySettings } = await directory();
  const settings = directorySettings(draft, password);
  if (!connect) return;
  const { checkDirectory } = await import('../../access/realms/directory/read.ts');
  await checkDirectory(settings);
}

/** Anybody can make the node ask the provider of a realm, so one that the caller may not ask is found out at once. */
async function refuseUnworkableProvider(draft: RealmConfig, connect: boolean): Promise<void> {
  const { openIdSettings } = await import('../../access/realms/openid/settings.ts');
  const settings = openIdSettings(draft, undefined);
  if (!connect && settings.reach === 'any') return;
  const { discover } = await import('../../access/realms/openid/provider.ts');
  await discover(settings);
}
