/** ゲストエージェント: ゲストの情報と、ゲスト内での操作。 */
export const agent = {
  'agent.channel': '通信方式',
  'agent.freezeOption': 'スナップショットとバックアップの間、ファイルシステムを凍結する',
  'agent.trimOption': 'ディスクのクローン・移動後に未使用ブロックを解放する',
} as const;
