import { Button } from '@patternfly/react-core';
import { Empty } from '../../components/empty.tsx';
import { useT } from '../../i18n/index.ts';
import { BridgeField } from '../bridge-field.tsx';
import { CheckField, NumberField, SelectField, TextField } from '../fields.tsx';
import { nicModels } from '../nic-models.ts';
import { defaultNic, type NicDraft } from './draft.ts';
import { useWizard } from './vm-model.ts';
import { problemText } from './wizard-state.ts';

export function NetworkStep() {
  const t = useT();
  const { draft, change } = useWizard();
  return (
    <>
      {draft.nics.length === 0 ? <Empty title={t('wizard.noNics')}>{t('wizard.noNicsBody')}</Empty> : null}
      {draft.nics.map((nic, index) => (
        <NicFields
          // biome-ignore lint/suspicious/noArrayIndexKey: a card is its place
          key={index}
          name={`net${index}`}
          nic={nic}
          onChange={(next, chosen) =>
            change({
              nics: draft.nics.map((one, at) => (at === index ? next : one)),
              bridgeChosen: draft.bridgeChosen || chosen,
            })
          }
          onRemove={() => change({ nics: draft.nics.filter((_, at) => at !== index) })}
        />
      ))}
      <div>
        <Button
          variant="secondary"
          onClick={() => change({ nics: [...draft.nics, { ...(draft.nics.at(-1) ?? defaultNic), mac: '' }] })}
        >
          {t('wizard.addNic')}
        </Button>
      </div>
    </>
  );
}

function NicFields(props: {
  name: string;
  nic: NicDraft;
  onChange: (nic: NicDraft, bridgeChosen: boolean) => void;
  onRemove: () => void;
}) {
  const t = useT();
  const { draft, problems } = useWizard();
  const { name, nic } = props;
  const set = (part: Partial<NicDraft>) => props.onChange({ ...nic, ...part }, 'bridge' in part);
  return (
    <fieldset className="ry-card">
      <legend className="ry-id">{name}</legend>
      <div className="ry-form-grid">
        <BridgeField
          id={`${name}-bridge`}
          node={draft.node}
          value={nic.bridge}
          onChange={(bridge) => set({ bridge })}
          problem={problemText(problems, name, t)}
        />
        <SelectField
          id={`${name}-model`}
          label={t('hardware.model')}
          value={nic.model}
          onChange={(model) => set({ model: model as NicDraft['model'] })}
          choices={nicModels}
        />
        <TextField
          id={`${name}-mac`}
          label={t('column.mac')}
          placeholder={t('hardware.macAuto')}
          mono
          value={nic.mac}
          onChange={(mac) => set({ mac })}
        />
        {nic.bridge ? (
          <NumberField
            id={`${name}-tag`}
            label={t('hardware.vlan')}
            placeholder={t('hardware.vlanNone')}
            min={1}
            max={4094}
            value={nic.tag}
            onChange={(tag) => set({ tag })}
          />
        ) : null}
      </div>
      <div className="ry-form-checks">
        {nic.bridge ? (
          <CheckField
            id={`${name}-firewall`}
            label={t('hardware.firewall')}
            value={nic.firewall}
            onChange={(firewall) => set({ firewall })}
          />
        ) : null}
        <Button variant="link" isDanger size="sm" onClick={props.onRemove}>
          {t('wizard.removeNic', { name })}
        </Button>
      </div>
    </fieldset>
  );
}
