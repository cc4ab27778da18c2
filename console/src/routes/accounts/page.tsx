import { Trans, useLingui } from '@lingui/react/macro';
import { Alert, Button, Group, Progress, Stack, Text, Title } from '@mantine/core';
import { lazy, Suspense, useState } from 'react';
import { useClient, useSubscription } from 'urql';
import type { AccountStatus, AccountsQuery } from '../../graphql/graphql';
import { Dialog } from '../../shared/dialog';
import { words } from '../../shared/errors';
import { number } from '../../shared/format';
import { language } from '../../shared/i18n';
import { Icon } from '../../shared/icons';
import { useLiveQuery } from '../../shared/live';
import { useStore } from '../../shared/store';
import { Copy, Empty, Lines, Page, Panel, Refused, Rows, State, type Tone, Trouble, When } from '../../shared/ui';
import { useMay, useMe } from '../../shared/viewer';
import styles from './accounts.module.css';
import { AccountNewsDocument, AccountsDocument, DisconnectDocument, SyncDocument } from './documents';
import { NumberRow } from './number';

const ConnectAccount = lazy(() => import('../start/connect-account'));

type Account = AccountsQuery['accounts']['edges'][number]['node'];

// Accounts are the WhatsApp Business Accounts of the organization, and their numbers.
const Accounts = () => {
  const { t } = useLingui();
  const may = useMay('ADMIN');
  const [{ data, error }, read] = useLiveQuery({ query: AccountsDocument, variables: {} });
  useSubscription({ query: AccountNewsDocument }, (_, news) => {
    if (['Account', 'PhoneNumber'].includes(news.statusChanged.__typename)) void read();
    return news;
  });
  const [connecting, setConnecting] = useState(false);
  const accounts = data?.accounts.edges.map(edge => edge.node) ?? [];
  return (
    <Page
      title={t`Accounts and numbers`}
      actions={
        may && (
          <Button size="xs" onClick={() => setConnecting(true)}>
            <Trans>Connect an account</Trans>
          </Button>
        )
      }
    >
      {error && !data ? (
        <Trouble error={error} again={read} />
      ) : !data ? (
        <Lines count={8} />
      ) : accounts.length === 0 ? (
        <Panel>
          <Empty>
            <Trans>No account is connected yet. The sandbox gives you one for trial.</Trans>
          </Empty>
        </Panel>
      ) : (
        accounts.map(account => <One key={account.id} account={account} read={read} />)
      )}
      {connecting && (
        <Suspense>
          <ConnectAccount
            onClose={() => setConnecting(false)}
            onDone={() => {
              setConnecting(false);
              void read();
            }}
          />
        </Suspense>
      )}
    </Page>
  );
};

