import { CheckField, SelectField } from '../../../forms/fields.tsx';
import { useT } from '../../../i18n/index.ts';
import { scopeWords, vanishedWords } from './realm-words.ts';

const scopes = ['both', 'users', 'groups'] as const;
const vanished = ['entry', 'acl', 'properties'] as const;

/** What a sync takes over and removes. */
export interface SyncChoice {
  readonly scope: (typeof scopes)[number];
  readonly enableNew: boolean;
  readonly remove: ReadonlySet<string>;
}

export const usualSync: SyncChoice = { scope: 'both', enableNew: true, remove: new Set() };

/** As the API takes it. */
export function syncParams({ scope, enableNew, remove }: SyncChoice) {
  const parts = vanished.filter((one) => remove.has(one));
  return {
    scope,
    'enable-new': enableNew,
    'remove-vanished': parts.length === 0 ? 'none' : parts.join(';'),
  };
}

export function SyncOptions({
  value,
  onChange,
}: {
  value: SyncChoice;
  onChange: (value: SyncChoice) => void;
}) {
  const t = useT();
  const toggle = (part: string, on: boolean) => {
    const remove = new Set(value.remove);
    if (on) remove.add(part);
    else remove.delete(part);
    onChange({ ...value, remove });
  };
  return (
    <>
      <SelectField
        id="sync-scope"
        label={t('realms.scope')}
        value={value.scope}
        onChange={(scope) => onChange({ ...value, scope: scopes.find((one) => one === scope) ?? 'both' })}
        choices={scopes.map((one) => ({ value: one, label: t(scopeWords[one]) }))}
      />
      <CheckField
        id="sync-enable"
        label={t('realms.enableNew')}
        value={value.enableNew}
        onChange={(enableNew) => onChange({ ...value, enableNew })}
      />
      <fieldset className="ry-form-group">
        <legend>{t('realms.removeVanished')}</legend>
        {vanished.map((one) => (
          <CheckField
            key={one}
            id={`sync-${one}`}
            label={t(vanishedWords[one])}
            value={value.remove.has(one)}
            onChange={(on) => toggle(one, on)}
          />
        ))}
      </fieldset>
    </>
  );
}
