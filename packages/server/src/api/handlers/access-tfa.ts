/** Handlers for second factors. */
import { ParameterError, RyokanError } from '@ryokan/api/errors.ts';
import type { ParamsOf } from '@ryokan/api/method.ts';
import {
  tfaAdd,
  tfaDelete,
  tfaList,
  tfaRead,
  tfaTypes,
  tfaUnlock,
  tfaUpdate,
  tfaUser,
} from '@ryokan/api/methods/access-tfa.ts';
import { readTfaConfig, readUserConfig } from '../../access/access-documents.ts';
import { splitUserId } from '../../access/realms/realm.ts';
import { findRealm } from '../../access/realms/realm-config.ts';
import { requireFactor } from '../../access/second-factor/factor-changes.ts';
import { type FactorInfo, factorsOf, listFactors } from '../../access/second-factor/tfa-config.ts';
import { requireRelyingParty } from '../../access/second-factor/webauthn.ts';
import { rootUser } from '../../access/user-config.ts';
import type { Services } from '../../services.ts';
import { confirmPassword } from '../confirm-password.ts';
import type { Call, HandlerTable } from '../handler-table.ts';
import { visibleUsers } from '../visible-users.ts';

export function secondFactorHandlers(table: HandlerTable, services: Services): void {
  readHandlers(table, services);
  changeHandlers(table, services);
}

const onWire = ({ enable, ...info }: FactorInfo) => ({
  ...info,
  enable: enable ? (1 as const) : (0 as const),
});

function readHandlers(table: HandlerTable, { store }: Services): void {
  const factors = (user: string) => factorsOf(readTfaConfig(store), user);
  const list = (user: string) => listFactors(factors(user)).map(onWire);
  table.on(tfaList, (_params, call) => {
    const config = readUserConfig(store);
    const visible = visibleUsers(config, call, ['User.Modify', 'Sys.Audit']);
    const now = Math.floor(Date.now() / 1000);
    return [...config.users.keys()].filter(visible).flatMap((userid) => {
      const entries = list(userid);
      if (entries.length === 0) return [];
      const { 'totp-locked': locked, 'tfa-locked-until': until = 0 } = factors(userid) ?? {};
      return [
        {
          userid,
          entries,
          ...(locked ? { 'totp-locked': 1 as const } : {}),
          ...(until > now ? { 'tfa-locked-until': until } : {}),
        },
      ];
    });
  });
  table.on(tfaUser, ({ userid }) => list(userid));
  table.on(tfaRead, ({ userid, id }) => onWire(requireFactor(factors(userid), userid, id)));
  table.on(tfaTypes, ({ userid, multiple = false }) => {
    const kinds = [...new Set(list(userid).map(({ type }) => type))];
    const demanded = /(?:^|,)type=(oath|yubico)/.exec(
      findRealm(store, splitUserId(userid).realm)?.options.get('tfa') ?? '',
    )?.[1] as 'oath' | 'yubico' | undefined;
    const realm = demanded === undefined ? {} : { realm: demanded };
    if (multiple) return { ...realm, types: kinds };
    return { ...realm, ...(kinds.includes('totp') ? { user: 'oath' as const } : {}) };
  });
}

function changeHandlers(table: HandlerTable, { access, store }: Services): void {
  const { factors } = access;

  /** root@pam's factors are for root@pam alone; all others prove by their own password that it is them. */
  async function demandSelf(userid: string, password: string | undefined, call: Call): Promise<void> {
    if (userid === rootUser && !call.isRoot)
      throw new RyokanError('forbidden', 'Permission check failed (user != root@pam)');
    if (!access.userExists(userid)) throw new RyokanError('not-found', `no such user ('${userid}')`);
    // Who can open root's socket could change the document itself.
    if (call.isRoot && call.remote === 'local') return;
    await confirmPassword(access, call, 'password', password);
  }

  const add = async (params: ParamsOf<typeof tfaAdd>, call: Call) => {
    const { userid, type, description = '', totp, value, challenge, password } = params;
    demandKind(type);
    if (type === 'webauthn' && challenge !== undefined) {
      // The password was asked for when the challenge was made, for this user only; it may come again all the same.
      if (userid === rootUser && !call.isRoot)
        throw new RyokanError('forbidden', 'Permission check failed (user != root@pam)');
      const answer = required(value, 'value', 'the answer of the security key is needed');
      return { id: await factors.finishKey(userid, challenge, answer, call.user) };
    }
    await demandSelf(userid, password, call);
    if (type === 'webauthn') {
      const party = requireRelyingParty(store, call.host);
      return { challenge: await factors.beginKey(party, userid, description) };
    }
    if (type === 'recovery')
      return { id: 'recovery', recovery: await factors.addRecovery(userid, call.user) };
    const uri = required(totp, 'totp', 'the key is needed, as otpauth URI');
    const code = required(value, 'value', 'a present code is needed, to prove that the key was stored');
    return { id: await factors.addTotp(userid, uri, code, description, call.user) };
  };
  // What proves a factor is good for once: a dry run does not use it up.
  table.on(tfaAdd, add, {
    plan({ userid, type, password }, call) {
      demandKind(type);
      return demandSelf(userid, password, call);
    },
  });
  table.on(tfaUpdate, async ({ userid, id, password, description, enable }, call) => {
    await demandSelf(userid, password, call);
    await factors.change(userid, id, { description, enable }, call.user);
    return null;
  });
  table.on(tfaDelete, async ({ userid, id, password }, call) => {
    await demandSelf(userid, password, call);
    await factors.remove(userid, id, call.user);
    return null;
  });
  table.on(tfaUnlock, async ({ userid }, call) => {
    const was = await factors.unlock(userid, call.user);
    return was ? 1 : 0;
  });
}

function demandKind(type: ParamsOf<typeof tfaAdd>['type']): void {
  if (type !== 'u2f' && type !== 'yubico') return;
  throw new RyokanError(
    'unsupported',
    `second factors of type '${type}' are not supported; use webauthn or totp`,
  );
}

function required(value: string | undefined, name: string, text: string): string {
  if (value === undefined) throw new ParameterError({ [name]: text });
  return value;
}
