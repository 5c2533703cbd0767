import { Button, Form } from '@patternfly/react-core';
import { clusterOptionsGet, clusterOptionsSet } from '@ryokan/api/methods/cluster.ts';
import { templateCatalogue } from '@ryokan/api/methods/templates.ts';
import { useState } from 'react';
import { invalidate, useCall } from '../../api/query.ts';
import { api, may } from '../../api/session.ts';
import { Empty } from '../../components/empty.tsx';
import { useT } from '../../i18n/index.ts';
import { TextField } from '../fields.tsx';
import { FormError } from '../form-dialog.tsx';

/** Where the catalogue is: asked for when there is none yet, and when the one that is set does not answer. */
export function CatalogueAddress() {
  const t = useT();
  const { data: options } = useCall(clusterOptionsGet, {});
  if (!options) return null;
  const present = readCatalogue(options['template-catalogue']);
  if (!may('dc', 'Sys.Modify'))
    return present.url ? null : <Empty title={t('templates.none')}>{t('templates.noneAsk')}</Empty>;
  return (
    <>
      {present.url ? null : <Empty title={t('templates.none')}>{t('templates.noneBody')}</Empty>}
      <AddressForm key={present.url} {...present} />
    </>
  );
}

interface Address {
  readonly url: string;
  readonly keyring: string;
}

/** The option as the API gives it: a property string, or its fields. */
function readCatalogue(option: unknown): Address {
  if (typeof option === 'object' && option !== null) {
    const { url = '', keyring = '' } = option as Partial<Record<keyof Address, unknown>>;
    return { url: String(url), keyring: String(keyring) };
  }
  const parts = typeof option === 'string' ? option.split(',') : [];
  const find = (key: string) => parts.find((one) => one.startsWith(`${key}=`))?.slice(key.length + 1);
  return {
    url: find('url') ?? parts.find((one) => /^https?:/.test(one)) ?? '',
    keyring: find('keyring') ?? '',
  };
}

function AddressForm(props: Address) {
  const t = useT();
  const [url, setUrl] = useState(props.url);
  const [keyring, setKeyring] = useState(props.keyring);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>();
  const save = async () => {
    setBusy(true);
    setError(undefined);
    try {
      const catalogue = [`url=${url.trim()}`, ...(keyring.trim() ? [`keyring=${keyring.trim()}`] : [])];
      await api.call(clusterOptionsSet, { 'template-catalogue': catalogue.join(',') });
      await invalidate(clusterOptionsGet, templateCatalogue);
    } catch (failure) {
      setError(failure);
    }
    setBusy(false);
  };
  const ready = /^https?:\/\/[^\s,]+$/.test(url.trim());
  return (
    <Form
      onSubmit={(event) => {
        event.preventDefault();
        if (ready && !busy) void save();
      }}
    >
      {error ? <FormError error={error} /> : null}
      <div className="ry-form-grid">
        <TextField
          id="catalogue-url"
          label={t('templates.url')}
          help={t('templates.urlHelp')}
          placeholder="https://templates.example.com/aplinfo.dat.gz"
          mono
          value={url}
          onChange={setUrl}
        />
        <TextField
          id="catalogue-keyring"
          label={t('templates.keyring')}
          help={t('templates.keyringHelp')}
          placeholder="/usr/share/keyrings/templates.gpg"
          mono
          value={keyring}
          onChange={setKeyring}
        />
      </div>
      <div>
        <Button type="submit" variant="secondary" isLoading={busy} isDisabled={busy || !ready}>
          {t('templates.saveUrl')}
        </Button>
      </div>
    </Form>
  );
}
