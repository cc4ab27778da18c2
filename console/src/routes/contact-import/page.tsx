import { useLingui } from '@lingui/react/macro';
import { getRouteApi, useNavigate } from '@tanstack/react-router';
import { ContactTabs } from '../../shared/contact-tabs';
import { Empty, Page, Panel } from '../../shared/ui';
import { useMay } from '../../shared/viewer';
import { Imports } from './imports';
import { Progress } from './progress';
import { Wizard } from './wizard';

const route = getRouteApi('/inside/contacts/import');

// ContactImport takes a file of people; an import that runs is in the address, and can be left.
const ContactImport = () => {
  const { t } = useLingui();
  const navigate = useNavigate();
  const may = useMay('CAMPAIGNER');
  const { id } = route.useSearch();
  return (
    <Page title={t`Import contacts`}>
      <ContactTabs />
      {id ? (
        <Progress key={id} id={id} />
      ) : may ? (
        <Wizard onBegun={begun => navigate({ to: '/contacts/import', search: { id: begun } })} />
      ) : (
        <Panel>
          <Empty>{t`Your role reads contacts. A campaigner imports them.`}</Empty>
        </Panel>
      )}
      <Imports />
    </Page>
  );
};

export default ContactImport;
