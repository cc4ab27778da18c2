import { Trans, useLingui } from '@lingui/react/macro';
import { Alert, Group, Stack, Text } from '@mantine/core';
import { getRouteApi } from '@tanstack/react-router';
import { useQuery, useSubscription } from 'urql';
import { money } from '../../shared/format';
import { Go } from '../../shared/go';
import { graphql } from '../../shared/graphql';
import { language } from '../../shared/i18n';
import { Icon } from '../../shared/icons';
import { useMessageWords } from '../../shared/message-words';
import { useSkipWords } from '../../shared/skip-words';
import { useStore } from '../../shared/store';
import { Copy, Grid, Lines, Page, Panel, Rows, State, Trouble, When } from '../../shared/ui';
import { useMe } from '../../shared/viewer';
import styles from './message.module.css';

const MessageDocument = graphql(`
  query MessagePage($id: ID!) {
    node(id: $id) {
      __typename
      id
      ... on Message {
        direction status to from wamid text reference attempts skipReason
        error { code title detail advice }
        campaign { id name }
        template { id name language }
        phoneNumber { id displayNumber }
        pricing { category state cost { amount currency } }
        events { sequence status at error { code title } }
        failedAttempts {
          number at tookMs endpoint request httpStatus code subcode title detail traceId tryAgainAt
        }
      }
    }
  }
`);

const EventsDocument = graphql(`
  subscription MessageEvents($id: ID!) {
    deliveryEvents(filter: { messageId: $id }) { cursor events { sequence } }
  }
`);

const route = getRouteApi('/inside/messages/$id');

const Message = () => {
  const { t } = useLingui();
  const me = useMe();
  const spoken = useStore(language);
  const said = useMessageWords();
  const skips = useSkipWords();
  const { id } = route.useParams();
  const [{ data, error }, again] = useQuery({
    query: MessageDocument,
    variables: { id },
    requestPolicy: 'cache-and-network',
  });
  useSubscription({ query: EventsDocument, variables: { id } }, (_, news) => {
    if (news.deliveryEvents.events.length) again({ requestPolicy: 'network-only' });
    return news;
  });
  const message = data?.node?.__typename === 'Message' ? data.node : undefined;
  if (error && !message) return <Trouble error={error} again={() => again()} />;
  if (!message) return <Lines count={8} />;

  const outbound = message.direction === 'OUTBOUND';
  const state = said(message.status);
  const rows: [string, string | null | undefined][] = [
    [t`From`, outbound ? message.phoneNumber.displayNumber : message.from],
    [t`To`, outbound ? message.to : message.phoneNumber.displayNumber],
    [t`Template`, message.template && `${message.template.name} (${message.template.language})`],
    [t`Attempts`, String(message.attempts)],
    [
      t`Cost`,
      message.pricing?.cost ? money(message.pricing.cost.amount, message.pricing.cost.currency, spoken) : t`not known`,
    ],
    [t`Reference`, message.reference],
    [t`Id`, message.id],
    [t`Id of WhatsApp`, message.wamid],
  ];
  return (
    <Page title={outbound ? t`Message to ${message.to}` : t`Message from ${message.from}`}>
      <Group gap="md">
        <State tone={state.tone}>{state.text}</State>
        {message.campaign && (
          <Go to="/campaigns/$id" params={{ id: message.campaign.id }}>
            {message.campaign.name}
          </Go>
        )}
      </Group>
      {message.error && (
        <Alert
          color="red"
          variant="light"
          icon={<Icon name="alert" />}
          title={`${message.error.title} (${message.error.code})`}
        >
          {message.error.advice}
          {message.error.detail && (
            <Text size="xs" mt={4}>
              {message.error.detail}
            </Text>
          )}
        </Alert>
      )}
      {message.skipReason && (
        <Alert color="yellow" variant="light" icon={<Icon name="alert" />} title={t`Not sent`}>
          {skips(message.skipReason)}
        </Alert>
      )}
      <Grid>
        <Panel title={t`What was written`}>
          {message.text ? (
            <div className={styles.bubble} data-own={outbound}>
              <bdi>{message.text}</bdi>
            </div>
          ) : (
            <Text size="sm" c="dimmed">
              <Trans>It has no text.</Trans>
            </Text>
          )}
        </Panel>
        <Panel title={t`What happened`}>
          <Rows>
            {message.events.map(event => (
              <li key={event.sequence}>
                <Stack gap={2}>
                  <Group justify="space-between" gap="xs">
                    <State tone={said(event.status).tone}>{said(event.status).text}</State>
                    <Text size="xs" c="dimmed">
                      <When time={event.at} zone={me.zone} />
                    </Text>
                  </Group>
                  {event.error && <Text size="sm">{event.error.title}</Text>}
                </Stack>
              </li>
            ))}
          </Rows>
        </Panel>
        {message.failedAttempts.length > 0 && (
          <Panel title={t`Attempts that did not succeed`}>
            <Rows>
              {message.failedAttempts.map(attempt => (
                <li key={attempt.number}>
                  <Stack gap={2}>
                    <Group justify="space-between" gap="xs">
                      <Text size="sm" fw={500}>
                        {attempt.number}. {attempt.title} ({attempt.code})
                      </Text>
                      <Text size="xs" c="dimmed">
                        <When time={attempt.at} zone={me.zone} />
                      </Text>
                    </Group>
                    {attempt.detail && <Text size="sm">{attempt.detail}</Text>}
                    <Text size="xs" c="dimmed">
                      {attempt.httpStatus ? (
                        <Trans>
                          Answered with HTTP {attempt.httpStatus} after {attempt.tookMs} ms
                        </Trans>
                      ) : (
                        <Trans>No answer after {attempt.tookMs} ms</Trans>
                      )}
                    </Text>
                    {attempt.tryAgainAt && (
                      <Text size="xs" c="dimmed">
                        <Trans>
                          Tried again at <When time={attempt.tryAgainAt} zone={me.zone} />
                        </Trans>
                      </Text>
                    )}
                    {attempt.traceId && (
                      <Group gap={4} wrap="nowrap">
                        <Text size="xs">{attempt.traceId}</Text>
                        <Copy text={attempt.traceId} label={t`Copy the trace id for Meta's support`} />
                      </Group>
                    )}
                    <details>
                      <Text component="summary" size="xs">
                        <Trans>What was asked</Trans>
                      </Text>
                      <Text size="xs" ff="monospace" style={{ overflowWrap: 'anywhere' }}>
                        POST {attempt.endpoint} {attempt.request}
                      </Text>
                    </details>
                  </Stack>
                </li>
              ))}
            </Rows>
          </Panel>
        )}
        <Panel title={t`Details`}>
          <Rows>
            {rows.flatMap(([name, value]) =>
              value
                ? [
                    <li key={name}>
                      <Text size="xs" c="dimmed">
                        {name}
                      </Text>
                      <Group gap={4} wrap="nowrap">
                        <Text size="sm">{value}</Text>
                        {(value === message.id || value === message.wamid) && (
                          <Copy text={value} label={t`Copy the id`} />
                        )}
                      </Group>
                    </li>,
                  ]
                : [],
            )}
          </Rows>
        </Panel>
      </Grid>
    </Page>
  );
};

export default Message;
