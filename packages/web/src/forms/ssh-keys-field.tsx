import { Button } from '@patternfly/react-core';
import { useRef } from 'react';
import { useT } from '../i18n/index.ts';
import { AreaField } from './fields.tsx';

/** Files with keys are short; anything larger was chosen by mistake. */
const longestFile = 64 * 1024;

/** Public SSH keys, one a line: typed, pasted, or out of files such as id_ed25519.pub. */
export function SshKeysField(props: {
  id: string;
  value: string;
  onChange: (value: string) => void;
  problem?: string | undefined;
}) {
  const t = useT();
  const picker = useRef<HTMLInputElement>(null);
  const { value, onChange } = props;
  const add = async (files: readonly File[]) => {
    const texts = await Promise.all(files.filter((one) => one.size <= longestFile).map((one) => one.text()));
    onChange([value.trim(), ...texts.map((text) => text.trim())].filter(Boolean).join('\n'));
  };
  return (
    <div>
      <AreaField
        id={props.id}
        label={t('newct.sshKeys')}
        help={t('newct.sshKeysHelp')}
        placeholder="ssh-ed25519 AAAA… me@laptop"
        mono
        value={value}
        onChange={onChange}
        problem={props.problem}
      />
      <Button variant="link" isInline size="sm" onClick={() => picker.current?.click()}>
        {t('newct.sshKeysFile')}
      </Button>
      <input
        ref={picker}
        type="file"
        hidden
        multiple
        accept=".pub,text/plain"
        data-testid="ssh-keys-file"
        onChange={(event) => {
          void add([...(event.target.files ?? [])]);
          // The same file can be chosen again.
          event.target.value = '';
        }}
      />
    </div>
  );
}