const One = ({ account, read }: { account: Account; read: () => unknown }) => {
  const { t } = useLingui();
  const client = useClient();
  const may = useMay('ADMIN');
  const [busy, setBusy] = useState(false);
  const [wrong, setWrong] = useState<string>();
  const [leaving, setLeaving] = useState(false);
  const statuses: Record<AccountStatus, { text: string; tone: Tone }> = {
    CONNECTED: { text: t`Connected`, tone: 'good' },
    TOKEN_EXPIRED: { text: t`Access token expired`, tone: 'bad' },
    RESTRICTED: { text: t`Restricted by WhatsApp`, tone: 'bad' },
    DISABLED: { text: t`Disabled by WhatsApp`, tone: 'bad' },
    DISCONNECTED: { text: t`Disconnected`, tone: 'calm' },
  };
  const offline = t`The service does not answer. Nothing is lost: try again in a moment.`;
  const sync = async () => {
    setBusy(true);
    const { data, error } = await client.mutation(SyncDocument, { input: { accountId: account.id } }).toPromise();
    setBusy(false);
    setWrong(error ? words(error, offline) : data?.syncAccount.userErrors.map(e => e.message).join(' ') || undefined);
    void read();
  };
  const disconnect = async () => {
    setBusy(true);
    const { data, error } = await client.mutation(DisconnectDocument, { input: { accountId: account.id } }).toPromise();
    setBusy(false);
    const why = error ? words(error, offline) : data?.disconnectAccount.userErrors.map(e => e.message).join(' ');
    setWrong(why || undefined);
    setLeaving(false);
    void read();
  };
  const state = statuses[account.status];
  const connected = account.status !== 'DISCONNECTED';
  return (
    <Panel
      title={account.name}
      actions={
        may &&
        connected && (
          <Group gap="xs">
            <Button
              size="compact-sm"
              variant="default"
              loading={busy}
              onClick={sync}
              aria-label={t`Sync ${account.name}`}
            >
              <Trans>Sync</Trans>
            </Button>
            <Button
              size="compact-sm"
              variant="outline"
              color="red"
              onClick={() => setLeaving(true)}
              aria-label={t`Disconnect ${account.name}`}
            >
              <Trans>Disconnect…</Trans>
            </Button>
          </Group>
        )
      }
    >
      <Stack gap="md">
        <Refused>{wrong}</Refused>
        <Group gap="md">
          <State tone={state.tone}>{state.text}</State>
          {account.sandbox && (
            <State tone="calm">
              <Trans>Sandbox: nothing reaches WhatsApp or anybody</Trans>
            </State>
          )}
          {account.statusReason && <Text size="sm">{account.statusReason}</Text>}
        </Group>
        {account.health.map(issue => (
          <Alert
            key={`${issue.subject} ${issue.title}`}
            color={issue.severity === 'ERROR' ? 'red' : 'yellow'}
            variant="light"
            icon={<Icon name="alert" />}
            title={issue.title}
          >
            {[issue.subject, issue.remedy].filter(Boolean).join(': ')}
          </Alert>
        ))}
        <Facts account={account} />
        <div>
          <Title order={3} mb="xs">
            <Trans>Numbers</Trans>
          </Title>
          <Rows>
            {account.phoneNumbers.map(one => (
              <NumberRow key={one.id} number={one} connected={connected} read={read} />
            ))}
          </Rows>
        </div>
      </Stack>
      {leaving && (
        <Dialog title={t`Disconnect ${account.name}`} onClose={() => setLeaving(false)}>
          <Stack>
            <Text size="sm">
              <Trans>
                Its access token is erased, its campaigns are paused, and single messages that wait fail. All that was
                read and sent stays. With a new token it can be connected again.
              </Trans>
            </Text>
            <Button color="red" loading={busy} onClick={disconnect}>
              <Trans>Disconnect</Trans>
            </Button>
            <Button variant="default" onClick={() => setLeaving(false)}>
              <Trans>Leave it</Trans>
            </Button>
          </Stack>
        </Dialog>
      )}
    </Panel>
  );
};

const Facts = ({ account }: { account: Account }) => {
  const { t } = useLingui();
  const me = useMe();
  const spoken = useStore(language);
  const n = (value: number) => number(value, spoken);
  const time = (at: string | null | undefined) => (at ? <When time={at} zone={me.zone} /> : undefined);
  const used = account.messagingLimit ? (100 * account.messagingLimitUsed) / account.messagingLimit : 0;
  const facts: [string, React.ReactNode][] = [
    [
      t`Id of the account (WABA)`,
      <Group key="id" gap={4}>
        {account.wabaId} <Copy text={account.wabaId} label={t`Copy the id`} />
      </Group>,
    ],
    [t`Currency`, account.currency],
    [t`Review by Meta`, account.reviewStatus],
    [t`Access token runs out`, time(account.tokenExpiresAt)],
    [t`Last heard from WhatsApp`, time(account.webhookReceivedAt) ?? t`Never yet`],
    [t`Connected`, time(account.connectedAt)],
    [t`Last read as a whole`, time(account.syncedAt)],
  ];
  return (
    <Stack gap="sm">
      <div>
        <Text size="sm">
          {account.messagingLimit
            ? t`24-hour limit: ${n(account.messagingLimitUsed)} of ${n(account.messagingLimit)} people`
            : t`24-hour limit: none`}
        </Text>
        {account.messagingLimit && (
          <Progress
            mt={4}
            size="sm"
            value={used}
            color={used > 90 ? 'red' : 'indigo'}
            aria-label={t`Use of the 24-hour limit of ${account.name}`}
          />
        )}
      </div>
      <dl className={styles.facts}>
        {facts.map(
          ([name, value]) =>
            value && (
              <div key={name}>
                <dt>{name}</dt>
                <dd>{value}</dd>
              </div>
            ),
        )}
      </dl>
    </Stack>
  );
};

export default Accounts;
