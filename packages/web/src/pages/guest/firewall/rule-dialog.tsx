import type { ParamsOf } from '@ryokan/api/method.ts';
import { clusterFirewall } from '@ryokan/api/methods/firewall.ts';
import { firewallLogLevels } from '@ryokan/api/schema/firewall.ts';
import { useState } from 'react';
import { useGuestConfig } from '../../../api/hooks.ts';
import { useCall } from '../../../api/query.ts';
import { api } from '../../../api/session.ts';
import { CheckField, type Choice, SelectField, TextField } from '../../../forms/fields.tsx';
import { FormDialog } from '../../../forms/form-dialog.tsx';
import { useT } from '../../../i18n/index.ts';
import { changed, type Rule, type Target } from './firewall-calls.ts';

interface Props {
  readonly target: Target;
  /** True: it inserts a security group. */
  readonly group: boolean;
  /** Undefined for a new one. */
  readonly rule?: Rule;
  readonly onClose: () => void;
}

const texts = [
  'macro',
  'iface',
  'source',
  'dest',
  'proto',
  'dport',
  'sport',
  'icmp-type',
  'log',
  'comment',
] as const;
type TextKey = (typeof texts)[number];

/** What is typed; an empty text is no field. */
type Draft = Record<TextKey, string> & { type: Rule['type']; action: string; enable: boolean };

function draftOf({ rule, group }: Props): Draft {
  const fields = Object.fromEntries(texts.map((key) => [key, rule?.[key] ?? ''])) as Record<TextKey, string>;
  return {
    ...fields,
    type: rule?.type ?? (group ? 'group' : 'in'),
    action: rule?.action ?? (group ? '' : 'ACCEPT'),
    enable: rule ? Boolean(rule.enable) : true,
  };
}

const plain = (values: readonly string[]): Choice[] => values.map((value) => ({ value, label: value }));

export default function RuleDialog(props: Props) {
  const t = useT();
  const { target, group, rule, onClose } = props;
  const [draft, setDraft] = useState(() => draftOf(props));
  const set = (fields: Partial<Draft>) => setDraft((before) => ({ ...before, ...fields }));
  const text = (key: TextKey) => ({
    id: key,
    value: draft[key],
    onChange: (value: string) => set({ [key]: value }),
  });
  const groups = useCall(clusterFirewall.groups.list, {}, { enabled: group }).data ?? [];
  const title = rule
    ? t('firewall.ruleTitle', { pos: rule.pos })
    : t(group ? 'firewall.addGroup' : 'firewall.addRule');
  return (
    <FormDialog
      title={title}
      submit={t('action.save')}
      ready={draft.action !== ''}
      onClose={onClose}
      onSubmit={() => save(target, draft, rule)}
    >
      <CheckField
        id="enable"
        label={t('firewall.enabled')}
        value={draft.enable}
        onChange={(enable) => set({ enable })}
      />
      {group ? (
        <SelectField
          id="action"
          label={t('firewall.group')}
          required
          value={draft.action}
          onChange={(action) => set({ action })}
          choices={[{ value: '', label: '' }, ...plain(groups.map((one) => one.group))]}
          help={groups.length === 0 ? t('firewall.groupNone') : undefined}
        />
      ) : (
        <>
          <SelectField
            id="type"
            label={t('firewall.direction')}
            value={draft.type}
            onChange={(type) => set({ type })}
            choices={[
              { value: 'in', label: t('firewall.in') },
              { value: 'out', label: t('firewall.out') },
            ]}
          />
          <SelectField
            id="action"
            label={t('firewall.verdict')}
            value={draft.action}
            onChange={(action) => set({ action })}
            choices={plain(['ACCEPT', 'DROP', 'REJECT'])}
          />
        </>
      )}
      <CardField target={target} {...text('iface')} />
      {group ? null : <Packets draft={draft} text={text} />}
      <TextField label={t('firewall.comment')} {...text('comment')} />
    </FormDialog>
  );
}

