import { Button, FormSelect, FormSelectOption } from '@patternfly/react-core';
import type { ResultOf } from '@ryokan/api/method.ts';
import type { templateCatalogue } from '@ryokan/api/methods/templates.ts';
import { type ReactNode, useMemo, useState } from 'react';
import { DataTable } from '../../components/data-table.tsx';
import { Facts } from '../../components/facts.tsx';
import { useT } from '../../i18n/index.ts';

export type OfferedTemplate = ResultOf<typeof templateCatalogue>[number];

/** What is on offer, by section and words; a name opens what the catalogue says about it. */
export function CatalogueTable(props: {
  rows: readonly OfferedTemplate[];
  /** How a template stands here; undefined: it can be downloaded. */
  stateOf: (template: OfferedTemplate) => ReactNode;
  onDownload: (template: OfferedTemplate) => void;
}) {
  const t = useT();
  const { rows } = props;
  const [section, setSection] = useState('');
  const [opened, setOpened] = useState<string>();
  const sections = useMemo(() => [...new Set(rows.map((one) => one.section))].sort(), [rows]);
  const shown = useMemo(
    () => (section === '' ? rows : rows.filter((one) => one.section === section)),
    [rows, section],
  );
  const details = shown.find((one) => one.template === opened);
  return (
    <>
      <DataTable<OfferedTemplate>
        inline
        label={t('templates.title')}
        rows={shown}
        rowKey={(one) => one.template}
        filterBy={(one) => [one.template, one.headline, one.os, one.section]}
        initialSort={{ key: 'name' }}
        empty={null}
        actions={
          sections.length > 1 ? (
            <FormSelect
              className="ry-kind"
              aria-label={t('templates.section')}
              value={section}
              onChange={(_, value) => setSection(value)}
            >
              <FormSelectOption value="" label={t('templates.allSections')} />
              {sections.map((one) => (
                <FormSelectOption key={one} value={one} label={one} />
              ))}
            </FormSelect>
          ) : null
        }
        columns={[
          {
            key: 'name',
            title: t('column.name'),
            width: 'min(17rem, 50vw)',
            sort: (one) => one.package,
            render: (one) => (
              <button
                type="button"
                className="ry-link"
                aria-expanded={one.template === opened}
                onClick={() => setOpened(one.template === opened ? undefined : one.template)}
              >
                {one.package}
              </button>
            ),
          },
          {
            key: 'version',
            title: t('templates.version'),
            width: '8rem',
            wide: true,
            sort: (one) => one.version,
            render: (one) => one.version,
          },
          {
            key: 'headline',
            title: t('templates.about'),
            wide: true,
            sort: (one) => one.headline,
            render: (one) => <span title={one.headline}>{one.headline}</span>,
          },
          {
            key: 'state',
            title: t('table.actions'),
            width: 'min(12rem, 40vw)',
            render: (one) =>
              props.stateOf(one) ?? (
                <Button
                  variant="link"
                  isInline
                  size="sm"
                  aria-label={t('templates.downloadOf', { template: one.template })}
                  onClick={() => props.onDownload(one)}
                >
                  {t('download.start')}
                </Button>
              ),
          },
        ]}
      />
      {details ? <Details template={details} /> : null}
    </>
  );
}

function Details({ template }: { template: OfferedTemplate }) {
  const t = useT();
  const { infopage } = template;
  return (
    <section className="ry-card" aria-label={template.package}>
      <p className="ry-advice">{template.description}</p>
      <Facts
        rows={[
          [
            t('upload.name'),
            <span key="f" className="ry-id">
              {template.template}
            </span>,
          ],
          [t('templates.version'), template.version],
          [t('templates.section'), template.section],
          [t('templates.architecture'), template.architecture],
          [t('templates.maintainer'), template.maintainer],
          [
            t('templates.infopage'),
            infopage && /^https?:/.test(infopage) ? (
              <a key="i" href={infopage} target="_blank" rel="noreferrer">
                {infopage}
              </a>
            ) : undefined,
          ],
        ]}
      />
    </section>
  );
}
