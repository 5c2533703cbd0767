/** The firewall of guests, of the datacenter and of this node: one implementation for all levels, see network/firewall. */
import {
  clusterFirewall as cluster,
  containerFirewall as container,
  guestFirewall as guest,
} from '@ryokan/api/methods/firewall.ts';
import type {
  aliasMethods,
  optionMethods,
  references,
  ruleMethods,
  setMethods,
} from '@ryokan/api/methods/firewall-parts.ts';
import type { TProperties } from '@ryokan/api/schema/types.ts';
import type { DaemonServices } from '../../daemon-services.ts';
import { type GuestType, readGuest } from '../../guests/guest-store.ts';
import type { FirewallDocument } from '../../network/firewall/document.ts';
import { entries, sections } from '../../network/firewall/document.ts';
import {
  clusterFirewall,
  guestFirewall,
  readDocument,
  withLocalNetwork,
} from '../../network/firewall/documents.ts';
import * as aliases from '../../network/firewall/edit/aliases.ts';
import { changeDocument } from '../../network/firewall/edit/change.ts';
import { makeGroup, removeGroup } from '../../network/firewall/edit/groups.ts';
import { listSections, type SectionFields } from '../../network/firewall/edit/named-sections.ts';
import { changeOptions, type OptionKinds, shownOptions } from '../../network/firewall/edit/options.ts';
import * as rules from '../../network/firewall/edit/rules.ts';
import * as sets from '../../network/firewall/edit/sets.ts';
import { macros } from '../../network/firewall/macros.ts';
import { readPacketLog } from '../../network/firewall/packet-log.ts';
import { childrenOf } from '../directory.ts';
import { reachabilityCheck } from '../firewall-reach.ts';
import { guestFirewallStatus } from '../firewall-status.ts';
import { type Call, type HandlerTable, Reply } from '../handler-table.ts';

/** What a level's paths name. */
type PathParams = Readonly<{ node?: string; vmid?: number; group?: string }>;

/** One level: where its document is. */
interface Level {
  /** Throws what clients expect when there is no such guest. */
  readonly path: (params: PathParams) => string;
  readonly owner: rules.RuleList['owner'];
}

/** Of records: their levels' own parameters are left open, see PathParams. */
type None = Record<never, never>;

export function firewallHandlers(table: HandlerTable, services: DaemonServices): void {
  const handlers = new LevelHandlers(table, services);
  guestHandlers(table, services, handlers, 'qemu', guest);
  guestHandlers(table, services, handlers, 'lxc', container);

  const datacenter: Level = { owner: 'cluster', path: () => clusterFirewall };
  handlers.rules(cluster.rules, datacenter);
  handlers.aliases(cluster.aliases, datacenter);
  handlers.sets(cluster.ipset, datacenter);
  handlers.references(cluster.refs, datacenter);
  handlers.options(cluster.options, datacenter, clusterOptions);
  table.on(cluster.index, () => childrenOf(cluster.index, 'name'));
  table.on(cluster.macros, () =>
    macros.map(({ name, description }) => ({ macro: name, descr: description })),
  );
  groupHandlers(table, services, handlers);
}

/** VMs and containers alike; which of them says the type of the document. */
function guestHandlers(
  table: HandlerTable,
  services: DaemonServices,
  handlers: LevelHandlers,
  type: GuestType,
  records: typeof guest | typeof container,
): void {
  const guests: Level = {
    owner: 'guest',
    path: ({ node = '', vmid = 0 }) => {
      readGuest(services.store, type, node, vmid);
      return guestFirewall(vmid);
    },
  };
  handlers.rules(records.rules, guests);
  handlers.aliases(records.aliases, guests);
  handlers.sets(records.ipset, guests);
  handlers.references(records.refs, guests);
  handlers.options(records.options, guests, guestOptions);
  table.on(records.index, () => childrenOf(records.index, 'name'));
  table.on(records.status, ({ vmid }) => guestFirewallStatus(services, vmid));
  table.on(records.log, async ({ vmid, start = 0, limit = 50, ...query }) => {
    const lines = await readPacketLog(services.paths.root, { vmid, ...query });
    const shown = lines.slice(start, limit === 0 ? undefined : start + limit);
    return new Reply(
      shown.map(({ text }, i) => ({ n: start + i + 1, t: text })),
      { total: lines.length },
    );
  });
}

