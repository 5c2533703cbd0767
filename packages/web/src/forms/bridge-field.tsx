import { Button } from '@patternfly/react-core';
import { nodeNetwork } from '@ryokan/api/methods/nodes.ts';
import { useState } from 'react';
import { useCall } from '../api/query.ts';
import { may } from '../api/session.ts';
import { useT } from '../i18n/index.ts';
import { SelectField } from './fields.tsx';
import { NatBridgeDialog } from './nat-bridge-dialog.tsx';

export function useBridges(node: string): {
  bridges: readonly string[];
  loaded: boolean;
  refetch: () => void;
} {
  const { data, refetch } = useCall(nodeNetwork, { node, type: 'any_bridge' }, { enabled: node !== '' });
  return { bridges: (data ?? []).map((one) => one.iface).sort(), loaded: data !== undefined, refetch };
}

/** A bridge of the node, or user networking where the guest can have it; without any bridge it offers to make one. */
export function BridgeField(props: {
  id: string;
  node: string;
  /** '' is user networking. */
  value: string;
  /** Containers have no user networking. */
  bridgesOnly?: boolean;
  onChange: (bridge: string) => void;
  problem?: string | undefined;
}) {
  const t = useT();
  const { bridges, loaded, refetch } = useBridges(props.node);
  const [offering, setOffering] = useState(false);
  const { bridgesOnly = false } = props;
  const none = loaded && bridges.length === 0 ? t('hardware.noBridge') : undefined;
  const listed = props.value === '' || bridges.includes(props.value);
  return (
    <>
      <SelectField
        id={props.id}
        label={t('hardware.bridge')}
        value={props.value}
        onChange={props.onChange}
        help={bridgesOnly ? none : props.value === '' ? t('hardware.userNetHelp') : undefined}
        // What to do says more than that the field is empty.
        problem={props.problem && ((bridgesOnly ? none : undefined) ?? props.problem)}
        choices={[
          ...bridges.map((one) => ({ value: one, label: one })),
          ...(listed ? [] : [{ value: props.value, label: t('hardware.notHere', { name: props.value }) }]),
          ...(bridgesOnly
            ? props.value === ''
              ? [{ value: '', label: t('hardware.chooseBridge'), disabled: true }]
              : []
            : [{ value: '', label: t('hardware.userNet') }]),
        ]}
      >
        {loaded && bridges.length === 0 && may('nodes', 'Sys.Modify') ? (
          <Button variant="secondary" onClick={() => setOffering(true)}>
            {t('natBridge.offer')}
          </Button>
        ) : null}
      </SelectField>
      {offering ? (
        <NatBridgeDialog
          node={props.node}
          onClose={() => setOffering(false)}
          onMade={(iface) => {
            refetch();
            props.onChange(iface);
          }}
        />
      ) : null}
    </>
  );
}
