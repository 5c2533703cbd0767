/** コンテナのページ。 */
export const container = {
  'container.features': '機能',
  'container.privilegedHelp': 'コンテナの root はノードの root と同じ権限を持ちます',
  'container.rootfs': 'ルートファイルシステム',
  'container.swap': 'スワップ',
  'container.unprivileged': '非特権',
} as const;
