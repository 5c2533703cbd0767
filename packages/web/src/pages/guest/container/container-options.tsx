import { useT } from '../../../i18n/index.ts';
import type { GuestTabProps } from '../guest-page.tsx';
import { OptionTable } from '../options.tsx';
import { containerOptions } from './option-rows.ts';

/** The options of a container. */
export default function ContainerOptions(props: GuestTabProps) {
  const t = useT();
  return <OptionTable {...props} label={t('tab.options')} rows={containerOptions} />;
}
