/** Importing machines. */
export const importing = {
  'import.allKept': 'Everything in it is understood.',
  'import.begin': 'Import',
  'import.card': 'Network card',
  'import.cardCount_one': '{{count}} card',
  'import.cardCount_other': '{{count}} cards',
  'import.cards': 'Network',
  'import.change': 'What becomes of it',
  'import.choose': 'Choose a file',
  'import.controller': 'SCSI controller',
  'import.devices': 'Other devices',
  'import.diskCount_one': '{{count}} disk, {{size}}',
  'import.diskCount_other': '{{count}} disks, {{size}}',
  'import.disks': 'Disks',
  'import.emptyDisk': 'New, empty disk',
  'import.failed': 'The import was not started',
  'import.file': 'File',
  'import.fileHelp': 'OVA or OVF of VMware, VirtualBox and others, or a disk: qcow2, raw, vmdk, vdi, vhdx.',
  'import.firmware': 'Firmware',
  'import.newMacs': 'New MAC addresses',
  'import.newMacsHelp': 'When the original goes on running in the same network.',
  'import.newState': 'Made anew',
  'import.noFiles': 'Nothing to import yet: upload a file',
  'import.noStorage': 'No storage of this node takes files to import. Allow content "import" on one.',
  'import.notKept': 'What cannot be kept',
  'import.os': 'Operating system type',
  'import.prepareVirtio': 'Prepare for VirtIO',
  'import.prepareVirtioHelp':
    'Disks go to SATA, which every system knows. Install the VirtIO drivers in the guest, then move them to SCSI.',
  'import.recognised': 'Recognised',
  'import.secureBoot': 'Secure Boot',
  'import.start': 'Start after the import',
  'import.title': 'Import a VM',
  'import.unreadable': 'This file cannot be imported',
  'import.warning.cdrom-image-ignored':
    '{{key}}: the CD drive comes empty; its image {{value}} is not imported.',
  'import.warning.device-not-imported': '{{key}} ({{value}}) has no counterpart and is left out.',
  'import.warning.device-replaced':
    '{{key}}: another model takes its place: {{value}}. The guest may need a driver.',
  'import.warning.disk-missing': '{{key}}: the file {{value}} is missing. Upload it beside the description.',
  'import.warning.disk-unsupported':
    '{{key}}: the disk {{value}} cannot be read. Export it whole and uncompressed.',
  'import.warning.efi-state-lost':
    'Variables of the UEFI firmware are not in the file. If the guest does not boot, choose its loader in the firmware menu.',
  'import.warning.manifest-missing': 'The file has no checksums, so damage on the way would not be noticed.',
  'import.warning.more-machines': 'The file describes {{value}} machines. Only the first one is imported.',
  'import.warning.no-disks': 'The machine has no disk that can be imported.',
  'import.warning.nvme-unsupported': '{{key}}: NVMe becomes SCSI. The guest needs VirtIO drivers for it.',
  'import.warning.os-unknown': 'The operating system {{value}} is not known. Choose its type in the options.',
  'import.warning.ovmf-with-lsi-unsupported':
    'The UEFI firmware does not boot from an LSI controller. Prepare for VirtIO, or choose another controller.',
  'import.warning.serial-port-socket-only': '{{key}}: the serial port becomes a console of this node.',
  'import.warning.tpm-state-lost':
    'Keys of the TPM are not in the file. Have the recovery key of BitLocker at hand before the first start.',
  'import.warning.value-not-recognised':
    '{{key}}: the value {{value}} is not understood; a default takes its place.',
} as const;
