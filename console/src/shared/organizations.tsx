import { Trans, useLingui } from '@lingui/react/macro';
import { useNavigate } from '@tanstack/react-router';
import { lazy, Suspense, useState } from 'react';
import { useClient } from 'urql';
import type { ViewerQuery } from '../graphql/graphql';
import { words } from './errors';
import { graphql } from './graphql';
import { Icon } from './icons';
import { MenuButton } from './menu';
import { session } from './session';
import styles from './shell.module.css';
import { Refused } from './ui';
import { useMe } from './viewer';

const SwitchDocument = graphql(`
  mutation Switch($input: SwitchOrganizationInput!) {
    switchOrganization(input: $input) {
      token
      userErrors { field code message }
    }
  }
`);

const NewOrganization = lazy(() => import('./new-organization'));

type Memberships = NonNullable<ViewerQuery['viewer']>['memberships'];

// Organizations shows where one is, and goes to another. The session it comes from stays open at
// the service only until the new one is there.
export const Organizations = ({ memberships }: { memberships: Memberships }) => {
  const { t } = useLingui();
  const me = useMe();
  const client = useClient();
  const navigate = useNavigate();
  const [making, setMaking] = useState(false);
  const [wrong, setWrong] = useState<string>();

  const enter = async (token: string) => {
    setMaking(false);
    session.set(token);
    await navigate({ to: '/' });
  };

  const change = async (organizationId: string) => {
    const { data, error } = await client.mutation(SwitchDocument, { input: { organizationId } }).toPromise();
    const { token, userErrors } = data?.switchOrganization ?? {};
    if (token) return enter(token);
    setWrong(error ? words(error, t`The service does not answer.`) : userErrors?.map(e => e.message).join(' '));
  };

  return (
    <>
      <MenuButton
        position="bottom-start"
        variant="default"
        className={styles.organization}
        justify="space-between"
        rightSection={<Icon name="chevron" size={14} />}
        aria-label={t`Organization: ${me.organization.name}`}
        entries={[
          ...memberships
            .filter(({ organization }) => organization.status !== 'CLOSED')
            .map(({ organization }) => ({
              label: organization.name,
              icon: organization.id === me.organization.id ? <Icon name="check" size={16} /> : null,
              act: () => organization.id !== me.organization.id && change(organization.id),
            })),
          { label: <Trans>New organization</Trans>, icon: <Icon name="plus" size={16} />, act: () => setMaking(true) },
        ]}
      >
        {me.organization.name || '…'}
      </MenuButton>
      <Refused>{wrong}</Refused>
      {making && (
        <Suspense>
          <NewOrganization onClose={() => setMaking(false)} onDone={enter} />
        </Suspense>
      )}
    </>
  );
};
