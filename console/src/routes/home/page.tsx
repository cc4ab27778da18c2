import { Trans, useLingui } from '@lingui/react/macro';
import { Text } from '@mantine/core';
import { useEffect, useMemo, useRef } from 'react';
import { useSubscription } from 'urql';
import { midnight, number, share } from '../../shared/format';
import { GoButton } from '../../shared/go';
import { graphql } from '../../shared/graphql';
import { language } from '../../shared/i18n';
import { useLiveQuery } from '../../shared/live';
import { useStore } from '../../shared/store';
import { Empty, Figures, Grid, Lines, Page, Panel, Rows, Trouble } from '../../shared/ui';
import { useMe } from '../../shared/viewer';
import { Limits } from './limits';
import { Running } from './running';
import { useTroubles } from './troubles';

const HomeDocument = graphql(`
  query Home($since: Time!, $until: Time!, $timeZone: String!) {
    campaigns(
      first: 20
      filter: { status: [PREPARING, RUNNING, PAUSED, SCHEDULED] }
      orderBy: [{ field: CREATED_AT, direction: DESC }]
    ) {
      edges { node { id ...RunningCampaign ...PausedCampaign } }
    }
    accounts(first: 20) {
      edges { node { id status ...TroubledAccount ...LimitedAccount } }
    }
    templates(
      first: 10
      filter: { status: [REJECTED, PAUSED, DISABLED] }
      orderBy: [{ field: UPDATED_AT, direction: DESC }]
    ) {
      edges { node { id ...TroubledTemplate } }
    }
    statistics(filter: { since: $since, until: $until, timeZone: $timeZone }, interval: TOTAL) {
      accepted delivered read failed skipped received optedOut
      cost { amount currency }
    }
  }
`);

const NewsDocument = graphql(`
  subscription HomeNews {
    statusChanged { __typename ... on Node { id } }
  }
`);

const ArrivalsDocument = graphql(`
  subscription HomeArrivals {
    deliveryEvents { cursor events { sequence } }
  }
`);

const hour = 3_600_000;
const calm = 3000; // milliseconds between two readings of the day's counts

// Home is what runs, what needs a hand, and what has come of today.
const Home = () => {
  const { t } = useLingui();
  const me = useMe();
  const spoken = useStore(language);
  const variables = useMemo(() => {
    const since = midnight(me.zone);
    return {
      since: since.toISOString(),
      until: new Date(since.getTime() + 25 * hour).toISOString(),
      timeZone: me.zone,
    };
  }, [me.zone]);
  const [{ data, error }, read] = useLiveQuery({ query: HomeDocument, variables });
  useSubscription({ query: NewsDocument }, (_, news) => {
    read();
    return news;
  });

  const waiting = useRef<ReturnType<typeof setTimeout>>(undefined);
  useEffect(() => () => clearTimeout(waiting.current), []);
  useSubscription({ query: ArrivalsDocument }, (_, news) => {
    if (news.deliveryEvents.events.length && waiting.current === undefined) {
      waiting.current = setTimeout(() => {
        waiting.current = undefined;
        read();
      }, calm);
    }
    return news;
  });

  const campaigns = data?.campaigns.edges.map(e => e.node) ?? [];
  const accounts = data?.accounts.edges.map(e => e.node).filter(a => a.status !== 'DISCONNECTED') ?? [];
  const templates = data?.templates.edges.map(e => e.node) ?? [];
  const troubles = useTroubles({ campaigns, accounts, templates });

  if (error && !data) return <Trouble error={error} again={read} />;
  const today = data?.statistics[0];
  const n = (value: number | undefined) => number(value ?? 0, spoken);
  return (
    <Page title={t`Home`}>
      <Panel
        title={t`Today`}
        actions={
          <Text size="xs" c="dimmed">
            <Trans>since midnight, {me.zone}</Trans>
          </Text>
        }
      >
        {data ? (
          <Figures
            of={[
              { label: t`Sent`, value: n(today?.accepted) },
              { label: t`Delivered`, value: n(today?.delivered) },
              { label: t`Read`, value: n(today?.read) },
              { label: t`Failed`, value: n(today?.failed) },
              { label: t`Received`, value: n(today?.received) },
              { label: t`Opted out`, value: n(today?.optedOut) },
              {
                label: t`Delivered of sent`,
                value: today?.accepted ? share(Math.min(1, today.delivered / today.accepted), spoken) : '–',
              },
            ]}
          />
        ) : (
          <Lines count={2} />
        )}
      </Panel>
      <Grid>
        <Panel title={t`In motion`}>
          {!data ? (
            <Lines />
          ) : campaigns.length === 0 ? (
            <Empty>
              <Trans>No campaign is running or planned.</Trans>
            </Empty>
          ) : (
            <Rows>
              {campaigns.map(campaign => (
                <Running key={campaign.id} campaign={campaign} />
              ))}
            </Rows>
          )}
        </Panel>
        <Panel title={t`Needs a hand`}>
          {!data ? (
            <Lines />
          ) : troubles.length === 0 ? (
            <Empty>
              <Trans>Nothing does.</Trans>
            </Empty>
          ) : (
            <Rows>{troubles}</Rows>
          )}
        </Panel>
        <Panel title={t`Numbers and limits`}>
          {!data ? (
            <Lines />
          ) : accounts.length === 0 ? (
            <Empty
              action={
                <GoButton to="/start" size="xs" variant="default">
                  <Trans>Getting started</Trans>
                </GoButton>
              }
            >
              <Trans>No account is connected yet.</Trans>
            </Empty>
          ) : (
            <Rows>
              {accounts.map(account => (
                <Limits key={account.id} account={account} />
              ))}
            </Rows>
          )}
        </Panel>
      </Grid>
    </Page>
  );
};

export default Home;
