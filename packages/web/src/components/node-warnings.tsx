import { Alert, AlertActionLink } from '@patternfly/react-core';
import { nodeNatBridge, nodeWarnings } from '@ryokan/api/methods/nodes.ts';
import { useState } from 'react';
import { useCall } from '../api/query.ts';
import { may } from '../api/session.ts';
import { NatBridgeDialog } from '../forms/nat-bridge-dialog.tsx';
import { type Translate, useT } from '../i18n/index.ts';

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
          title={`${node}: ${warningText(warning, t)}`}
          className="ry-span"
          {...(warning.action === nodeNatBridge.id && may('nodes', 'Sys.Modify')
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

/** Known warnings in the language of the page; what stands behind the colon is the server's finding. */
function warningText(warning: { readonly id: string; readonly text: string }, t: Translate): string {
  switch (warning.id) {
    case 'no-kvm':
      return t('warning.noKvm', { reason: warning.text.split(': ').slice(1).join(': ') });
    case 'no-bridge':
      return t('warning.noBridge');
    default:
      return warning.text;
  }
}
