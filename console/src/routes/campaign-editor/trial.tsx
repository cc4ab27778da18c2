import { Trans, useLingui } from '@lingui/react/macro';
import { Button, Group, Stack, Text, TextInput } from '@mantine/core';
import { useState } from 'react';
import { useSubscription } from 'urql';
import { useForm } from '../../shared/form';
import { Go } from '../../shared/go';
import { useLiveQuery } from '../../shared/live';
import { useMessageWords } from '../../shared/message-words';
import { Panel, Refused, State } from '../../shared/ui';
import { TestDocument, TestedDocument, TestNewsDocument } from './documents';

// Trial sends the campaign's message to one person, and tells what becomes of it.
export const Trial = ({ id }: { id: string }) => {
  const { t } = useLingui();
  const [sent, setSent] = useState<string>();
  const form = useForm({
    name: 'campaign-test',
    initial: { to: '' },
    document: TestDocument,
    input: v => ({ campaignId: id, to: v.to }),
    payload: data => data.testCampaign,
    done: payload => setSent(payload.message?.id),
  });
  const elsewhere = Object.entries(form.wrong).filter(([field]) => field !== 'to');
  return (
    <Panel title={t`Test message`}>
      <form {...form.props}>
        <Stack gap="sm">
          <Text size="sm" c="dimmed">
            <Trans>See on your own phone what people will get. It counts in none of the campaign's numbers.</Trans>
          </Text>
          <Refused>
            {elsewhere
              .map(([, message]) => message)
              .filter(Boolean)
              .join(' ') || undefined}
          </Refused>
          <TextInput
            maw={320}
            label={t`Your number`}
            description={t`With its country code, such as +86 138 1234 5678.`}
            type="tel"
            {...form.text('to')}
          />
          <Group gap="md">
            <Button type="submit" size="xs" variant="default" loading={form.busy}>
              <Trans>Send it to one person</Trans>
            </Button>
            {sent && <Sent key={sent} id={sent} />}
          </Group>
        </Stack>
      </form>
    </Panel>
  );
};

const Sent = ({ id }: { id: string }) => {
  const said = useMessageWords();
  const [{ data }, read] = useLiveQuery({ query: TestedDocument, variables: { id } });
  useSubscription({ query: TestNewsDocument, variables: { id } }, (_, news) => {
    void read();
    return news;
  });
  const message = data?.node?.__typename === 'Message' ? data.node : undefined;
  if (!message) return null;
  const { text, tone } = said(message.status);
  return (
    <div role="status">
      <Group gap="xs">
        <Go to="/messages/$id" params={{ id }}>
          {message.to}
        </Go>
        <State tone={tone}>{text}</State>
      </Group>
      {message.error && (
        <Text size="sm">
          {message.error.title}: {message.error.advice}
        </Text>
      )}
    </div>
  );
};
