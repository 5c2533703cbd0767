/** Text output of what somebody may do, and why. */
import type { Presenter, Shown } from './presenters.ts';
import { isRecord, tableStyle } from './render.ts';
import { type Column, table } from './table.ts';
import { printable } from './width.ts';

type Row = Readonly<Record<string, unknown>>;

const rowsOf = (value: unknown): Row[] => (Array.isArray(value) ? value.filter(isRecord) : []);
const namesOf = (value: unknown): string[] => (Array.isArray(value) ? value.map(String) : []);
const word = (value: unknown): string =>
  printable(value === undefined || value === null ? '' : String(value));
const isSet = (value: unknown): boolean => Number(value ?? 0) === 1;

/** Privileges by path; `(*)` marks those that hold below the path too. */
export const permissionTable: Presenter<Pick<Shown, 'session'>> = (data, { session }) => {
  if (!isRecord(data)) return undefined;
  const rows = Object.keys(data)
    .sort()
    .flatMap((path) => {
      const held = data[path];
      if (!isRecord(held)) return [];
      const names = Object.keys(held).sort();
      return [[path, names.map((name) => (isSet(held[name]) ? `${name} (*)` : name)).join('\n')]];
    });
  if (rows.length === 0) return 'no privileges\n';
  const lines = table([{ title: 'ACL path' }, { title: 'Permissions' }], rows, tableStyle(session.output));
  return `${lines}Permissions marked with '(*)' have the 'propagate' flag set.\n`;
};

/** The answer, why, the rules that were considered, and what would help. */
export const explanation: Presenter<Pick<Shown, 'session'>> = (data, { session }) => {
  if (!isRecord(data)) return undefined;
  const verdict = isSet(data.granted) ? 'has' : 'does not have';
  const answer = `${word(data.userid)} ${verdict} ${word(data.privilege)} on ${word(data.path)}\n`;
  const obstacle = data.obstacle === undefined ? '' : `cannot log in at present: ${word(data.obstacle)}\n`;
  const checks = rowsOf(data.checks).map((check) => {
    const rules = rowsOf(check.rules);
    if (rules.length === 0) return `\nrules for ${word(check.subject)}: none\n`;
    const lines = table(ruleColumns, rules.map(ruleCells), tableStyle(session.output));
    return `\nrules for ${word(check.subject)}:\n${lines}`;
  });
  const needs = rowsOf(data.needed).map(needLine);
  const help = needs.length === 0 ? '' : `\nwhat would grant it:\n${needs.join('')}`;
  return `${answer}${word(data.reason)}\n${obstacle}${checks.join('')}${help}`;
};

const ruleColumns: readonly Column[] = ['path', 'who', 'role', 'has it', 'effect'].map((title) => ({
  title,
}));

const ruleCells = (rule: Row): string[] => [
  word(rule.path) + (rule.pool === undefined ? '' : ` (by pool ${word(rule.pool)})`),
  rule.type === 'group' ? `@${word(rule.ugid)}` : word(rule.ugid),
  word(rule.roleid),
  isSet(rule['has-privilege']) ? 'yes' : 'no',
  word(rule.effect),
];

/** A command that can be typed as it stands. */
function needLine(need: Row): string {
  const [first = '', ...others] = namesOf(need.roles);
  const roles = [first, ...namesOf(need.keep)].join(',');
  const subject = word(need.subject);
  const kind = subject.includes('!') ? 'tokens' : subject.includes('@') ? 'users' : 'groups';
  const verb = need.action === 'remove' ? 'delete' : 'modify';
  const command = `pveum acl ${verb} ${word(need.path)} --roles ${roles} --${kind} ${subject}`;
  return `  ${command}\n${others.length === 0 ? '' : `  (or, in place of ${first}: ${others.join(', ')})\n`}`;
}
