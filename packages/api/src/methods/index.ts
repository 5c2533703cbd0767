/** Importing this file defines every method. */
export * from './access.ts';
export * from './cluster.ts';
export * from './cluster-mapping.ts';
export * from './cluster-qemu.ts';
export * from './node-capabilities.ts';
export * from './node-hardware.ts';
export * from './node-options.ts';
export * from './nodes.ts';
export * from './qemu.ts';
export * from './qemu-agent.ts';
export * from './qemu-cloudinit.ts';
export * from './qemu-copy.ts';
export * from './qemu-snapshots.ts';
export * from './spice.ts';
export * from './storage.ts';
export * from './storage-import.ts';
export * from './tasks.ts';
