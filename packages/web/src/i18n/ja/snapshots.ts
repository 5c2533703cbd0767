/** スナップショット、クローン、テンプレート。 */
export const snapshots = {
  'clone.full': 'フルクローン',
  'clone.fullHelp': 'すべてのディスクをコピーし、元のゲストから独立します。',
  'clone.identity': 'クローンには新しい MAC アドレスとマシン ID が割り当てられます。',
  'clone.kind': 'クローンの種類',
  'clone.linked': 'リンククローン',
  'clone.linkedHelp':
    'すぐに完了します。テンプレートのディスクを共有し、変更分だけを保存します。テンプレートは削除できなくなります。',
  'clone.linkedNeedsTemplate':
    'リンククローンはテンプレートからのみ作成できます。先にテンプレートへ変換してください。',
  'clone.sameFormat': 'ストレージの既定',
  'clone.sameStorage': '各ディスクと同じ場所',
  'clone.start': '完了後に起動する',
  'clone.startHelp': 'このページを開いている間、コピーの完了後すぐに起動します。',
  'clone.storage': '保存先ストレージ',
  'clone.submit': 'クローンを作成',
  'clone.target': '作成先ノード',
  'clone.title': '{{name}} のクローン',
  'clone.titleSnapshot': 'スナップショット {{name}} のクローン',
  'snapshot.after': '{{name}} の後',
  'snapshot.clone': 'クローン',
  'snapshot.delete': '削除',
  'snapshot.deleteBody': '保存された状態は完全に削除されます。現在のゲストとディスクには影響しません。',
  'snapshot.deleteBodyRam':
    '保存された状態とメモリは完全に削除されます。現在のゲストとディスクには影響しません。',
  'snapshot.deleteForce': 'ディスクの処理に失敗しても一覧から削除する',
  'snapshot.deleteForceHelp':
    'ディスクが破損・消失したスナップショット向けです。削除できないものはストレージに残ります。',
  'snapshot.deleteKeeps': '以降のスナップショットは残ります: {{names}}。',
  'snapshot.deleteTitle': 'スナップショット {{name}} を削除しますか?',
  'snapshot.description': '説明',
  'snapshot.edit': '説明を編集',
  'snapshot.editTitle': 'スナップショット {{name}}',
  'snapshot.more': '{{name}} のその他の操作',
  'snapshot.nameForm': '英字で始まる 2 ～ 40 文字の英数字、_、- で入力してください。',
  'snapshot.nameTaken': '同じ名前のスナップショットがあります。',
  'snapshot.none': 'スナップショットはありません',
  'snapshot.noneBody':
    'スナップショットは現在のディスクと設定を保存し、後でその時点に戻せるようにします。同じストレージに保存されるため、バックアップの代わりにはなりません。',
  'snapshot.now': '現在',
  'snapshot.nowBody': '現在の状態',
  'snapshot.ram': 'メモリ込み',
  'snapshot.rollbackKeeps':
    '他のスナップショットは残ります。現在の状態も残すには、先にスナップショットを作成してください。',
  'snapshot.rollbackLoses': 'ディスクと設定を {{when}} の状態に戻します。それ以降の変更はすべて失われます:',
  'snapshot.rollbackRam': '保存されたメモリの状態から動作を続けます。',
  'snapshot.rollbackStart': '復元後に起動する',
  'snapshot.rollbackStops': 'ゲストは実行中です。電源を抜くのと同じように直ちに停止されます。',
  'snapshot.rollbackTitle': '{{name}} の状態に戻しますか?',
  'snapshot.rollbackTo': '{{name}}: この時点に戻す',
  'snapshot.takeSubmit': '作成',
  'snapshot.withRam': 'メモリも保存する',
  'snapshot.withRamHelp':
    'この瞬間の続きから再開できます。最大 {{size}} を書き込み、最後にゲストが一時停止します。',
  'snapshot.withoutRamHelp':
    'すぐに完了します。戻したときは電源断の後の起動と同じ状態ですが、ゲストエージェントがあれば整合性が保たれます。',
  'template.body':
    'ディスクはクローン用の読み取り専用ベースになります。以後起動できず、元に戻すこともできません。使用するにはクローンを作成してください。',
  'template.snapshots': '先にスナップショットを削除してください:',
  'template.submit': '変換',
  'template.title': '{{name}} をテンプレートに変換しますか?',
} as const;
