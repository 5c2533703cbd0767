import { useSession } from '../../api/session.ts';
import { CodeBlock } from '../../components/code-block.tsx';
import { Panel } from '../../components/facts.tsx';
import { useT } from '../../i18n/index.ts';

/** What holds for every operation; shown until one is chosen. */
export function Overview() {
  const t = useT();
  const user = useSession()?.username ?? 'USER@REALM';
  const base = `${location.origin}/api2/json`;
  return (
    <article className="ry-api-operation">
      <header>
        <h2>{t('apiDocs.overview')}</h2>
        <p>{t('apiDocs.overviewText')}</p>
      </header>
      <Panel title={t('apiDocs.loggingIn')}>
        <p>{t('apiDocs.tokenText')}</p>
        <CodeBlock
          title={t('apiDocs.token')}
          text={[
            `pveum user token add ${user} TOKENID`,
            `curl ${base}/version -H 'Authorization: PVEAPIToken=${user}!TOKENID=SECRET'`,
          ].join('\n')}
        />
        <p>{t('apiDocs.ticketText')}</p>
        <CodeBlock
          title={t('apiDocs.ticket')}
          text={`curl ${base}/access/ticket --data-urlencode 'username=${user}' --data-urlencode 'password=PASSWORD'`}
        />
        <p>{t('apiDocs.certificateText')}</p>
      </Panel>
      <Panel title={t('apiDocs.answers')}>
        <p>{t('apiDocs.answersText')}</p>
        <p>{t('apiDocs.errorsText')}</p>
        <p>{t('apiDocs.tasksText')}</p>
      </Panel>
    </article>
  );
}
