import { Alert, AlertActionLink } from '@patternfly/react-core';
import { clusterFirewall } from '@ryokan/api/methods/firewall.ts';
import { useMemo, useState } from 'react';
import './firewall.css';
import { useCall } from '../../../api/query.ts';
import { api, may } from '../../../api/session.ts';
import { ConfirmDialog } from '../../../components/confirm-dialog.tsx';
import { Panel } from '../../../components/facts.tsx';
import { useT } from '../../../i18n/index.ts';
import { useVisible } from '../../../util/use-visible.ts';
import type { GuestTabProps } from '../guest-page.tsx';
import { Aliases } from './aliases.tsx';
import { change, firewallOf, type Target } from './firewall-calls.ts';
import { FirewallOptions } from './options.tsx';
import { Rules } from './rules.tsx';
import { IpSets } from './sets.tsx';

/** What of a guest's traffic passes: rules in their order, options, names for addresses, and what was dropped. */
export default function Firewall({ guest }: GuestTabProps) {
  const target = useMemo(() => firewallOf(guest), [guest]);
  return (
    <div className="ry-firewall">
      <Status target={target} />
      <Rules target={target} />
      <FirewallOptions target={target} />
      <Aliases target={target} />
      <IpSets target={target} />
      {may('vms', 'VM.Console') ? <PacketLog target={target} /> : null}
    </div>
  );
}

/** Why rules may not do what they say. */
function Status({ target }: { target: Target }) {
  const t = useT();
  const [asking, setAsking] = useState(false);
  const { data } = useCall(target.calls.status, target.path);
  if (!data) return null;
  return (
    <div aria-live="polite">
      {data.datacenter ? null : (
        <Alert
          isInline
          variant="warning"
          title={t('firewall.datacenterOff')}
          actionLinks={
            may('dc', 'Sys.Modify') ? (
              <AlertActionLink onClick={() => setAsking(true)}>{t('firewall.datacenterOn')}</AlertActionLink>
            ) : null
          }
        >
          {t('firewall.datacenterOffBody')}
        </Alert>
      )}
      {data.problems.length > 0 ? (
        <Alert isInline variant="danger" title={t('firewall.problem')}>
          <ul>
            {data.problems.map((text) => (
              <li key={text}>{text}</li>
            ))}
          </ul>
          <p>{t('firewall.kept')}</p>
        </Alert>
      ) : null}
      {data.guest && data.datacenter && data.cards.length === 0 ? (
        <Alert isInline variant="info" title={t('firewall.noCards')}>
          {t('firewall.noCardsBody')}
        </Alert>
      ) : null}
      {data.guest
        ? data.notes.map((text) => <Alert key={text} isInline isPlain variant="info" title={text} />)
        : null}
      {asking ? (
        <ConfirmDialog
          title={t('firewall.datacenterOnTitle')}
          body={t('firewall.datacenterOnBody')}
          confirm={t('firewall.datacenterOn')}
          onClose={() => setAsking(false)}
          onConfirm={() => {
            setAsking(false);
            change(() => api.call(clusterFirewall.options.set, { enable: 1 }));
          }}
        />
      ) : null}
    </div>
  );
}

const hour = 3600;
/** Lines that are shown of it, the newest. */
const shownLines = 200;

function PacketLog({ target }: { target: Target }) {
  const t = useT();
  const visible = useVisible();
  const [since] = useState(() => Math.floor(Date.now() / 1000) - hour);
  const { data } = useCall(
    target.calls.log,
    { ...target.path, since, limit: 0 },
    { everyMs: visible ? 5_000 : 0 },
  );
  const lines = (data ?? []).slice(-shownLines).map(({ t: text }) => text);
  return (
    <Panel title={t('firewall.logLast')}>
      {lines.length > 0 ? (
        <section className="ry-packet-log" tabIndex={0} aria-label={t('firewall.logLast')}>
          <pre>{lines.join('\n')}</pre>
        </section>
      ) : (
        <p className="ry-subtle">{t('firewall.logNone')}</p>
      )}
    </Panel>
  );
}
