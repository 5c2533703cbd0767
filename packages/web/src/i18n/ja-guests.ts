/** What the pages of a guest and the wizard need besides; loaded with them. */
import { agent } from './ja/agent.ts';
import { cloudinit } from './ja/cloudinit.ts';
import { container } from './ja/container.ts';
import { containerWizard } from './ja/container-wizard.ts';
import { devices } from './ja/devices.ts';
import { firewall } from './ja/firewall.ts';
import { hardware } from './ja/hardware.ts';
import { importing } from './ja/import.ts';
import { mappings } from './ja/mappings.ts';
import { snapshots } from './ja/snapshots.ts';
import { templates } from './ja/templates.ts';
import { wizard } from './ja/wizard.ts';

export const jaGuests = {
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
