/** Getting container templates: the catalogue and OCI registries. */
export const templates = {
  'oci.ask': 'Ask for its tags',
  'oci.description': 'An image of a registry becomes a template for containers.',
  'oci.failed': 'The image was not pulled',
  'oci.pull': 'Pull',
  'oci.reference': 'Image',
  'oci.referenceHelp':
    'Registry and repository. Without a registry the default one of container engines is asked.',
  'oci.tag': 'Tag',
  'oci.tagCount_one': '{{count}} tag',
  'oci.tagCount_other': '{{count}} tags',
  'oci.tagsFailed': 'The registry did not give its tags',
  'oci.title': 'Pull an OCI image',
  'templates.about': 'About',
  'templates.allSections': 'All sections',
  'templates.architecture': 'Architecture',
  'templates.description': 'Containers are made of these. The node downloads one and compares its checksum.',
  'templates.downloadOf': 'Download {{template}}',
  'templates.failed': '{{template}} was not downloaded',
  'templates.infopage': 'Web page',
  'templates.into': 'Download into',
  'templates.keyring': 'Keyring on the node',
  'templates.keyringHelp':
    'Holds the keys that sign the catalogue. Needed when the address begins with http://.',
  'templates.maintainer': 'Maintainer',
  'templates.none': 'No catalogue yet',
  'templates.noneAsk':
    'An administrator says where the catalogue is: the option template-catalogue of the datacenter. You can also pull an OCI image or upload an archive.',
  'templates.noneBody':
    'Say where the node finds a catalogue. Without one you can pull an OCI image, upload an archive, or build a template on the node: ryokan template build debian',
  'templates.present': 'here already',
  'templates.saveUrl': 'Use this catalogue',
  'templates.section': 'Section',
  'templates.title': 'Container templates',
  'templates.unreachable': 'The catalogue cannot be read',
  'templates.unreachableHelp':
    'Check whether the node reaches this address, by its own network or the proxy of the datacenter, and whether the address is right. Templates that are here already work without it.',
  'templates.update': 'Fetch the catalogue again',
  'templates.url': 'Address of the catalogue',
  'templates.urlHelp': 'A list in the format of aplinfo.dat, plain or as .gz.',
  'templates.use': 'Use this one',
  'templates.version': 'Version',
} as const;
