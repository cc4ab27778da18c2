import { Trans, useLingui } from '@lingui/react/macro';
import { Alert, Button, Stack, Text } from '@mantine/core';
import { lazy, type ReactNode, Suspense, useState } from 'react';
import { useSubscription } from 'urql';
import { useForm } from '../../shared/form';
import { GoButton } from '../../shared/go';
import { graphql } from '../../shared/graphql';
import { Icon } from '../../shared/icons';
import { useLiveQuery } from '../../shared/live';
import { AcceptTerms, useTermsVersion } from '../../shared/terms';
import { Lines, Page, Panel, Refused, State, Trouble } from '../../shared/ui';
import { may, useMe } from '../../shared/viewer';
import { ExampleTemplate } from './example-template';
import styles from './start.module.css';

const ConnectAccount = lazy(() => import('./connect-account'));
const TestMessage = lazy(() => import('./test-message'));

const StartDocument = graphql(`
  query Start {
    viewer { mustAcceptTerms }
    accounts(first: 20) {
      edges {
        node {
          id name sandbox status webhookReceivedAt
          phoneNumbers { id displayNumber }
        }
      }
    }
    templates(first: 20, filter: { status: [APPROVED, PENDING] }, orderBy: [{ field: UPDATED_AT, direction: DESC }]) {
      edges {
        node {
          id name language status
          account { id }
          parameters { name example kind }
        }
      }
    }
    messages(first: 1, filter: { direction: OUTBOUND, status: [ACCEPTED, SENT, DELIVERED, READ] }) { edges { node { id status } } }
    tries: messages(first: 1, filter: { direction: OUTBOUND }, orderBy: [{ field: CREATED_AT, direction: DESC }]) {
      edges { node { id to status error { title advice } } }
    }
    campaigns(first: 1, filter: { status: [SCHEDULED, PREPARING, RUNNING, PAUSED, COMPLETED] }) {
      edges { node { id name status } }
    }
  }
`);

const NewsDocument = graphql(`
  subscription StartNews {
    statusChanged { __typename ... on Node { id } }
  }
`);

const ArrivalsDocument = graphql(`
  subscription Arrivals {
    deliveryEvents { cursor events { sequence } }
  }
`);

const AcceptTermsDocument = graphql(`
  mutation AcceptTerms($input: AcceptTermsInput!) {
    acceptTerms(input: $input) {
      viewer { mustAcceptTerms }
      userErrors { field code message }
    }
  }
`);

const TermsForm = ({ onDone }: { onDone: () => void }) => {
  const version = useTermsVersion();
  const form = useForm({
    name: 'terms',
    initial: { acceptTermsVersion: false },
    document: AcceptTermsDocument,
    input: v => ({ version: v.acceptTermsVersion ? version : '' }),
    payload: data => data.acceptTerms,
    done: onDone,
  });
  return (
    <form {...form.props}>
      <Stack gap="sm" align="flex-start">
        <Refused>{[form.wrong[''], form.wrong.version].filter(Boolean).join(' ')}</Refused>
        <AcceptTerms form={form} />
        <Button type="submit" size="xs" loading={form.busy} disabled={!form.values.acceptTermsVersion}>
          <Trans>Accept</Trans>
        </Button>
      </Stack>
    </form>
  );
};

const Step = ({ done, title, children }: { done: boolean; title: string; children: ReactNode }) => {
  const { t } = useLingui();
  return (
    <li className={styles.step} data-done={done}>
      <span className={styles.tick} role="img" aria-label={done ? t`Done` : t`Not done yet`}>
        {done && <Icon name="check" size={14} />}
      </span>
      <div className={styles.body}>
        <Text fw={600} size="sm">
          {title}
        </Text>
        {children}
      </div>
    </li>
  );
};

const Hint = ({ children }: { children: ReactNode }) => (
  <Text size="sm" c="dimmed">
    {children}
  </Text>
);

