import { Button } from '@patternfly/react-core';
import { useState } from 'react';
import { useNodeNames } from '../../../api/hooks.ts';
import { invalidate } from '../../../api/query.ts';
import { api } from '../../../api/session.ts';
import { RowButton } from '../../../components/value-table.tsx';
import { CheckField, SelectField, TextField } from '../../../forms/fields.tsx';
import { FormDialog } from '../../../forms/form-dialog.tsx';
import { useT } from '../../../i18n/index.ts';
import { EntryField } from './entry-field.tsx';
import { entryText, type MappingKind, type MappingRow, mappingKinds, mappingLists } from './mapping-kinds.ts';

/** Makes a mapping, or changes one: its devices node by node. */
export function MappingDialog({ row, onClose }: { row: MappingRow | undefined; onClose: () => void }) {
  const t = useT();
  const nodes = useNodeNames();
  const [kind, setKind] = useState<MappingKind>(row?.kind ?? 'pci');
  const [id, setId] = useState(row?.id ?? '');
  const [description, setDescription] = useState(row?.description ?? '');
  const [mdev, setMdev] = useState(row?.mdev ?? false);
  const [map, setMap] = useState<readonly string[]>(row?.map ?? []);
  const [chosenNode, setNode] = useState('');
  // What is chosen below counts, whether or not a further one follows.
  const [draft, setDraft] = useState('');
  const node = chosenNode || (nodes[0] ?? '');
  const whole = draft === '' ? map : [...map, draft];
  const save = async () => {
    await send(row, { kind, id: id.trim(), description: description.trim(), mdev, map: whole });
    await invalidate(...mappingLists);
  };
  return (
    <FormDialog
      title={row ? t('mappings.edit', { name: row.id }) : t('mappings.add')}
      submit={row ? t('action.save') : t('access.add')}
      ready={id.trim() !== '' && whole.length > 0}
      onClose={onClose}
      onSubmit={save}
    >
      {row ? null : (
        <>
          <SelectField
            id="mapping-kind"
            label={t('mappings.kind')}
            value={kind}
            onChange={(next) => {
              setKind(next as MappingKind);
              setMap([]);
              setDraft('');
            }}
            choices={Object.entries(mappingKinds).map(([value, { label }]) => ({ value, label: t(label) }))}
          />
          <TextField
            id="mapping-id"
            label={t('column.name')}
            help={t('mappings.nameHelp')}
            required
            mono
            value={id}
            onChange={setId}
          />
        </>
      )}
      <TextField
        id="mapping-description"
        label={t('access.comment')}
        value={description}
        onChange={setDescription}
      />
      {map.length === 0 ? null : (
        <ul aria-label={t('mappings.entries')}>
          {map.map((text) => (
            <li key={text} className="ry-inline-list">
              <span className="ry-id">{entryText(kind, text)}</span>
              <RowButton
                text={t('action.remove')}
                label={t('action.removeOf', { device: entryText(kind, text) })}
                onClick={() => setMap(map.filter((one) => one !== text))}
              />
            </li>
          ))}
        </ul>
      )}
      {nodes.length > 1 ? (
        <SelectField
          id="mapping-node"
          label={t('column.node')}
          value={node}
          onChange={(next) => {
            setNode(next);
            setDraft('');
          }}
          choices={nodes.map((one) => ({ value: one, label: one }))}
        />
      ) : null}
      {node === '' ? null : (
        // Anew for each: the field keeps what was chosen.
        <EntryField
          key={`${kind}/${node}/${map.length}`}
          kind={kind}
          node={node}
          taken={map}
          onChange={setDraft}
        />
      )}
      <div>
        <Button
          variant="link"
          isInline
          isDisabled={draft === ''}
          onClick={() => {
            setMap(whole);
            setDraft('');
          }}
        >
          {t('mappings.another')}
        </Button>
      </div>
      {kind === 'pci' ? (
        <CheckField
          id="mapping-mdev"
          label={t('mappings.mdev')}
          help={t('mappings.mdevHelp')}
          value={mdev}
          onChange={setMdev}
        />
      ) : null}
    </FormDialog>
  );
}

async function send(
  row: MappingRow | undefined,
  { kind, id, description, mdev, map }: Pick<MappingRow, 'kind' | 'id' | 'description' | 'mdev' | 'map'>,
): Promise<void> {
  const { methods } = mappingKinds[kind];
  const values = { id, map: [...map], ...(description === '' ? {} : { description }) };
  const full = kind === 'pci' ? { ...values, mdev } : values;
  if (!row) return void (await api.call(methods.create, full));
  await api.call(methods.update, {
    ...full,
    ...(description === '' && row.description !== '' ? { delete: 'description' } : {}),
    ...(row.digest === undefined ? {} : { digest: row.digest }),
  });
}
