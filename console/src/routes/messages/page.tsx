import { Trans, useLingui } from '@lingui/react/macro';
import { Button, Group, Stack, Text, TextInput } from '@mantine/core';
import { getRouteApi, useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import { useClient, useQuery } from 'urql';
import type { MessageStatus } from '../../graphql/graphql';
import { Choice } from '../../shared/choice';
import { ExportButton } from '../../shared/export';
import { Go } from '../../shared/go';
import { graphql } from '../../shared/graphql';
import { messageStatuses, useMessageWords } from '../../shared/message-words';
import { useSkipWords } from '../../shared/skip-words';
import { Empty, Lines, Page, Panel, Rows, State, Trouble, When } from '../../shared/ui';
import { useMe } from '../../shared/viewer';

const MessagesDocument = graphql(`
  query MessageLog($filter: MessageFilter!, $after: Cursor) {
    messages(first: 50, after: $after, filter: $filter, orderBy: [{ field: CREATED_AT, direction: DESC }]) {
      edges {
        node {
          id direction status to from createdAt skipReason
          error { code title advice }
          campaign { id name }
          template { id name }
        }
      }
      pageInfo { hasNextPage endCursor }
    }
  }
`);

const ExportDocument = graphql(`
  mutation ExportMessages($input: ExportMessagesInput!) {
    exportMessages(input: $input) {
      export { id }
      userErrors { field code message }
    }
  }
`);

const route = getRouteApi('/inside/messages');

// What is typed says itself what it is: one of WhatsApp's ids, or a number.
export const searched = (text: string): { wamid?: string; to?: string } => {
  const trimmed = text.trim();
  if (!trimmed) return {};
  return trimmed.startsWith('wamid.') ? { wamid: trimmed } : { to: trimmed };
};

const Messages = () => {
  const { t } = useLingui();
  const me = useMe();
  const client = useClient();
  const navigate = useNavigate();
  const said = useMessageWords();
  const skips = useSkipWords();
  const search = route.useSearch();
  const { status, campaign, find, after } = search;
  const filter = {
    ...(status ? { status: [status] } : {}),
    ...(campaign ? { campaignId: campaign } : {}),
    ...searched(find ?? ''),
  };
  const [{ data, error }, again] = useQuery({
    query: MessagesDocument,
    variables: { filter, after: after ?? null },
    requestPolicy: 'cache-and-network',
  });
  const [typed, setTyped] = useState(find ?? '');
  const go = (change: Partial<typeof search>) =>
    navigate({ to: '/messages', search: { ...search, after: undefined, ...change } });
  const messages = data?.messages.edges.map(e => e.node) ?? [];
  const named = campaign && messages[0]?.campaign;

  const begin = async () => {
    const answer = await client.mutation(ExportDocument, { input: { filter } }).toPromise();
    return { error: answer.error, payload: answer.data?.exportMessages };
  };

  return (
    <Page title={t`Messages`} actions={<ExportButton key={JSON.stringify(filter)} begin={begin} />}>
      <Group gap="xs">
        <TextInput
          aria-label={t`Number or id of WhatsApp`}
          placeholder={t`Number or id of WhatsApp`}
          value={typed}
          onChange={event => setTyped(event.currentTarget.value)}
          onKeyDown={event => event.key === 'Enter' && go({ find: typed.trim() || undefined })}
          onBlur={() => typed.trim() !== (find ?? '') && go({ find: typed.trim() || undefined })}
        />
        <Choice
          aria-label={t`Status`}
          any={t`Every status`}
          data={messageStatuses.map(value => ({ value, label: said(value).text }))}
          value={status ?? null}
          onChange={value => go({ status: (value as MessageStatus | null) ?? undefined })}
        />
        {campaign && (
          <Button size="xs" variant="light" onClick={() => go({ campaign: undefined })}>
            {named ? t`Only of ${named.name} ×` : t`Only of one campaign ×`}
          </Button>
        )}
      </Group>
      <Panel>
        {error && !data ? (
          <Trouble error={error} again={() => again()} />
        ) : !data ? (
          <Lines count={8} />
        ) : messages.length === 0 ? (
          <Empty>
            <Trans>No message fits.</Trans>
          </Empty>
        ) : (
          <Rows>
            {messages.map(message => {
              const state = said(message.status);
              return (
                <li key={message.id}>
                  <Stack gap={4}>
                    <Group justify="space-between" gap="xs">
                      <Go to="/messages/$id" params={{ id: message.id }}>
                        <bdi>{(message.direction === 'OUTBOUND' ? message.to : message.from) ?? message.id}</bdi>
                      </Go>
                      <State tone={state.tone}>{state.text}</State>
                    </Group>
                    {message.error && <Text size="sm">{message.error.title}</Text>}
                    {message.skipReason && <Text size="sm">{skips(message.skipReason)}</Text>}
                    <Text size="xs" c="dimmed">
                      {[message.campaign?.name, message.template?.name].filter(Boolean).join(' · ')}{' '}
                      <When time={message.createdAt} zone={me.zone} />
                    </Text>
                  </Stack>
                </li>
              );
            })}
          </Rows>
        )}
        {data?.messages.pageInfo.hasNextPage && (
          <Button
            mt="md"
            size="xs"
            variant="default"
            onClick={() =>
              navigate({ to: '/messages', search: { ...search, after: data.messages.pageInfo.endCursor ?? undefined } })
            }
          >
            <Trans>Older messages</Trans>
          </Button>
        )}
      </Panel>
    </Page>
  );
};

export default Messages;
