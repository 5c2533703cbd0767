import { Button, ExpandableSection } from '@patternfly/react-core';
import { useSession } from '../../../api/session.ts';
import { useStorages } from '../../../api/volumes.ts';
import { useT } from '../../../i18n/index.ts';
import { useFormat } from '../../../util/use-format.ts';
import { CheckField, NumberField, SelectField, TextField } from '../../fields.tsx';
import { StorageField } from '../storage-field.tsx';
import { problemText } from '../wizard-state.ts';
import { useContainer } from './container-model.ts';
import { emptyMount, type MountDraft, mountOptions, type VolumeDraft } from './draft.ts';

const GiB = 1024 ** 3;

export function DisksStep() {
  const t = useT();
  const { draft, change } = useContainer();
  const setMount = (index: number, mount: MountDraft) =>
    change({ mounts: draft.mounts.map((one, at) => (at === index ? mount : one)) });
  return (
    <>
      <fieldset className="ry-card">
        <legend>{t('container.rootfs')}</legend>
        <VolumeFields
          name="rootfs"
          volume={draft.rootfs}
          onChange={(part) => change({ rootfs: { ...draft.rootfs, ...part } })}
        />
        <VolumeOptions
          name="rootfs"
          volume={draft.rootfs}
          onChange={(part) => change({ rootfs: { ...draft.rootfs, ...part } })}
        />
      </fieldset>
      {draft.mounts.map((mount, index) => (
        <MountFields
          // biome-ignore lint/suspicious/noArrayIndexKey: a mount point is its place
          key={index}
          name={`mp${index}`}
          mount={mount}
          onChange={(next) => setMount(index, next)}
          onRemove={() => change({ mounts: draft.mounts.filter((_, at) => at !== index) })}
        />
      ))}
      <div>
        <Button
          variant="secondary"
          onClick={() =>
            change({ mounts: [...draft.mounts, { ...emptyMount, storage: draft.rootfs.storage }] })
          }
        >
          {t('container.addMount')}
        </Button>
      </div>
    </>
  );
}

function MountFields(props: {
  name: string;
  mount: MountDraft;
  onChange: (mount: MountDraft) => void;
  onRemove: () => void;
}) {
  const t = useT();
  const { problems } = useContainer();
  const isRoot = useSession()?.username === 'root@pam';
  const { name, mount } = props;
  const set = (part: Partial<MountDraft>) => props.onChange({ ...mount, ...part });
  const own = mount.source === 'volume';
  return (
    <fieldset className="ry-card">
      <legend className="ry-id">{name}</legend>
      <div className="ry-form-grid">
        <TextField
          id={`${name}-path`}
          label={t('container.path')}
          help={t('container.pathHelp')}
          placeholder="/srv/data"
          required
          mono
          value={mount.path}
          onChange={(path) => set({ path })}
          problem={problemText(problems, `${name}.path`, t)}
        />
        {isRoot ? (
          <SelectField
            id={`${name}-source`}
            label={t('newct.source')}
            value={mount.source}
            onChange={(source) => set({ source: source as MountDraft['source'] })}
            choices={[
              { value: 'volume', label: t('container.newVolume') },
              { value: 'directory', label: t('container.directory') },
            ]}
          />
        ) : null}
      </div>
      {own ? (
        <VolumeFields name={name} volume={mount} onChange={set} />
      ) : (
        <TextField
          id={`${name}-directory`}
          label={t('container.directory')}
          help={t('container.directoryHelp')}
          placeholder="/srv/shared"
          required
          mono
          value={mount.directory}
          onChange={(directory) => set({ directory })}
          problem={problemText(problems, `${name}.directory`, t)}
        />
      )}
      <div className="ry-form-checks">
        {own ? (
          <CheckField
            id={`${name}-backup`}
            label={t('hardware.inBackups')}
            value={mount.backup}
            onChange={(backup) => set({ backup })}
          />
        ) : null}
        <CheckField
          id={`${name}-ro`}
          label={t('hardware.readOnly')}
          value={mount.ro}
          onChange={(ro) => set({ ro })}
        />
      </div>
      {own ? <VolumeOptions name={name} volume={mount} onChange={set} /> : null}
      <div>
        <Button variant="link" isDanger isInline size="sm" onClick={props.onRemove}>
          {t('wizard.removeDisk', { name })}
        </Button>
      </div>
    </fieldset>
  );
}

interface VolumeProps {
  readonly name: string;
  readonly volume: VolumeDraft;
  readonly onChange: (part: Partial<VolumeDraft>) => void;
}

/** Storage and size of a new volume. */
function VolumeFields({ name, volume, onChange }: VolumeProps) {
  const t = useT();
  const format = useFormat();
  const { draft, problems } = useContainer();
  const { storages } = useStorages(draft.node, 'rootdir');
  const free = storages.find((one) => one.storage === volume.storage)?.avail;
  const tooLarge = free !== undefined && Number(volume.size) * GiB > free;
  return (
    <div className="ry-form-grid">
      <StorageField
        id={`${name}-storage`}
        label={t('column.storage')}
        node={draft.node}
        content="rootdir"
        value={volume.storage}
        onChange={(storage) => onChange({ storage })}
        problem={problemText(problems, `${name}.storage`, t) ?? problemText(problems, name, t)}
      />
      <NumberField
        id={`${name}-size`}
        label={t('column.size')}
        unit="GiB"
        min={1}
        value={volume.size}
        onChange={(size) => onChange({ size })}
        problem={
          problemText(problems, `${name}.size`, t) ??
          (tooLarge ? t('wizard.tooLarge', { free: format.bytes(free) }) : undefined)
        }
      />
    </div>
  );
}

/** How a volume is mounted. */
function VolumeOptions({ name, volume, onChange }: VolumeProps) {
  const t = useT();
  const { draft } = useContainer();
  return (
    <ExpandableSection toggleText={t('hardware.advanced')}>
      <div className="ry-form-rows">
        <div className="ry-form-grid">
          <SelectField
            id={`${name}-acl`}
            label={t('container.acl')}
            value={volume.acl}
            onChange={(acl) => onChange({ acl: acl as VolumeDraft['acl'] })}
            choices={[
              { value: '', label: t('container.aclDefault') },
              { value: '1', label: t('newct.on') },
              { value: '0', label: t('newct.off') },
            ]}
          />
        </div>
        <CheckField
          id={`${name}-quota`}
          label={t('container.quota')}
          help={t('container.quotaHelp')}
          value={volume.quota && !draft.unprivileged}
          disabled={draft.unprivileged}
          onChange={(quota) => onChange({ quota })}
        />
        <fieldset className="ry-form-rows">
          <legend className="ry-small-heading">{t('container.mountOptions')}</legend>
          <div className="ry-form-checks">
            {mountOptions.map((option) => (
              <CheckField
                key={option}
                id={`${name}-${option}`}
                label={option}
                value={volume.mountoptions.includes(option)}
                onChange={(checked) =>
                  onChange({
                    mountoptions: mountOptions.filter((one) =>
                      one === option ? checked : volume.mountoptions.includes(one),
                    ),
                  })
                }
              />
            ))}
          </div>
        </fieldset>
      </div>
    </ExpandableSection>
  );
}
