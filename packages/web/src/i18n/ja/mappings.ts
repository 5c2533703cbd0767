/** クラスタのリソースマッピング */
export const mappings = {
  'mappings.add': 'マッピングを追加',
  'mappings.another': 'さらに追加',
  'mappings.edit': 'マッピング {{name}}',
  'mappings.entries': '対象',
  'mappings.kind': '種類',
  'mappings.mdev': '仲介デバイスに分割する',
  'mappings.mdevHelp': 'デバイス全体ではなく、その一部 (vGPU など) を各ゲストに割り当てます。',
  'mappings.nameHelp': 'ゲストはこの名前でデバイスを指定します。英字で始まり、英数字、-、_ を使えます。',
  'mappings.none': 'マッピングはありません',
  'mappings.noneBody':
    '複数のノードにある同等のデバイスやディレクトリに、共通の名前を付けます。ゲストはその名前で指定するため別のノードへ移動でき、権限も名前単位で設定できます。',
  'mappings.path': '{{node}} 上のディレクトリ',
  'mappings.port': 'このポートに限定する',
  'mappings.portHelp': '限定しない場合は、接続場所に関係なく同じ種類の最初のデバイスを使います。',
  'mappings.removeBody':
    'このマッピングを使うゲストは、設定を変更するまで起動できなくなります。デバイス自体には影響しません。',
} as const;
