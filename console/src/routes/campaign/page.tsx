import { Trans, useLingui } from '@lingui/react/macro';
import { Alert, Button, Group, Stack, Text } from '@mantine/core';
import { getRouteApi } from '@tanstack/react-router';
import { lazy, Suspense, useState } from 'react';
import { useClient, useQuery, useSubscription } from 'urql';
import { Bar } from '../../shared/bar';
import { useCampaignWords } from '../../shared/campaign-words';
import { words } from '../../shared/errors';
import { money, number, span } from '../../shared/format';
import { Go, GoButton } from '../../shared/go';
import { graphql, read } from '../../shared/graphql';
import { language } from '../../shared/i18n';
import { Icon } from '../../shared/icons';
import { ProgressFragment } from '../../shared/progress';
import { useSkipWords } from '../../shared/skip-words';
import { useStore } from '../../shared/store';
import { Copy, Empty, Figures, Grid, Lines, Page, Panel, Refused, Rows, State, Trouble, When } from '../../shared/ui';
import { useMay, useMe } from '../../shared/viewer';
import { Stream } from './stream';

const CampaignDocument = graphql(`
  query CampaignPage($id: ID!) {
    node(id: $id) {
      __typename
      id
      ... on Campaign {
        name status statusReason statusDetail scheduledAt launchedAt completedAt rateLimit
        template { id name language }
        phoneNumber { id displayNumber throughput }
        progress {
          ...CampaignProgressFields
          cost { amount currency }
          replied
          skips { reason count }
          failures { code title advice retryable count }
        }
      }
    }
  }
`);

const FollowDocument = graphql(`
  subscription FollowCampaignPage($id: ID!) {
    campaignProgress(campaignId: $id) {
      campaign { id status statusReason statusDetail launchedAt completedAt }
      status
      progress {
        ...CampaignProgressFields
        cost { amount currency }
        replied
          skips { reason count }
          failures { code title advice retryable count }
      }
    }
  }
`);

const PauseDocument = graphql(`
  mutation Pause($id: ID!) {
    pauseCampaign(input: { campaignId: $id }) {
      campaign { id status statusReason statusDetail }
      userErrors { field code message }
    }
  }
`);

const ResumeDocument = graphql(`
  mutation Resume($id: ID!) {
    resumeCampaign(input: { campaignId: $id }) {
      campaign { id status statusReason statusDetail }
      userErrors { field code message }
    }
  }
`);

const RetryDocument = graphql(`
  mutation Retry($id: ID!, $codes: [Int!]) {
    retryCampaign(input: { campaignId: $id, errorCodes: $codes }) {
      campaign { id status statusReason statusDetail }
      userErrors { field code message }
    }
  }
`);

const Launch = lazy(() => import('./launch'));
const Cancel = lazy(() => import('./cancel'));
const route = getRouteApi('/inside/campaigns/$id');

type Change = { userErrors: readonly { message: string }[] };