function CardField(field: { target: Target; id: string; value: string; onChange: (value: string) => void }) {
  const t = useT();
  const { target, ...rest } = field;
  const config = useGuestConfig(target.guest).data ?? {};
  const cards = Object.keys(config).filter((key) => /^net\d+$/.test(key));
  if (rest.value !== '' && !cards.includes(rest.value)) cards.push(rest.value);
  return (
    <SelectField
      label={t('firewall.card')}
      choices={[{ value: '', label: t('firewall.anyCard') }, ...plain(cards.sort())]}
      {...rest}
    />
  );
}

/** Which packets the rule is about. */
function Packets(props: {
  draft: Draft;
  text: (key: TextKey) => { id: string; value: string; onChange: (value: string) => void };
}) {
  const t = useT();
  const { draft, text } = props;
  const macros = useCall(clusterFirewall.macros, {}, { staleTime: Number.POSITIVE_INFINITY }).data ?? [];
  const isIcmp = /^(icmp|icmpv6|ipv6-icmp)$/i.test(draft.proto);
  return (
    <>
      <SelectField
        label={t('firewall.macro')}
        choices={[
          { value: '', label: t('firewall.macroNone') },
          ...macros.map(({ macro, descr }) => ({ value: macro, label: `${macro}: ${descr}` })),
        ]}
        {...text('macro')}
      />
      {draft.macro === '' ? (
        <>
          <TextField label={t('firewall.protocol')} help={t('firewall.protocolHelp')} {...text('proto')} />
          {isIcmp ? (
            <TextField label={t('firewall.icmpType')} {...text('icmp-type')} />
          ) : (
            <>
              <TextField label={t('firewall.dport')} help={t('firewall.dportHelp')} {...text('dport')} />
              <TextField label={t('firewall.sport')} {...text('sport')} />
            </>
          )}
        </>
      ) : null}
      <TextField label={t('firewall.source')} help={t('firewall.sourceHelp')} mono {...text('source')} />
      <TextField label={t('firewall.dest')} help={t('firewall.sourceHelp')} mono {...text('dest')} />
      <SelectField
        label={t('firewall.log')}
        choices={[{ value: '', label: t('firewall.logOff') }, ...plain(firewallLogLevels.slice(0, -1))]}
        {...text('log')}
      />
    </>
  );
}

/** Fields that the form does not show with these values are left out: ports of a service, ports of ICMP. */
function given(draft: Draft): Partial<Record<TextKey, string>> {
  const isIcmp = /^(icmp|icmpv6|ipv6-icmp)$/i.test(draft.proto);
  const hidden: readonly TextKey[] =
    draft.macro !== ''
      ? ['proto', 'dport', 'sport', 'icmp-type']
      : isIcmp
        ? ['dport', 'sport']
        : ['icmp-type'];
  return Object.fromEntries(
    texts.flatMap((key) => {
      const value = draft[key].trim();
      return value === '' || hidden.includes(key) ? [] : [[key, value]];
    }),
  );
}

type RuleType = 'in' | 'out' | 'forward' | 'group';

async function save(target: Target, draft: Draft, rule: Rule | undefined): Promise<void> {
  const fields = given(draft);
  const all = {
    ...target.path,
    ...fields,
    type: draft.type as RuleType,
    action: draft.action,
    enable: draft.enable ? 1 : 0,
  } as ParamsOf<Target['calls']['rules']['create']>;
  if (!rule) return changed(api.call(target.calls.rules.create, all));
  const gone = texts.filter((key) => rule[key] !== undefined && fields[key] === undefined);
  await changed(
    api.call(target.calls.rules.update, {
      ...all,
      pos: rule.pos,
      ...(rule.digest ? { digest: rule.digest } : {}),
      ...(gone.length > 0 ? { delete: gone.join(',') } : {}),
    }),
  );
}
