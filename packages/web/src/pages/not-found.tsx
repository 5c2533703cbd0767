import { Button } from '@patternfly/react-core';
import { Link } from 'react-router';
import { Empty } from '../components/empty.tsx';
import { useT } from '../i18n/index.ts';

/** For addresses that lead nowhere, and objects that are gone. */
export default function NotFound({ what }: { what?: string }) {
  const t = useT();
  return (
    <Empty
      heading="h1"
      title={what ?? t('notFound.title')}
      action={
        <Button variant="link" component={(props) => <Link {...props} to="/datacenter/search" />}>
          {t('notFound.search')}
        </Button>
      }
    >
      {t('notFound.body')}
    </Empty>
  );
}