const guestOptions: OptionKinds = {
  enable: 'switch',
  dhcp: 'switch',
  ipfilter: 'switch',
  macfilter: 'switch',
  ndp: 'switch',
  radv: 'switch',
  policy_in: 'text',
  policy_out: 'text',
  log_level_in: 'text',
  log_level_out: 'text',
};

const clusterOptions: OptionKinds = {
  enable: 'number',
  ebtables: 'switch',
  log_ratelimit: 'text',
  policy_in: 'text',
  policy_out: 'text',
  policy_forward: 'text',
};

function groupHandlers(table: HandlerTable, services: DaemonServices, handlers: LevelHandlers): void {
  const { store } = services;
  const { groups } = cluster;
  handlers.rules(groups.rules, { owner: 'group', path: () => clusterFirewall });
  table.on(groups.list, () =>
    listSections(readDocument(store, clusterFirewall), 'group').map(({ name, ...row }) => ({
      group: name,
      ...row,
    })),
  );
  table.on(groups.create, async ({ group, ...fields }, call) => {
    await makeGroup(store, group, fields, call.user);
    return null;
  });
  table.on(groups.remove, async ({ group }, call) => {
    await changeDocument({ store, path: clusterFirewall, author: call.user }, (document) =>
      removeGroup(document, group),
    );
    return null;
  });
}

/** Handlers of one kind of records, for any level. */
class LevelHandlers {
  constructor(
    private readonly table: HandlerTable,
    private readonly services: DaemonServices,
  ) {}

  rules<P extends TProperties>(records: ReturnType<typeof ruleMethods<P>>, level: Level): void {
    const methods = records as unknown as ReturnType<typeof ruleMethods<None>>;
    const { table } = this;
    const listOf = ({ group }: PathParams): rules.RuleList =>
      level.owner === 'group'
        ? { kind: 'group', name: group, owner: 'group' }
        : { kind: 'rules', owner: level.owner };
    table.on(methods.list, (params: PathParams) =>
      rules.listRules(this.read(level, params), listOf(params)).map((rule, pos) => ({ ...rule, pos })),
    );
    table.on(methods.get, (params: PathParams & { pos: number }) => ({
      ...rules.ruleAt(rules.listRules(this.read(level, params), listOf(params)), params.pos),
      pos: String(params.pos),
    }));
    table.on(methods.create, (params: PathParams & rules.RuleFields, call) =>
      this.change(level, params, call, (document) =>
        rules.addRule(document, listOf(params), params, this.names(level, document)),
      ),
    );
    table.on(methods.update, (params: PathParams & { pos: number }, call) =>
      this.change(level, params, call, (document) =>
        rules.changeRule(
          document,
          listOf(params),
          params.pos,
          params as rules.RuleFields,
          this.names(level, document),
        ),
      ),
    );
    table.on(methods.remove, (params: PathParams & { pos: number; digest?: string }, call) =>
      this.change(level, params, call, (document) =>
        rules.removeRule(document, listOf(params), params.pos, params.digest),
      ),
    );
  }

  aliases<P extends TProperties>(records: ReturnType<typeof aliasMethods<P>>, level: Level): void {
    const methods = records as unknown as ReturnType<typeof aliasMethods<None>>;
    const { table } = this;
    type Named = PathParams & { name: string };
    type Fields = Named & aliases.AliasFields;
    type Seen = Named & { digest?: string };
    table.on(methods.list, (params: PathParams) => aliases.listAliases(this.read(level, params)));
    table.on(methods.get, (params: Named) => aliases.aliasNamed(this.read(level, params), params.name));
    table.on(methods.create, (params: Fields, call) =>
      this.change(level, params, call, (document) => aliases.addAlias(document, params.name, params)),
    );
    table.on(methods.update, (params: Fields, call) =>
      this.change(level, params, call, (document) => aliases.changeAlias(document, params.name, params)),
    );
    table.on(methods.remove, (params: Seen, call) =>
      this.change(level, params, call, (document) =>
        aliases.removeAlias(document, params.name, params.digest),
      ),
    );
  }

