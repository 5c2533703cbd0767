/** What the pages of a guest and the wizard need besides; loaded with them. */
import { agent } from './en/agent.ts';
import { cloudinit } from './en/cloudinit.ts';
import { container } from './en/container.ts';
import { containerWizard } from './en/container-wizard.ts';
import { devices } from './en/devices.ts';
import { firewall } from './en/firewall.ts';
import { hardware } from './en/hardware.ts';
import { importing } from './en/import.ts';
import { mappings } from './en/mappings.ts';
import { snapshots } from './en/snapshots.ts';
import { templates } from './en/templates.ts';
import { wizard } from './en/wizard.ts';

export const enGuests = {
  ...agent,
  ...cloudinit,
  ...container,
  ...containerWizard,
  ...devices,
  ...firewall,
  ...hardware,
  ...importing,
  ...mappings,
  ...snapshots,
  ...templates,
  ...wizard,
} as const;
