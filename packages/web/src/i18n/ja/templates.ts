/** コンテナテンプレートの入手: カタログと OCI レジストリ。 */
export const templates = {
  'oci.ask': 'タグを取得',
  'oci.description': 'レジストリのイメージをコンテナのテンプレートにします。',
  'oci.failed': 'イメージを取得できませんでした',
  'oci.pull': '取得',
  'oci.reference': 'イメージ',
  'oci.referenceHelp':
    'レジストリとリポジトリ。レジストリを省くと、コンテナエンジンの既定のレジストリになります。',
  'oci.tag': 'タグ',
  'oci.tagCount_other': 'タグ {{count}} 個',
  'oci.tagsFailed': 'レジストリからタグを取得できませんでした',
  'oci.title': 'OCI イメージを取得',
  'templates.about': '概要',
  'templates.allSections': 'すべてのセクション',
  'templates.architecture': 'アーキテクチャ',
  'templates.description':
    'コンテナの元になるテンプレートです。ノードがダウンロードし、チェックサムを照合します。',
  'templates.downloadOf': '{{template}} をダウンロード',
  'templates.failed': '{{template}} をダウンロードできませんでした',
  'templates.infopage': 'Web ページ',
  'templates.into': 'ダウンロード先',
  'templates.keyring': 'ノード上のキーリング',
  'templates.keyringHelp':
    'カタログの署名を検証する鍵が入ったファイル。アドレスが http:// で始まる場合は必須です。',
  'templates.maintainer': '管理者',
  'templates.none': 'カタログがまだありません',
  'templates.noneAsk':
    'カタログの場所は、データセンターのオプション template-catalogue で管理者が設定します。OCI イメージの取得やアーカイブのアップロードもできます。',
  'templates.noneBody':
    'カタログの場所を設定してください。カタログがなくても、OCI イメージの取得、アーカイブのアップロード、ノード上でのテンプレートの作成 (ryokan template build debian) ができます。',
  'templates.present': 'ダウンロード済み',
  'templates.saveUrl': 'このカタログを使う',
  'templates.section': 'セクション',
  'templates.title': 'コンテナテンプレート',
  'templates.unreachable': 'カタログを読み込めません',
  'templates.unreachableHelp':
    'ノードのネットワークまたはデータセンターのプロキシ経由でこのアドレスに接続できるか、アドレスが正しいかを確認してください。すでにあるテンプレートはそのまま使えます。',
  'templates.update': 'カタログを再取得',
  'templates.url': 'カタログのアドレス',
  'templates.urlHelp': 'aplinfo.dat 形式の一覧 (.gz も可)。',
  'templates.use': 'これを使う',
  'templates.version': 'バージョン',
} as const;
