import { ExpandableSection } from '@patternfly/react-core';
import type { RealmField } from '@ryokan/api/schema/realm-options.ts';
import { CheckField, NumberField, SelectField, TextField } from '../../../forms/fields.tsx';
import { type PlainKey, useT } from '../../../i18n/index.ts';
import {
  fieldGroups,
  isFixed,
  isFlag,
  isNumber,
  isRequired,
  isSecret,
  type RealmDraft,
} from './realm-draft.ts';
import { choiceWords, fieldWords, helpWords, partWords } from './realm-words.ts';

/** Fields whose values are a list to choose from. */
const choices: Readonly<Partial<Record<RealmField, readonly string[]>>> = {
  mode: ['ldaps', 'ldap+starttls', 'ldap'],
  sslversion: ['', 'tlsv1_3', 'tlsv1_2'],
  tfa: ['', 'type=oath'],
};

const placeholders: Readonly<Partial<Record<RealmField, string>>> = {
  server1: 'ldap.example.com',
  domain: 'corp.example.com',
  base_dn: 'dc=example,dc=com',
  bind_dn: 'cn=reader,dc=example,dc=com',
  filter: '(memberOf=cn=admins,ou=groups,dc=example,dc=com)',
  capath: '/etc/ssl/certs',
  'issuer-url': 'https://id.example.com/realms/main',
  'username-claim': 'username',
  scopes: 'email profile',
  'groups-claim': 'groups',
};

interface FieldsProps {
  readonly draft: RealmDraft;
  readonly onChange: (draft: RealmDraft) => void;
  /** The realm exists: what it is known by stays. */
  readonly existing: boolean;
}

/** The settings of a realm; all but the first group are folded. */
export function RealmFields(props: FieldsProps) {
  const t = useT();
  return fieldGroups(props.draft.type).map(({ name, fields }) => {
    const content = fields.map((field) => <OneField key={field} field={field} {...props} />);
    if (name === 'main') return content;
    return (
      <ExpandableSection key={name} toggleText={t(partWords[name])}>
        <div className="ry-form-group">{content}</div>
      </ExpandableSection>
    );
  });
}

function OneField({ field, draft, onChange, existing }: FieldsProps & { field: RealmField }) {
  const t = useT();
  const value = draft.values[field];
  const set = (next: string | boolean) => onChange({ ...draft, values: { ...draft.values, [field]: next } });
  const word = fieldWords[field];
  const label = word ? t(word) : field;
  const helpWord = helpOf(field, draft, existing);
  const help = helpWord && t(helpWord);
  const id = `realm-${field}`;
  const options = choices[field];
  if (isFlag(field)) {
    return (
      <CheckField id={id} label={label} value={value === true} onChange={set} {...(help ? { help } : {})} />
    );
  }
  const text = typeof value === 'string' ? value : '';
  const common = {
    id,
    label,
    help,
    value: text,
    onChange: set,
    required: isRequired(draft.type, field),
    disabled: existing && isFixed(field),
    ...(placeholders[field] ? { placeholder: placeholders[field] } : {}),
  };
  if (options) {
    const named = options.map((one) => {
      const word = choiceWords[field]?.[one];
      return { value: one, label: word ? t(word) : one };
    });
    return <SelectField {...common} choices={named} />;
  }
  if (isNumber(field)) return <NumberField {...common} min={0} />;
  return <TextField {...common} type={isSecret(field) ? 'password' : 'text'} mono={isTechnical(field)} />;
}

const isTechnical = (field: RealmField): boolean => !isSecret(field) && field !== 'comment';

function helpOf(field: RealmField, { values }: RealmDraft, existing: boolean): PlainKey | undefined {
  if (existing && isSecret(field)) return 'realms.secretHelp';
  if (field === 'mode' && values.mode !== 'ldap') return undefined;
  if (field === 'verify' && values.verify === true) return undefined;
  return helpWords[field];
}
