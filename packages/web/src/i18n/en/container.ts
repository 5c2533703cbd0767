/** Pages of a container. */
export const container = {
  'container.features': 'Features',
  'container.privilegedHelp': 'its root is root of the node',
  'container.rootfs': 'Root file system',
  'container.swap': 'Swap',
  'container.unprivileged': 'Unprivileged',
} as const;
