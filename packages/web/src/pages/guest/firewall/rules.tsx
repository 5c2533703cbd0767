import { Button, Checkbox, Label } from '@patternfly/react-core';
import { lazy, Suspense, useState } from 'react';
import { useCall } from '../../../api/query.ts';
import { api } from '../../../api/session.ts';
import { AskDialog } from '../../../components/ask-dialog.tsx';
import { type Column, DataTable } from '../../../components/data-table.tsx';
import { Empty } from '../../../components/empty.tsx';
import { Panel } from '../../../components/facts.tsx';
import { Loaded } from '../../../components/loaded.tsx';
import { RowMenu } from '../../../components/row-menu.tsx';
import { type Translate, useT } from '../../../i18n/index.ts';
import { change, changed, mayChange, type Rule, type Target } from './firewall-calls.ts';

const RuleDialog = lazy(() => import('./rule-dialog.tsx'));

type Open =
  | { readonly kind: 'add'; readonly group: boolean }
  | { readonly kind: 'edit' | 'remove'; readonly rule: Rule };

export function Rules({ target }: { target: Target }) {
  const t = useT();
  const answer = useCall(target.calls.rules.list, target.path);
  const [open, setOpen] = useState<Open>();
  const close = () => setOpen(undefined);
  const add = (
    <>
      <Button size="sm" isDisabled={!mayChange()} onClick={() => setOpen({ kind: 'add', group: false })}>
        {t('firewall.addRule')}
      </Button>
      <Button
        size="sm"
        variant="secondary"
        isDisabled={!mayChange()}
        onClick={() => setOpen({ kind: 'add', group: true })}
      >
        {t('firewall.addGroup')}
      </Button>
    </>
  );
  return (
    <Panel title={t('firewall.rules')} actions={add}>
      <Loaded answer={answer}>
        {(rules) => (
          <DataTable
            inline
            label={t('firewall.rules')}
            columns={columns(t, target, rules.length, setOpen)}
            rows={rules}
            rowKey={(rule) => String(rule.pos)}
            rowClass={(rule) => (rule.enable ? undefined : 'ry-rule-off')}
            empty={<Empty title={t('firewall.rulesNone')}>{t('firewall.rulesNoneBody')}</Empty>}
          />
        )}
      </Loaded>
      <Suspense fallback={null}>
        {open?.kind === 'add' ? (
          <RuleDialog target={target} group={open.group} onClose={close} />
        ) : open?.kind === 'edit' ? (
          <RuleDialog target={target} group={open.rule.type === 'group'} rule={open.rule} onClose={close} />
        ) : null}
      </Suspense>
      {open?.kind === 'remove' ? <RemoveRule target={target} rule={open.rule} onClose={close} /> : null}
    </Panel>
  );
}

function RemoveRule({ target, rule, onClose }: { target: Target; rule: Rule; onClose: () => void }) {
  const t = useT();
  const { pos, digest } = rule;
  return (
    <AskDialog
      title={t('firewall.removeRule', { pos })}
      confirm={t('action.remove')}
      onClose={onClose}
      run={() =>
        changed(api.call(target.calls.rules.remove, { ...target.path, pos, ...(digest ? { digest } : {}) }))
      }
    >
      <p>{t('firewall.removeRuleBody')}</p>
    </AskDialog>
  );
}

function columns(t: Translate, target: Target, count: number, onOpen: (open: Open) => void): Column<Rule>[] {
  const directions: Readonly<Record<string, string>> = { in: t('firewall.in'), out: t('firewall.out') };
  const update = (rule: Rule, fields: { enable?: number; moveto?: number }) =>
    change(() =>
      api.call(target.calls.rules.update, {
        ...target.path,
        pos: rule.pos,
        ...(rule.digest ? { digest: rule.digest } : {}),
        ...fields,
      }),
    );
  return [
    { key: 'pos', title: t('firewall.pos'), numeric: true, width: '3.5rem', render: (rule) => rule.pos },
    {
      key: 'enable',
      title: t('firewall.enabled'),
      width: '3.5rem',
      render: (rule) => (
        <Checkbox
          id={`rule-${rule.pos}`}
          aria-label={t('firewall.ruleOn', { pos: rule.pos })}
          isChecked={Boolean(rule.enable)}
          isDisabled={!mayChange()}
          onChange={(_, on) => update(rule, { enable: on ? 1 : 0 })}
        />
      ),
    },
    { key: 'type', title: t('firewall.direction'), render: (rule) => directions[rule.type] ?? rule.type },
    { key: 'action', title: t('firewall.verdict'), render: (rule) => <Verdict rule={rule} /> },
    { key: 'port', title: t('firewall.port'), render: (rule) => serviceText(rule) || t('firewall.any') },
    { key: 'source', title: t('firewall.source'), render: (rule) => rule.source ?? t('firewall.any') },
    { key: 'dest', title: t('firewall.dest'), wide: true, render: (rule) => rule.dest ?? t('firewall.any') },
    {
      key: 'iface',
      title: t('firewall.card'),
      wide: true,
      render: (rule) => rule.iface ?? t('firewall.anyCard'),
    },
    { key: 'log', title: t('firewall.log'), wide: true, render: (rule) => rule.log ?? '' },
    {
      key: 'comment',
      title: t('firewall.comment'),
      wide: true,
      render: (rule) => (rule.errors ? Object.values(rule.errors).join('; ') : (rule.comment ?? '')),
    },
    {
      key: 'actions',
      title: t('table.actions'),
      width: '4rem',
      render: (rule) => {
        const reason = mayChange() ? undefined : t('reason.noPermission');
        return (
          <RowMenu
            label={t('firewall.more', { pos: rule.pos })}
            entries={[
              { key: 'edit', label: t('action.edit'), reason, onClick: () => onOpen({ kind: 'edit', rule }) },
              ...(rule.pos > 0
                ? [
                    {
                      key: 'up',
                      label: t('firewall.moveUp'),
                      reason,
                      onClick: () => update(rule, { moveto: rule.pos - 1 }),
                    },
                  ]
                : []),
              ...(rule.pos < count - 1
                ? [
                    {
                      key: 'down',
                      label: t('firewall.moveDown'),
                      reason,
                      onClick: () => update(rule, { moveto: rule.pos + 2 }),
                    },
                  ]
                : []),
              {
                key: 'remove',
                label: t('action.remove'),
                danger: true,
                reason,
                onClick: () => onOpen({ kind: 'remove', rule }),
              },
            ]}
          />
        );
      },
    },
  ];
}

function Verdict({ rule }: { rule: Rule }) {
  if (rule.type === 'group') return <span className="ry-id">{rule.action}</span>;
  return (
    <Label isCompact color={rule.action === 'ACCEPT' ? 'green' : rule.errors ? 'orange' : 'red'}>
      {rule.action}
    </Label>
  );
}

/** `Web`, `tcp 80,443`, `icmp echo-request`. */
function serviceText(rule: Rule): string {
  if (rule.macro) return rule.macro;
  const ports = rule.dport ?? rule['icmp-type'] ?? (rule.sport ? `${rule.sport} →` : '');
  return `${rule.proto ?? ''} ${ports}`.trim();
}
