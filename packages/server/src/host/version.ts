/** Version of the API that is spoken, and of the product. */

/** Clients compare `version` with what they know of Proxmox VE; `product` and `repoid` tell the truth. */
export const apiVersion = {
  version: '9.2.1',
  release: '9.2',
  repoid: '0ea0000000000001',
  product: 'Ryokan 0.1.0',
} as const;