// Start is what there is to do before the first campaign. Each step ticks itself, whoever took it.
const Start = () => {
  const { t } = useLingui();
  const me = useMe();
  const [{ data, error }, read] = useLiveQuery({ query: StartDocument, variables: {} });
  useSubscription({ query: NewsDocument }, (_, news) => {
    read();
    return news;
  });
  useSubscription({ query: ArrivalsDocument }, (_, news) => {
    if (news.deliveryEvents.events.length) read();
    return news;
  });
  const [connecting, setConnecting] = useState(false);
  const [testing, setTesting] = useState(false);

  if (error && !data) return <Trouble error={error} again={read} />;
  const accounts = data?.accounts.edges.map(e => e.node).filter(a => a.status !== 'DISCONNECTED') ?? [];
  const account = accounts[0];
  const templates = data?.templates.edges.map(e => e.node) ?? [];
  const approved = templates.filter(template => template.status === 'APPROVED');
  const pending = templates.find(template => template.status === 'PENDING');
  const mayConnect = may(me.role, 'ADMIN');
  const maySend = may(me.role, 'CAMPAIGNER');
  const done = {
    terms: data?.viewer?.mustAcceptTerms === false,
    account: accounts.length > 0,
    webhook: accounts.some(a => a.webhookReceivedAt),
    template: approved.length > 0,
    message: (data?.messages.edges.length ?? 0) > 0,
    campaign: (data?.campaigns.edges.length ?? 0) > 0,
  };
  const last = data?.tries.edges[0]?.node;
  const failed = last?.status === 'FAILED' ? last : undefined;
  const left = Object.values(done).filter(value => !value).length;

  return (
    <Page title={t`Getting started`}>
      {data && left === 0 && (
        <Alert color="green" variant="light" icon={<Icon name="check" />} role="status">
          <Trans>Everything is set up.</Trans>
        </Alert>
      )}
      <Panel>
        {!data ? (
          <Lines count={8} />
        ) : (
          <ol className={styles.steps}>
            <Step done={done.terms} title={t`Accept the terms of service`}>
              {!done.terms &&
                (mayConnect ? (
                  <TermsForm onDone={read} />
                ) : (
                  <Hint>
                    <Trans>An owner or administrator does this.</Trans>
                  </Hint>
                ))}
            </Step>
            <Step done={done.account} title={t`Connect a WhatsApp Business account`}>
              {account ? (
                <Hint>
                  {account.name} · {account.phoneNumbers.map(n => n.displayNumber).join(', ')}
                  {account.sandbox && (
                    <>
                      {' · '}
                      <Trans>Sandbox: nothing reaches WhatsApp or anybody</Trans>
                    </>
                  )}
                </Hint>
              ) : (
                <>
                  <Hint>
                    <Trans>
                      With an access token of yours; or with the sandbox, a double of WhatsApp: with it you can try
                      everything, and nothing reaches anybody.
                    </Trans>
                  </Hint>
                  {mayConnect && (
                    <Button size="xs" onClick={() => setConnecting(true)}>
                      <Trans>Connect</Trans>
                    </Button>
                  )}
                </>
              )}
            </Step>
            <Step done={done.webhook} title={t`Hear from WhatsApp`}>
              {!done.webhook && (
                <Hint>
                  <Trans>
                    Ticks itself with the first notice that arrives: of a template's review, or of a message. If none
                    comes, the callback at Meta does not reach this service.
                  </Trans>
                </Hint>
              )}
            </Step>
            <Step done={done.template} title={t`Have a template approved`}>
              {!done.template && pending && (
                <Hint>
                  <State tone="busy">
                    <Trans>{pending.name} is being reviewed by WhatsApp</Trans>
                  </State>
                </Hint>
              )}
              {!done.template && !pending && (
                <>
                  <Hint>
                    <Trans>
                      Whoever has not written to you first gets templates, which WhatsApp reviews. An example to begin
                      with asks nothing of you.
                    </Trans>
                  </Hint>
                  {account && maySend && <ExampleTemplate accountId={account.id} onDone={read} />}
                </>
              )}
            </Step>
            <Step done={done.message} title={t`Send a message to yourself`}>
              {!done.message && (
                <>
                  <Hint>
                    <Trans>See on your own phone what people will get.</Trans>
                  </Hint>
                  {failed?.error && (
                    <Stack gap={2}>
                      <State tone="bad">
                        {failed.to}: {failed.error.title}
                      </State>
                      <Hint>{failed.error.advice}</Hint>
                    </Stack>
                  )}
                  {maySend && approved.length > 0 && (
                    <Button size="xs" onClick={() => setTesting(true)}>
                      <Trans>Send a test message</Trans>
                    </Button>
                  )}
                </>
              )}
            </Step>
            <Step done={done.campaign} title={t`Launch the first campaign`}>
              {!done.campaign && (
                <>
                  <Hint>
                    <Trans>Once a template is approved and contacts are there.</Trans>
                  </Hint>
                  {maySend && done.template && (
                    <GoButton to="/campaigns/new" size="xs" variant="default">
                      <Trans>New campaign</Trans>
                    </GoButton>
                  )}
                </>
              )}
            </Step>
          </ol>
        )}
      </Panel>
      <Suspense>
        {connecting && (
          <ConnectAccount
            onClose={() => setConnecting(false)}
            onDone={() => {
              setConnecting(false);
              read();
            }}
          />
        )}
        {testing && (
          <TestMessage
            templates={approved}
            accounts={accounts}
            onClose={() => setTesting(false)}
            onDone={() => {
              setTesting(false);
              read();
            }}
          />
        )}
      </Suspense>
    </Page>
  );
};

export default Start;
