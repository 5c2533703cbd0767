import { useT } from '../../../i18n/index.ts';
import { NumberField, TextField } from '../../fields.tsx';
import { MemoryField } from '../memory-field.tsx';
import { problemText } from '../wizard-state.ts';
import { useContainer } from './container-model.ts';

export function CpuStep() {
  const t = useT();
  const { draft, change, problems } = useContainer();
  return (
    <>
      <NumberField
        id="cores"
        label={t('container.cores')}
        help={t('newct.coresHelp')}
        placeholder={t('container.allCores')}
        min={1}
        value={draft.cores}
        onChange={(cores) => change({ cores })}
        problem={problemText(problems, 'cores', t)}
      />
      <NumberField
        id="cpulimit"
        label={t('hardware.cpulimit')}
        help={t('hardware.cpulimitHelp')}
        placeholder={t('hardware.noLimit')}
        min={0}
        step={0.5}
        value={draft.cpulimit}
        onChange={(cpulimit) => change({ cpulimit })}
        problem={problemText(problems, 'cpulimit', t)}
      />
      <NumberField
        id="cpuunits"
        label={t('hardware.cpuunits')}
        help={t('hardware.cpuunitsHelp')}
        placeholder="100"
        min={0}
        value={draft.cpuunits}
        onChange={(cpuunits) => change({ cpuunits })}
        problem={problemText(problems, 'cpuunits', t)}
      />
    </>
  );
}

export function MemoryStep() {
  const t = useT();
  const wizard = useContainer();
  const { draft, change, problems } = wizard;
  return (
    <>
      <MemoryField wizard={wizard} />
      <NumberField
        id="swap"
        label={t('container.swap')}
        help={t('newct.swapHelp')}
        unit="MiB"
        min={0}
        step={256}
        value={draft.swap}
        onChange={(swap) => change({ swap })}
        problem={problemText(problems, 'swap', t)}
      />
    </>
  );
}

export function DnsStep() {
  const t = useT();
  const { draft, change, problems } = useContainer();
  return (
    <>
      <p>{t('newct.dnsHelp')}</p>
      <TextField
        id="searchdomain"
        label={t('container.searchDomain')}
        placeholder={t('container.ofNode')}
        value={draft.searchdomain}
        onChange={(searchdomain) => change({ searchdomain })}
        problem={problemText(problems, 'searchdomain', t)}
      />
      <TextField
        id="nameserver"
        label={t('container.nameServers')}
        help={t('container.nameServersHelp')}
        placeholder={t('container.ofNode')}
        value={draft.nameserver}
        onChange={(nameserver) => change({ nameserver })}
        problem={problemText(problems, 'nameserver', t)}
      />
    </>
  );
}
