/** The guest agent: what it says about the guest, and what it does in it. */
export const agent = {
  'agent.channel': 'Channel',
  'agent.freezeOption': 'Freeze the file systems for snapshots and backups',
  'agent.trimOption': 'Free unused blocks after a disk was cloned or moved',
} as const;
