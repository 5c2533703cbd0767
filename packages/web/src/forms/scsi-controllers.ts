/** SCSI controllers, the recommended one first. */
export const scsiControllers = [
  { value: 'virtio-scsi-single', label: 'VirtIO SCSI single' },
  { value: 'virtio-scsi-pci', label: 'VirtIO SCSI' },
  { value: 'lsi', label: 'LSI 53C895A' },
  { value: 'lsi53c810', label: 'LSI 53C810' },
  { value: 'megasas', label: 'MegaRAID SAS' },
  { value: 'pvscsi', label: 'VMware PVSCSI' },
] as const;
