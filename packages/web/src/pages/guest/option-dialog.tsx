import { Button, Checkbox } from '@patternfly/react-core';
import { formatPropertyString, readPropertyString } from '@ryokan/api/schema/property-string.ts';
import { agentFields } from '@ryokan/api/schema/qemu-options.ts';
import { useState } from 'react';
import { CheckField, NumberField, SelectField, TextField } from '../../forms/fields.tsx';
import { type FieldValues, SchemaFields } from '../../forms/schema-field.tsx';
import { useT } from '../../i18n/index.ts';
import type { ConfigChange, DialogTarget } from './apply-change.ts';
import { ConfigDialog } from './config-dialog.tsx';
import { bootOrder, type ConfigEntry, future } from './config-model.ts';
import FeaturesForm from './container/features-form.tsx';
import VariablesForm from './container/variables-form.tsx';
import { changeOf } from './device-change.ts';
import { agentWords } from './dialogs/field-words.ts';
import { bootList } from './hardware-model.ts';
import {
  hotplugFeatures,
  localtimePreset,
  type OptionChoice,
  type OptionRow,
  readHotplug,
  readStartup,
  writeStartup,
} from './option-list.ts';

interface Props {
  readonly row: OptionRow;
  readonly entries: ReadonlyMap<string, ConfigEntry>;
  readonly target: DialogTarget;
  readonly onClose: () => void;
}

/** The dialog of one option; its form goes by the option's kind. */
export default function OptionDialog(props: Props) {
  const { row, entries } = props;
  const value = future(entries.get(row.key));
  switch (row.option.kind) {
    case 'flag': {
      const ostype = future(entries.get('ostype'));
      const preset = row.key === 'localtime' ? localtimePreset(ostype) : row.option.preset;
      return <FlagForm {...props} value={value} preset={preset} />;
    }
    case 'choice':
      return <ChoiceForm {...props} value={value} choices={row.option.choices} preset={row.option.preset} />;
    case 'number':
      return <NumberForm {...props} value={value} option={row.option} />;
    case 'features':
      return <FeaturesForm {...props} value={value} />;
    case 'variables':
      return <VariablesForm {...props} value={value} />;
    case 'boot':
      return <BootForm {...props} value={value} />;
    case 'startup':
      return <StartupForm {...props} value={value} />;
    case 'hotplug':
      return <HotplugForm {...props} value={value} />;
    case 'agent':
      return <AgentForm {...props} value={value} />;
    default:
      return <TextForm {...props} value={value} mono={row.option.mono ?? false} />;
  }
}

export type FormProps = Props & { readonly value: string | undefined };

/** The frame of an option's form. */
export function Dialog(props: Props & { change: ConfigChange | undefined; children: React.ReactNode }) {
  const t = useT();
  return (
    <ConfigDialog
      title={t(props.row.label)}
      target={props.target}
      change={props.change}
      onClose={props.onClose}
    >
      {props.children}
    </ConfigDialog>
  );
}

function FlagForm(props: FormProps & { preset: boolean }) {
  const t = useT();
  const before = props.value === undefined ? props.preset : props.value === '1';
  const [on, setOn] = useState(before);
  return (
    <Dialog {...props} change={on === before ? undefined : { [props.row.key]: on ? '1' : '0' }}>
      <CheckField
        id="flag"
        label={t(props.row.label)}
        value={on}
        onChange={setOn}
        {...(props.row.help ? { help: t(props.row.help) } : {})}
      />
    </Dialog>
  );
}

function TextForm(props: FormProps & { mono: boolean }) {
  const t = useT();
  const [text, setText] = useState(props.value ?? '');
  return (
    <Dialog {...props} change={changeOf({ [props.row.key]: props.value }, { [props.row.key]: text })}>
      <TextField
        id="text"
        label={t(props.row.label)}
        help={props.row.help ? t(props.row.help) : undefined}
        mono={props.mono}
        value={text}
        onChange={setText}
      />
    </Dialog>
  );
}

function ChoiceForm(props: FormProps & { choices: readonly OptionChoice[]; preset: string | undefined }) {
  const t = useT();
  const before = props.value ?? props.preset ?? '';
  const [chosen, setChosen] = useState(before);
  return (
    <Dialog {...props} change={changeOf({ [props.row.key]: before }, { [props.row.key]: chosen })}>
      <SelectField
        id="choice"
        label={t(props.row.label)}
        value={chosen}
        onChange={setChosen}
        choices={[
          ...(before === '' ? [{ value: '', label: '–' }] : []),
          ...props.choices.map(({ value, label, words }) => ({
            value,
            label: words ? t(words) : (label ?? value),
          })),
        ]}
        help={props.row.help ? t(props.row.help) : undefined}
      />
    </Dialog>
  );
}

