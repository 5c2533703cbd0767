import { Alert } from '@patternfly/react-core';
import type { ResultOf } from '@ryokan/api/method.ts';
import type { accessRealmPreview } from '@ryokan/api/methods/access-realms.ts';
import { useT } from '../../../i18n/index.ts';
import { changeWords } from './realm-words.ts';

export type Preview = ResultOf<typeof accessRealmPreview>;

/** What a sync finds and would change. */
export function SyncPreview({ preview }: { preview: Preview }) {
  const t = useT();
  const { server, users, groups, changes, total, warnings } = preview;
  return (
    <div className="ry-form-group" aria-live="polite">
      <Alert
        isInline
        variant={users === 0 ? 'warning' : 'success'}
        title={t('realms.found', { server, users, groups })}
      >
        {users === 0 ? t('realms.foundNobody') : null}
      </Alert>
      {warnings.length > 0 ? (
        <Alert
          isInline
          isExpandable
          variant="warning"
          title={t('realms.leftOut', { count: warnings.length })}
        >
          <ul>
            {warnings.slice(0, 100).map((line) => (
              <li key={line}>{line}</li>
            ))}
          </ul>
        </Alert>
      ) : null}
      {total === 0 ? <p>{t('realms.noChanges')}</p> : null}
      {total > 0 ? (
        <div
          className="ry-table-scroller ry-preview"
          tabIndex={0}
          role="region"
          aria-label={t('realms.changes')}
        >
          <table className="ry-table">
            <caption>{t('realms.changeCount', { count: total, shown: changes.length })}</caption>
            <thead>
              <tr>
                <th scope="col">{t('realms.change')}</th>
                <th scope="col">{t('column.name')}</th>
                <th scope="col">{t('realms.detail')}</th>
              </tr>
            </thead>
            <tbody>
              {changes.slice(0, 200).map(({ kind, action, id, detail }) => (
                <tr key={`${kind} ${action} ${id}`}>
                  <td>{t(changeWords[kind][action])}</td>
                  <td className="ry-id">{id}</td>
                  <td>{detail ?? ''}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      ) : null}
    </div>
  );
}
