import { Trans, useLingui } from '@lingui/react/macro';
import { Alert, Button, Group, Text } from '@mantine/core';
import { useState } from 'react';
import { useClient } from 'urql';
import type { OrganizationQuery, ViewerQuery } from '../graphql/graphql';
import { words } from './errors';
import { GoButton } from './go';
import { graphql } from './graphql';
import { Icon } from './icons';
import styles from './shell.module.css';
import { When } from './ui';
import { useMe } from './viewer';

const AskToVerifyDocument = graphql(`
  mutation AskToVerify {
    requestEmailVerification(input: {}) {
      sent
      userErrors { field code message }
    }
  }
`);

const Unproven = () => {
  const { t } = useLingui();
  const client = useClient();
  const me = useMe();
  const [said, setSaid] = useState<string>();
  const ask = async () => {
    const { error } = await client.mutation(AskToVerifyDocument, {}).toPromise();
    setSaid(error ? words(error, t`The service does not answer.`) : t`A link is on its way. It works for a day.`);
  };
  return (
    <Alert color="yellow" variant="light" icon={<Icon name="alert" />} role="status">
      <Group justify="space-between" gap="xs">
        <Text size="sm">
          {said ?? (
            <Trans>
              Follow the link that was mailed to {me.user.email}. Until then you cannot invite anybody or protect your
              sign-in.
            </Trans>
          )}
        </Text>
        {!said && (
          <Button size="compact-sm" variant="default" onClick={ask}>
            <Trans>Mail it again</Trans>
          </Button>
        )}
      </Group>
    </Alert>
  );
};

type Props = {
  viewer: ViewerQuery['viewer'];
  organization: NonNullable<OrganizationQuery['viewer']>['organization'] | undefined;
  mustAcceptTerms: boolean | undefined;
};

// Banners are what stands in everybody's way, whatever the page.
export const Banners = ({ viewer, organization, mustAcceptTerms }: Props) => {
  const { t } = useLingui();
  return (
    <div className={styles.banners}>
      {viewer?.notice && (
        <Alert color="yellow" variant="light" title={t`From the operator`} icon={<Icon name="alert" />} role="status">
          {viewer.notice}
        </Alert>
      )}
      {organization && organization.status !== 'ACTIVE' && (
        <Alert color="red" variant="light" title={t`Nothing is sent`} icon={<Icon name="alert" />} role="status">
          <Trans>The operator has suspended this organization.</Trans> {organization.statusReason}{' '}
          {organization.suspendedUntil && (
            <Trans>
              It ends by itself: <When time={organization.suspendedUntil} zone={organization.timeZone} />
            </Trans>
          )}
        </Alert>
      )}
      {mustAcceptTerms && (
        <Alert color="yellow" variant="light" icon={<Icon name="alert" />} role="status">
          <Group justify="space-between" gap="xs">
            <Text size="sm">
              <Trans>Nothing can be sent until an owner or administrator has accepted the terms of service.</Trans>
            </Text>
            <GoButton to="/start" size="compact-sm" variant="default">
              <Trans>Read them</Trans>
            </GoButton>
          </Group>
        </Alert>
      )}
      {viewer?.user && !viewer.user.emailVerifiedAt && <Unproven />}
    </div>
  );
};
