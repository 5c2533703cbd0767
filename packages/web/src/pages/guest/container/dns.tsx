import { useT } from '../../../i18n/index.ts';
import type { GuestTabProps } from '../guest-page.tsx';
import { OptionTable } from '../options.tsx';
import { nameOptions } from './option-rows.ts';

/** What a container is called and whom it asks for names. */
export default function Dns(props: GuestTabProps) {
  const t = useT();
  return (
    <OptionTable
      {...props}
      label={t('tab.dns')}
      rows={nameOptions}
      note={<p className="ry-toolbar ry-subtle">{t('container.dnsNote')}</p>}
    />
  );
}