function NumberForm(props: FormProps & { option: { min: number; max: number; preset: string } }) {
  const t = useT();
  const { row, option } = props;
  const [text, setText] = useState(props.value ?? '');
  return (
    <Dialog {...props} change={changeOf({ [row.key]: props.value }, { [row.key]: text })}>
      <NumberField
        id="number"
        label={t(row.label)}
        help={row.help ? t(row.help) : undefined}
        min={option.min}
        max={option.max}
        placeholder={option.preset}
        value={text}
        onChange={setText}
      />
    </Dialog>
  );
}

function StartupForm(props: FormProps) {
  const t = useT();
  const [startup, setStartup] = useState(() => readStartup(props.value));
  const set = (part: Partial<typeof startup>) => setStartup({ ...startup, ...part });
  return (
    <Dialog {...props} change={changeOf({ startup: props.value }, { startup: writeStartup(startup) })}>
      <NumberField
        id="order"
        label={t('options.startupOrder')}
        help={t('options.startupOrderHelp')}
        min={0}
        placeholder={t('options.startupAny')}
        value={startup.order}
        onChange={(order) => set({ order })}
      />
      <NumberField
        id="up"
        label={t('options.startupUp')}
        unit="s"
        min={0}
        value={startup.up}
        onChange={(up) => set({ up })}
      />
      <NumberField
        id="down"
        label={t('options.startupDown')}
        unit="s"
        min={0}
        placeholder="180"
        value={startup.down}
        onChange={(down) => set({ down })}
      />
    </Dialog>
  );
}

function HotplugForm(props: FormProps) {
  const t = useT();
  const before = readHotplug(props.value);
  const [chosen, setChosen] = useState<readonly string[]>(before);
  const text = hotplugFeatures.filter((one) => chosen.includes(one)).join(',') || '0';
  const same = hotplugFeatures.every((one) => chosen.includes(one) === before.includes(one));
  return (
    <Dialog {...props} change={same ? undefined : { hotplug: text }}>
      <p className="ry-subtle">{t('options.hotplugHelp')}</p>
      {hotplugFeatures.map((feature) => (
        <Checkbox
          key={feature}
          id={`hotplug-${feature}`}
          label={feature}
          isChecked={chosen.includes(feature)}
          onChange={(_, on) => setChosen(on ? [...chosen, feature] : chosen.filter((one) => one !== feature))}
        />
      ))}
    </Dialog>
  );
}

function AgentForm(props: FormProps) {
  const before = props.value ?? '';
  const [values, setValues] = useState<FieldValues>(
    (readPropertyString(agentFields, before || '0').value ?? { enabled: false }) as FieldValues,
  );
  const agent = formatPropertyString(agentFields, { ...values, enabled: values.enabled === true });
  return (
    <Dialog {...props} change={changeOf({ agent: before || '0' }, { agent })}>
      <SchemaFields
        fields={agentFields}
        words={agentWords}
        names={values.enabled ? ['enabled', 'freeze-fs', 'fstrim_cloned_disks', 'type'] : ['enabled']}
        values={values}
        onChange={setValues}
      />
    </Dialog>
  );
}

/** Boot devices in order: dragged with the mouse, or moved with the buttons beside them. */
function BootForm(props: FormProps) {
  const t = useT();
  const [list, setList] = useState(() => bootList(bootOrder(props.value), props.entries.keys()));
  const [dragged, setDragged] = useState<number>();
  const order = list.filter((one) => one.on).map((one) => one.key);
  const before = bootOrder(props.value);
  const move = (from: number, to: number) => {
    if (to < 0 || to >= list.length || from === to) return;
    const next = [...list];
    const [item] = next.splice(from, 1);
    if (item) next.splice(to, 0, item);
    setList(next);
  };
  const same = before !== undefined && before.join(';') === order.join(';');
  return (
    <Dialog {...props} change={same ? undefined : { boot: `order=${order.join(';')}` }}>
      <p className="ry-subtle">{t('options.bootHelp')}</p>
      <ol className="ry-boot-list">
        {list.map((item, index) => (
          <li
            key={item.key}
            draggable
            className={dragged === index ? 'ry-dragged' : undefined}
            onDragStart={() => setDragged(index)}
            onDragEnd={() => setDragged(undefined)}
            onDragOver={(event) => {
              event.preventDefault();
              if (dragged !== undefined && dragged !== index) {
                move(dragged, index);
                setDragged(index);
              }
            }}
          >
            <Checkbox
              id={`boot-${item.key}`}
              label={item.key}
              isChecked={item.on}
              onChange={(_, on) => setList(list.map((one, at) => (at === index ? { ...one, on } : one)))}
            />
            <span className="ry-boot-buttons">
              <Button
                variant="plain"
                size="sm"
                aria-label={t('options.moveUp', { key: item.key })}
                isDisabled={index === 0}
                onClick={() => move(index, index - 1)}
              >
                ↑
              </Button>
              <Button
                variant="plain"
                size="sm"
                aria-label={t('options.moveDown', { key: item.key })}
                isDisabled={index === list.length - 1}
                onClick={() => move(index, index + 1)}
              >
                ↓
              </Button>
            </span>
          </li>
        ))}
      </ol>
    </Dialog>
  );
}