const Campaign = () => {
  const { t } = useLingui();
  const { id } = route.useParams();
  const me = useMe();
  const mayChange = useMay('CAMPAIGNER');
  const client = useClient();
  const spoken = useStore(language);
  const said = useCampaignWords();
  const skips = useSkipWords();
  const [{ data, error }, again] = useQuery({
    query: CampaignDocument,
    variables: { id },
    requestPolicy: 'cache-and-network',
  });
  const [asking, setAsking] = useState<'launch' | 'cancel'>();
  const [wrong, setWrong] = useState<string>();
  const [busy, setBusy] = useState(false);
  const campaign = data?.node?.__typename === 'Campaign' ? data.node : undefined;
  const [{ data: live }] = useSubscription({ query: FollowDocument, variables: { id }, pause: !campaign });

  if (error && !campaign) return <Trouble error={error} again={() => again()} />;
  if (!campaign) return <Lines count={8} />;

  const status = live?.campaignProgress.status ?? campaign.status;
  const now = live?.campaignProgress.progress ?? campaign.progress;
  const progress = read(ProgressFragment, now);
  const state = said.status(status);
  const n = (value: number) => number(value, spoken);
  const waiting = progress.queued + progress.sending;
  const moves = status === 'RUNNING' || status === 'PREPARING';
  const launched = status !== 'DRAFT' && status !== 'SCHEDULED';
  const allowed = Math.min(campaign.phoneNumber.throughput, campaign.rateLimit ?? Number.POSITIVE_INFINITY);

  const change = async (ask: () => Promise<{ error?: Parameters<typeof words>[0]; payload?: Change }>) => {
    setBusy(true);
    const { error: fault, payload } = await ask();
    setBusy(false);
    setWrong(fault ? words(fault, t`The service does not answer.`) : payload?.userErrors.map(e => e.message).join(' '));
  };
  const pause = () =>
    change(async () => {
      const answer = await client.mutation(PauseDocument, { id }).toPromise();
      return { error: answer.error, payload: answer.data?.pauseCampaign };
    });
  const resume = () =>
    change(async () => {
      const answer = await client.mutation(ResumeDocument, { id }).toPromise();
      return { error: answer.error, payload: answer.data?.resumeCampaign };
    });
  const retry = (code: number) =>
    change(async () => {
      const answer = await client.mutation(RetryDocument, { id, codes: [code] }).toPromise();
      return { error: answer.error, payload: answer.data?.retryCampaign };
    });

  const actions = mayChange && (
    <>
      {status === 'DRAFT' && (
        <GoButton to="/campaigns/$id/edit" params={{ id }} size="xs" variant="default">
          <Trans>Change</Trans>
        </GoButton>
      )}
      {status === 'DRAFT' && (
        <Button size="xs" onClick={() => setAsking('launch')}>
          <Trans>Launch…</Trans>
        </Button>
      )}
      {(moves || status === 'SCHEDULED') && (
        <Button size="xs" variant="default" onClick={pause} loading={busy}>
          <Trans>Pause</Trans>
        </Button>
      )}
      {status === 'PAUSED' && (
        <Button size="xs" onClick={resume} loading={busy}>
          <Trans>Resume</Trans>
        </Button>
      )}
      {(moves || status === 'PAUSED' || status === 'SCHEDULED' || status === 'DRAFT') && (
        <Button size="xs" variant="outline" color="red" onClick={() => setAsking('cancel')}>
          <Trans>Cancel…</Trans>
        </Button>
      )}
    </>
  );

  return (
    <Page title={campaign.name} actions={actions}>
      <Group gap="md">
        <State tone={state.tone}>{state.text}</State>
        <Text size="sm" c="dimmed">
          {campaign.template.name} ({campaign.template.language}) · {campaign.phoneNumber.displayNumber}
        </Text>
        <Group gap={4}>
          <Text size="xs" c="dimmed">
            {campaign.id}
          </Text>
          <Copy text={campaign.id} label={t`Copy the id`} />
        </Group>
      </Group>
      <Refused>{wrong}</Refused>
      {campaign.statusReason && status !== 'COMPLETED' && !moves && (
        <Alert color="yellow" variant="light" icon={<Icon name="alert" />} role="status">
          {said.reason(campaign.statusReason)} {campaign.statusDetail}
        </Alert>
      )}
      <Panel
        title={t`Progress`}
        actions={
          <Text size="xs" c="dimmed">
            {moves && t`${n(Math.round(progress.ratePerSecond))} a second, up to ${n(allowed)} allowed`}
            {moves && progress.etaSeconds != null && ` · ${t`${span(progress.etaSeconds, spoken)} left`}`}
          </Text>
        }
      >
        <Stack gap="md">
          <Bar progress={progress} name={campaign.name} />
          <Figures
            of={[
              { label: t`People`, value: n(progress.total) },
              { label: t`Waiting`, value: n(waiting) },
              { label: t`Sent`, value: n(progress.accepted + progress.sent) },
              { label: t`Delivered`, value: n(progress.delivered) },
              { label: t`Read`, value: n(progress.read) },
              { label: t`Replied`, value: n(now.replied) },
              { label: t`Failed`, value: n(progress.failed) },
              { label: t`Not known`, value: n(progress.unknown) },
              { label: t`Not sent`, value: n(progress.skipped + progress.canceled) },
              ...(now.cost ? [{ label: t`Cost`, value: money(now.cost.amount, now.cost.currency, spoken) }] : []),
            ]}
          />
          <Text size="xs" c="dimmed">
            {campaign.scheduledAt && !campaign.launchedAt && (
              <Trans>
                Starts <When time={campaign.scheduledAt} zone={me.zone} />
              </Trans>
            )}
            {campaign.launchedAt && (
              <Trans>
                Launched <When time={campaign.launchedAt} zone={me.zone} />
              </Trans>
            )}
            {campaign.completedAt && (
              <>
                {' · '}
                <Trans>
                  Completed <When time={campaign.completedAt} zone={me.zone} />
                </Trans>
              </>
            )}
          </Text>
          <Text size="xs" c="dimmed">
            <Trans>Each message counts where it has come to: what was read is not counted as delivered again.</Trans>
          </Text>
        </Stack>
      </Panel>
      <Grid>
        <Panel title={t`Why messages failed`}>
          {now.failures.length === 0 ? (
            <Empty>
              <Trans>None has failed.</Trans>
            </Empty>
          ) : (
            <Rows>
              {now.failures.map(failure => (
                <li key={failure.code}>
                  <Stack gap={4} align="flex-start">
                    <Group justify="space-between" gap="xs" w="100%">
                      <Text size="sm" fw={600}>
                        {failure.title}
                      </Text>
                      <Go to="/messages" search={{ campaign: id, status: 'FAILED' }}>
                        <State tone="bad">{n(failure.count)}</State>
                      </Go>
                    </Group>
                    <Text size="sm" c="dimmed">
                      {failure.advice}
                    </Text>
                    {mayChange && launched && failure.retryable && status !== 'CANCELED' && (
                      <Button size="compact-xs" variant="default" onClick={() => retry(failure.code)} loading={busy}>
                        {t`Send these ${n(failure.count)} again`}
                      </Button>
                    )}
                  </Stack>
                </li>
              ))}
            </Rows>
          )}
        </Panel>
        <Stream campaignId={id} />
        {now.skips.length > 0 && (
          <Panel title={t`Who gets nothing, and why`}>
            <Rows>
              {now.skips.map(skip => (
                <li key={skip.reason}>
                  <Group justify="space-between" gap="xs">
                    <Text size="sm">{skips(skip.reason)}</Text>
                    <Go to="/messages" search={{ campaign: id, status: 'SKIPPED' }}>
                      <State tone="calm">{n(skip.count)}</State>
                    </Go>
                  </Group>
                </li>
              ))}
            </Rows>
          </Panel>
        )}
      </Grid>
      <Suspense>
        {asking === 'launch' && <Launch id={id} onClose={() => setAsking(undefined)} />}
        {asking === 'cancel' && <Cancel id={id} people={launched ? waiting : 0} onClose={() => setAsking(undefined)} />}
      </Suspense>
    </Page>
  );
};

export default Campaign;
