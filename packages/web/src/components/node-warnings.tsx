import { Alert, AlertActionLink } from '@patternfly/react-core';
import { nodeNatBridge, nodeWarnings } from '@ryokan/api/methods/nodes.ts';
import { useState } from 'react';
import { useCall } from '../api/query.ts';
import { NatBridgeDialog } from '../forms/nat-bridge-dialog.tsx';
import { useT } from '../i18n/index.ts';

/** What a person should know or mend on a node, with the button that mends it where there is one. */
export function NodeWarnings({ node }: { node: string }) {
  const t = useT();
  const { data } = useCall(nodeWarnings, { node }, { staleTime: Number.POSITIVE_INFINITY });
  const [offering, setOffering] = useState(false);
  return (
    <>
      {(data ?? []).map((warning) => (
        <Alert
          key={warning.id}
          isInline
          variant={warning.severity}
          title={`${node}: ${warning.text}`}
          className="ry-span"
          {...(warning.action === nodeNatBridge.id
            ? {
                actionLinks: (
                  <AlertActionLink onClick={() => setOffering(true)}>{t('natBridge.offer')}</AlertActionLink>
                ),
              }
            : {})}
        />
      ))}
      {offering ? <NatBridgeDialog node={node} onClose={() => setOffering(false)} /> : null}
    </>
  );
}