  sets<P extends TProperties>(records: ReturnType<typeof setMethods<P>>, level: Level): void {
    const methods = records as unknown as ReturnType<typeof setMethods<None>>;
    const { table } = this;
    type Named = PathParams & { name: string };
    type Member = Named & { cidr: string } & sets.SetMemberFields;
    table.on(methods.list, (params: PathParams) => listSections(this.read(level, params), 'ipset'));
    table.on(methods.create, (params: Named & SectionFields, call) =>
      this.change(level, params, call, (document) => sets.makeSet(document, params.name, params)),
    );
    table.on(methods.remove, (params: Named & { force?: boolean }, call) =>
      this.change(level, params, call, (document) =>
        sets.removeSet(document, params.name, params.force === true),
      ),
    );
    table.on(methods.members, (params: Named) => sets.listMembers(this.read(level, params), params.name));
    table.on(methods.member, (params: Member) =>
      sets.memberOf(this.read(level, params), params.name, params.cidr),
    );
    table.on(methods.add, (params: Member, call) =>
      this.change(level, params, call, (document) =>
        sets.addMember(document, params.name, params.cidr, params),
      ),
    );
    table.on(methods.change, (params: Member, call) =>
      this.change(level, params, call, (document) =>
        sets.changeMember(document, params.name, params.cidr, params),
      ),
    );
    table.on(methods.take, (params: Member, call) =>
      this.change(level, params, call, (document) =>
        sets.removeMember(document, params.name, params.cidr, params.digest),
      ),
    );
  }

  references<P extends TProperties>(record: ReturnType<typeof references<P>>, level: Level): void {
    const method = record as unknown as ReturnType<typeof references<None>>;
    this.table.on(method, (params: PathParams & { type?: 'alias' | 'ipset' }) => {
      const own = level.owner === 'guest' ? referencesIn(this.read(level, params), 'guest') : [];
      const found = [...referencesIn(readDocument(this.services.store, clusterFirewall), 'dc'), ...own];
      return found.filter(({ type }) => params.type === undefined || type === params.type);
    });
  }

  options<P extends TProperties, G extends TProperties, S extends TProperties>(
    records: ReturnType<typeof optionMethods<P, G, S>>,
    level: Level,
    kinds: OptionKinds,
  ): void {
    const methods = records as unknown as ReturnType<typeof optionMethods<None, None, None>>;
    const { table } = this;
    table.on(
      methods.get,
      (params: PathParams) => shownOptions(this.read(level, params), kinds) as { digest: string },
    );
    table.on(methods.set, (params: PathParams & { delete?: string; digest?: string }, call) =>
      this.change(level, params, call, (document) =>
        changeOptions(document, kinds, params, params.delete, params.digest),
      ),
    );
  }

  private read(level: Level, params: PathParams): FirewallDocument {
    return readDocument(this.services.store, level.path(params));
  }

  /** Stores a change; where it is about nodes, only if the caller can still come in afterwards. */
  private async change(
    level: Level,
    params: PathParams,
    call: Call,
    edit: (document: FirewallDocument) => void,
  ): Promise<null> {
    const { store } = this.services;
    const path = level.path(params);
    const check =
      level.owner === 'guest' ? undefined : await reachabilityCheck(this.services, path, call.remote);
    await changeDocument({ store, path, author: call.user, check }, edit);
    return null;
  }

  /** What names in rules of a document can mean. The network behind `local_network` matters to the loader only. */
  private names(level: Level, document: FirewallDocument) {
    const stored =
      level.owner === 'guest' || level.owner === 'node'
        ? readDocument(this.services.store, clusterFirewall)
        : document;
    const dc = withLocalNetwork(stored, ['0.0.0.0/0']);
    return level.owner === 'guest' ? { dc, guest: document } : { dc };
  }
}

type Reference = { type: 'alias' | 'ipset'; name: string; ref: string; scope: string; comment?: string };

function referencesIn(document: FirewallDocument, scope: 'dc' | 'guest'): Reference[] {
  const ipsets = sections(document, 'ipset').flatMap(({ name, comment }) =>
    name === undefined
      ? []
      : [{ type: 'ipset' as const, name, ref: `+${name}`, scope, ...(comment ? { comment } : {}) }],
  );
  const names = entries(document, 'aliases').map(({ name, comment }) => ({
    type: 'alias' as const,
    name,
    ref: name,
    scope,
    ...(comment ? { comment } : {}),
  }));
  return [...ipsets, ...names];
}
