/** マシンのインポート。 */
export const importing = {
  'import.allKept': 'すべての構成を認識しました。',
  'import.begin': 'インポート',
  'import.card': 'ネットワークカード',
  'import.cardCount_other': '{{count}} 枚',
  'import.cards': 'ネットワーク',
  'import.change': '取り込み後の構成',
  'import.choose': 'ファイルを選択',
  'import.controller': 'SCSI コントローラー',
  'import.devices': 'その他のデバイス',
  'import.diskCount_other': '{{count}} 台、{{size}}',
  'import.disks': 'ディスク',
  'import.emptyDisk': '新しい空のディスク',
  'import.failed': 'インポートを開始できませんでした',
  'import.file': 'ファイル',
  'import.fileHelp':
    'VMware や VirtualBox などの OVA / OVF、またはディスクイメージ (qcow2、raw、vmdk、vdi、vhdx)。',
  'import.firmware': 'ファームウェア',
  'import.newMacs': 'MAC アドレスを新しくする',
  'import.newMacsHelp': '元のマシンを同じネットワークで動かし続ける場合に選びます。',
  'import.newState': '新規に作成',
  'import.noFiles': 'インポートできるファイルがありません。アップロードしてください',
  'import.noStorage':
    'このノードには、インポート用のファイルを置けるストレージがありません。いずれかのストレージでコンテンツ「import」を許可してください。',
  'import.notKept': '引き継げない項目',
  'import.os': 'OS の種類',
  'import.prepareVirtio': 'VirtIO への移行を準備する',
  'import.prepareVirtioHelp':
    'どの OS でも使える SATA にディスクを接続します。ゲストに VirtIO ドライバーを入れてから SCSI に移してください。',
  'import.recognised': '認識した構成',
  'import.secureBoot': 'セキュアブート',
  'import.start': 'インポート後に起動',
  'import.title': 'VM のインポート',
  'import.unreadable': 'このファイルはインポートできません',
  'import.warning.cdrom-image-ignored':
    '{{key}}: CD ドライブは空になります。イメージ {{value}} は取り込まれません。',
  'import.warning.device-not-imported': '{{key}} ({{value}}) は対応するデバイスがないため省かれます。',
  'import.warning.device-replaced':
    '{{key}}: 別のモデルに置き換えられます: {{value}}。ゲストにドライバーが必要な場合があります。',
  'import.warning.disk-missing':
    '{{key}}: ファイル {{value}} がありません。OVF と同じストレージにアップロードしてください。',
  'import.warning.disk-unsupported':
    '{{key}}: ディスク {{value}} を読み取れません。分割や圧縮をせずにエクスポートし直してください。',
  'import.warning.efi-state-lost':
    'UEFI の設定はファイルに含まれていません。起動しない場合は、ファームウェアのメニューでブートローダーを選んでください。',
  'import.warning.manifest-missing': 'チェックサムがないため、転送中に壊れていても検出できません。',
  'import.warning.more-machines':
    'マシンが {{value}} 台含まれています。取り込まれるのは最初の 1 台だけです。',
  'import.warning.no-disks': '取り込めるディスクがありません。',
  'import.warning.nvme-unsupported':
    '{{key}}: NVMe は SCSI になります。ゲストに VirtIO ドライバーが必要です。',
  'import.warning.os-unknown': 'OS「{{value}}」を判別できません。オプションで種類を選んでください。',
  'import.warning.ovmf-with-lsi-unsupported':
    'UEFI は LSI コントローラーから起動できません。「VirtIO への移行を準備する」を選ぶか、コントローラーを変更してください。',
  'import.warning.serial-port-socket-only': '{{key}}: シリアルポートはこのノードのコンソールになります。',
  'import.warning.tpm-state-lost':
    'TPM の鍵はファイルに含まれていません。最初の起動の前に BitLocker の回復キーを用意してください。',
  'import.warning.value-not-recognised': '{{key}}: 値 {{value}} を解釈できないため、既定値を使います。',
} as const;
