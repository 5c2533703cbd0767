/** Network cards to choose from, the fastest first. The API knows more, for guests that came from elsewhere. */
export const nicModels = [
  { value: 'virtio', label: 'VirtIO' },
  { value: 'e1000e', label: 'Intel E1000E' },
  { value: 'e1000', label: 'Intel E1000' },
  { value: 'rtl8139', label: 'Realtek RTL8139' },
  { value: 'vmxnet3', label: 'VMware vmxnet3' },
] as const;
