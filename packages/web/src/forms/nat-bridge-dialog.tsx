import {
  Form,
  FormGroup,
  FormHelperText,
  HelperText,
  HelperTextItem,
  TextInput,
} from '@patternfly/react-core';
import { nodeNatBridge } from '@ryokan/api/methods/nodes.ts';
import { useState } from 'react';
import { follow, taskDone } from '../api/run.ts';
import { api } from '../api/session.ts';
import { ConfirmDialog } from '../components/confirm-dialog.tsx';
import { ErrorNotice } from '../components/error-notice.tsx';
import { useT } from '../i18n/index.ts';

/** Makes the isolated NAT bridge; says beforehand what it is and what it leaves alone. */
export function NatBridgeDialog(props: {
  node: string;
  onClose: () => void;
  onMade?: (iface: string) => void;
}) {
  const t = useT();
  const [iface, setIface] = useState('vmbr0');
  const [cidr, setCidr] = useState('');
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>();
  const create = async () => {
    setBusy(true);
    setError(undefined);
    try {
      const upid = await api.call(nodeNatBridge, { node: props.node, iface, ...(cidr ? { cidr } : {}) });
      if (props.onMade) {
        await taskDone(upid);
        props.onMade(iface);
      } else follow(upid);
      props.onClose();
    } catch (failure) {
      setError(failure);
      setBusy(false);
    }
  };
  return (
    <ConfirmDialog
      title={t('natBridge.title')}
      confirm={t('natBridge.create')}
      busy={busy}
      disabled={!iface}
      onConfirm={create}
      onClose={props.onClose}
      body={
        <Form
          onSubmit={(event) => {
            event.preventDefault();
            void create();
          }}
        >
          {error ? <ErrorNotice error={error} /> : null}
          <p>{t('natBridge.explain')}</p>
          <FormGroup label={t('natBridge.name')} fieldId="nat-iface">
            <TextInput id="nat-iface" value={iface} onChange={(_, value) => setIface(value.trim())} />
          </FormGroup>
          <FormGroup label={t('natBridge.cidr')} fieldId="nat-cidr">
            <TextInput
              id="nat-cidr"
              value={cidr}
              placeholder="10.10.10.1/24"
              onChange={(_, value) => setCidr(value.trim())}
            />
            <FormHelperText>
              <HelperText>
                <HelperTextItem>{t('natBridge.cidrHelp')}</HelperTextItem>
              </HelperText>
            </FormHelperText>
          </FormGroup>
        </Form>
      }
    />
  );
}
