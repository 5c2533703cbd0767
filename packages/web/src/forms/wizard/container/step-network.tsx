import { Button, ExpandableSection } from '@patternfly/react-core';
import { Empty } from '../../../components/empty.tsx';
import { type PlainKey, useT } from '../../../i18n/index.ts';
import { BridgeField } from '../../bridge-field.tsx';
import { CheckField, NumberField, SelectField, TextField } from '../../fields.tsx';
import { problemText } from '../wizard-state.ts';
import { useContainer } from './container-model.ts';
import { type CardDraft, nextCard } from './draft.ts';

export function NetworkStep() {
  const t = useT();
  const { draft, change } = useContainer();
  const set = (index: number, part: Partial<CardDraft>) =>
    change({
      nics: draft.nics.map((one, at) => (at === index ? { ...one, ...part } : one)),
      bridgeChosen: draft.bridgeChosen || 'bridge' in part,
    });
  return (
    <>
      {draft.nics.length === 0 ? <Empty title={t('wizard.noNics')}>{t('wizard.noNicsBody')}</Empty> : null}
      {draft.nics.map((nic, index) => (
        <CardFields
          // biome-ignore lint/suspicious/noArrayIndexKey: a card is its place
          key={index}
          id={`net${index}`}
          nic={nic}
          onChange={(part) => set(index, part)}
          onRemove={() => change({ nics: draft.nics.filter((_, at) => at !== index) })}
        />
      ))}
      <div>
        <Button variant="secondary" onClick={() => change({ nics: [...draft.nics, nextCard(draft.nics)] })}>
          {t('wizard.addNic')}
        </Button>
      </div>
    </>
  );
}

interface CardProps {
  readonly id: string;
  readonly nic: CardDraft;
  readonly onChange: (part: Partial<CardDraft>) => void;
}

function CardFields(props: CardProps & { onRemove: () => void }) {
  const t = useT();
  const { draft, problems } = useContainer();
  const { id, nic, onChange } = props;
  return (
    <fieldset className="ry-card">
      <legend className="ry-id">{id}</legend>
      <div className="ry-form-grid">
        <TextField
          id={`${id}-name`}
          label={t('column.name')}
          required
          mono
          value={nic.name}
          onChange={(name) => onChange({ name })}
          problem={problemText(problems, `${id}.name`, t)}
        />
        <BridgeField
          id={`${id}-bridge`}
          node={draft.node}
          bridgesOnly
          value={nic.bridge}
          onChange={(bridge) => onChange({ bridge })}
          problem={problemText(problems, `${id}.bridge`, t) ?? problemText(problems, id, t)}
        />
      </div>
      <AddressFields id={id} nic={nic} onChange={onChange} />
      <ExpandableSection toggleText={t('hardware.advanced')}>
        <CardOptions id={id} nic={nic} onChange={onChange} />
      </ExpandableSection>
      <div className="ry-form-checks">
        <CheckField
          id={`${id}-firewall`}
          label={t('hardware.firewall')}
          value={nic.firewall}
          onChange={(firewall) => onChange({ firewall })}
        />
        <Button variant="link" isDanger size="sm" onClick={props.onRemove}>
          {t('wizard.removeNic', { name: id })}
        </Button>
      </div>
    </fieldset>
  );
}

/** How the card gets its addresses, and those that are given by hand. */
function AddressFields({ id, nic, onChange }: CardProps) {
  const t = useT();
  return (
    <>
      <div className="ry-form-grid">
        <SelectField
          id={`${id}-ip-mode`}
          label="IPv4"
          value={nic.ipMode}
          onChange={(ipMode) => onChange({ ipMode: ipMode as CardDraft['ipMode'] })}
          choices={[
            { value: 'dhcp', label: 'DHCP' },
            { value: 'static', label: t('container.static') },
            { value: 'none', label: t('container.noAddress') },
          ]}
        />
        <SelectField
          id={`${id}-ip6-mode`}
          label="IPv6"
          value={nic.ip6Mode}
          onChange={(ip6Mode) => onChange({ ip6Mode: ip6Mode as CardDraft['ip6Mode'] })}
          choices={[
            { value: 'none', label: t('container.noAddress') },
            { value: 'auto', label: t('container.slaac') },
            { value: 'dhcp', label: 'DHCPv6' },
            { value: 'static', label: t('container.static') },
          ]}
        />
      </div>
      {nic.ipMode === 'static' ? <StaticFields id={id} nic={nic} onChange={onChange} fields={ipv4} /> : null}
      {nic.ip6Mode === 'static' ? <StaticFields id={id} nic={nic} onChange={onChange} fields={ipv6} /> : null}
    </>
  );
}

interface StaticField {
  readonly key: 'ip' | 'gw' | 'ip6' | 'gw6';
  readonly label: PlainKey;
  readonly placeholder: string;
  readonly required?: true;
}

const ipv4: readonly StaticField[] = [
  { key: 'ip', label: 'newct.ipv4Cidr', placeholder: '192.168.1.10/24', required: true },
  { key: 'gw', label: 'newct.gateway4', placeholder: '192.168.1.1' },
];
const ipv6: readonly StaticField[] = [
  { key: 'ip6', label: 'newct.ipv6Cidr', placeholder: '2001:db8::10/64', required: true },
  { key: 'gw6', label: 'newct.gateway6', placeholder: '2001:db8::1' },
];

function StaticFields({ id, nic, onChange, fields }: CardProps & { fields: readonly StaticField[] }) {
  const t = useT();
  const { problems } = useContainer();
  return (
    <div className="ry-form-grid">
      {fields.map(({ key, label, placeholder, required = false }) => (
        <TextField
          key={key}
          id={`${id}-${key}`}
          label={t(label)}
          placeholder={placeholder}
          required={required}
          mono
          value={nic[key]}
          onChange={(value) => onChange({ [key]: value })}
          problem={problemText(problems, `${id}.${key}`, t)}
        />
      ))}
    </div>
  );
}

function CardOptions({ id, nic, onChange }: CardProps) {
  const t = useT();
  const { problems } = useContainer();
  return (
    <div className="ry-form-grid">
      <TextField
        id={`${id}-mac`}
        label={t('column.mac')}
        placeholder={t('hardware.macAuto')}
        mono
        value={nic.hwaddr}
        onChange={(hwaddr) => onChange({ hwaddr })}
        problem={problemText(problems, `${id}.hwaddr`, t)}
      />
      <NumberField
        id={`${id}-tag`}
        label={t('hardware.vlan')}
        placeholder={t('hardware.vlanNone')}
        min={1}
        max={4094}
        value={nic.tag}
        onChange={(tag) => onChange({ tag })}
        problem={problemText(problems, `${id}.tag`, t)}
      />
      <NumberField
        id={`${id}-rate`}
        label={t('hardware.rate')}
        unit="MB/s"
        placeholder={t('hardware.noLimit')}
        min={0}
        value={nic.rate}
        onChange={(rate) => onChange({ rate })}
        problem={problemText(problems, `${id}.rate`, t)}
      />
      <NumberField
        id={`${id}-mtu`}
        label={t('net.mtu')}
        placeholder={t('container.mtuOfBridge')}
        min={576}
        max={65535}
        value={nic.mtu}
        onChange={(mtu) => onChange({ mtu })}
        problem={problemText(problems, `${id}.mtu`, t)}
      />
    </div>
  );
}
