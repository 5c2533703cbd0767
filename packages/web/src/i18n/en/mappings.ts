/** Resource mappings of the cluster. */
export const mappings = {
  'mappings.add': 'Add a mapping',
  'mappings.another': 'Add another one',
  'mappings.edit': 'Mapping {{name}}',
  'mappings.entries': 'Stands for',
  'mappings.kind': 'Kind',
  'mappings.mdev': 'Divided into mediated devices',
  'mappings.mdevHelp': 'Each guest gets a part of the device (vGPU), not the whole of it.',
  'mappings.nameHelp': 'Guests name the device by it. Letters, digits, - and _, beginning with a letter.',
  'mappings.none': 'No mappings',
  'mappings.noneBody':
    'A mapping gives one name to fitting devices or directories of several nodes. Guests use the name, so that they can move, and rights can be given for it.',
  'mappings.path': 'Directory on {{node}}',
  'mappings.port': 'Only at this port',
  'mappings.portHelp': 'Otherwise the first device of this kind counts, wherever it is plugged in.',
  'mappings.removeBody':
    'Guests that name it do not start any more until they are changed. The devices themselves stay as they are.',
} as const;
