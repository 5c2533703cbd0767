import { Fragment, useId, useState } from 'react';
import { useT } from '../../i18n/index.ts';
import { useNarrow } from '../../util/use-narrow.ts';
import type { Schema } from './document.ts';
import { defaultText, type Row, rangeText, typeName } from './schema-rows.ts';
import { Twisty } from './twisty.tsx';

/** Parameters or fields: name, type with limits, description; what has fields of its own unfolds. */
export function SchemaTable(props: { rows: readonly Row[]; label: string; requiredText: string }) {
  const t = useT();
  return (
    <table className="ry-api-table" aria-label={props.label}>
      <thead>
        <tr>
          <th scope="col">{t('column.name')}</th>
          <th scope="col" className="ry-wide">
            {t('apiDocs.type')}
          </th>
          <th scope="col">{t('apiDocs.description')}</th>
        </tr>
      </thead>
      <tbody>
        {props.rows.map((row) => (
          <FieldRows key={row.name} row={row} requiredText={props.requiredText} />
        ))}
      </tbody>
    </table>
  );
}

function FieldRows({ row, requiredText }: { row: Row; requiredText: string }) {
  const [open, setOpen] = useState(false);
  const narrow = useNarrow();
  const id = useId();
  const type = <TypeText schema={row.schema} />;
  return (
    <>
      <tr>
        <th scope="row">
          {row.fields.length > 0 ? (
            <button
              type="button"
              className="ry-api-unfold"
              aria-expanded={open}
              aria-controls={id}
              onClick={() => setOpen(!open)}
            >
              <Twisty open={open} />
              <FieldName name={row.name} />
            </button>
          ) : (
            <FieldName name={row.name} />
          )}
          {row.required ? <div className="ry-api-required">{requiredText}</div> : null}
          <div className="ry-api-narrow">{type}</div>
        </th>
        <td className="ry-wide">{type}</td>
        <td>
          <Description row={row} />
        </td>
      </tr>
      <tr id={id} hidden={!open}>
        {open ? (
          <td colSpan={narrow ? 2 : 3} className="ry-api-fields">
            {row.form ? <p className="ry-id">{row.form}</p> : null}
            <SchemaTable rows={row.fields} label={row.name} requiredText={requiredText} />
          </td>
        ) : null}
      </tr>
    </>
  );
}

function FieldName({ name }: { name: string }) {
  const t = useT();
  return name === '*' ? <em>{t('apiDocs.anyName')}</em> : <span className="ry-id">{name}</span>;
}

function Description({ row }: { row: Row }) {
  const t = useT();
  const requires = row.schema['x-requires'];
  return (
    <>
      <span lang="en">
        <InlineCode text={row.description} />
      </span>
      {requires ? <div className="ry-subtle">{t('apiDocs.requires', { name: requires })}</div> : null}
      {row.schema['x-default-key'] ? (
        <div className="ry-subtle">{t('apiDocs.defaultKey', { name: row.name })}</div>
      ) : null}
    </>
  );
}

/** Type, format, limits and default of a value. */
export function TypeText({ schema }: { schema: Schema }) {
  const t = useT();
  const name = typeName(schema, (items) => t('apiDocs.listOf', { items }));
  const range = rangeText(schema);
  const fallback = defaultText(schema);
  return (
    <>
      <span className="ry-api-type">
        {schema['x-property-string'] ? t('apiDocs.propertyString') : name}
        {schema.type === 'boolean' ? ' (1 | 0)' : ''}
      </span>
      {schema.format ? <div className="ry-subtle ry-id">{schema.format}</div> : null}
      {schema.enum ? <div className="ry-id">{schema.enum.map(String).join(' | ')}</div> : null}
      {range ? <div className="ry-number-range">{range}</div> : null}
      {schema.minLength ? <div>{t('apiDocs.minLength', { count: schema.minLength })}</div> : null}
      {schema.maxLength === undefined ? null : (
        <div>{t('apiDocs.maxLength', { count: schema.maxLength })}</div>
      )}
      {schema.pattern ? <div className="ry-id ry-subtle">/{schema.pattern}/</div> : null}
      {fallback === undefined ? null : <div>{t('apiDocs.default', { value: fallback })}</div>}
    </>
  );
}

/** Text of the description, with `code` between backticks. */
export function InlineCode({ text }: { text: string }) {
  return text.split('`').map((part, index) =>
    index % 2 === 1 ? (
      // biome-ignore lint/suspicious/noArrayIndexKey: parts of a fixed text never move
      <code key={index} className="ry-id">
        {part}
      </code>
    ) : (
      // biome-ignore lint/suspicious/noArrayIndexKey: parts of a fixed text never move
      <Fragment key={index}>{part}</Fragment>
    ),
  );
}
