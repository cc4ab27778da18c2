import { Trans, useLingui } from '@lingui/react/macro';
import { Button, Modal, Stack, TextInput } from '@mantine/core';
import { useMemo, useState } from 'react';
import { Choice } from '../../shared/choice';
import { useForm } from '../../shared/form';
import { graphql } from '../../shared/graphql';
import { Refused } from '../../shared/ui';

const SendDocument = graphql(`
  mutation SendTest($input: SendMessageInput!) {
    sendMessage(input: $input) {
      message { id status }
      userErrors { field code message }
    }
  }
`);

type Template = {
  id: string;
  name: string;
  language: string;
  account: { id: string };
  parameters: { name: string; example?: string | null; kind: string }[];
};
type Account = { id: string; phoneNumbers: { id: string; displayNumber: string }[] };

// A template with the values that its own examples give.
const TestMessage = ({
  templates,
  accounts,
  onClose,
  onDone,
}: {
  templates: Template[];
  accounts: Account[];
  onClose: () => void;
  onDone: () => void;
}) => {
  const { t } = useLingui();
  const [templateId, setTemplateId] = useState(templates[0]?.id ?? '');
  const template = templates.find(one => one.id === templateId);
  const numbers = accounts.find(account => account.id === template?.account.id)?.phoneNumbers ?? [];
  // One key for one form: a second click is not a second message.
  const idempotencyKey = useMemo(() => crypto.randomUUID(), []);
  const form = useForm({
    name: 'test-message',
    initial: { to: '' },
    document: SendDocument,
    input: ({ to }) => ({
      phoneNumberId: numbers[0]?.id ?? '',
      to,
      idempotencyKey,
      content: {
        template: {
          templateId,
          values: template?.parameters.map(p => ({ parameter: p.name, value: p.example ?? '1' })) ?? [],
        },
      },
    }),
    payload: data => data.sendMessage,
    done: onDone,
  });
  const elsewhere = Object.entries(form.wrong)
    .filter(([field]) => field !== 'to')
    .map(([, message]) => message);

  return (
    <Modal opened onClose={onClose} title={t`Send a test message`} closeButtonProps={{ 'aria-label': t`Close` }}>
      <form {...form.props}>
        <Stack>
          <Refused>{elsewhere.filter(Boolean).join(' ')}</Refused>
          <Choice
            label={t`Template`}
            data={templates.map(one => ({ value: one.id, label: `${one.name} (${one.language})` }))}
            value={templateId}
            onChange={value => setTemplateId(value ?? '')}
          />
          <TextInput
            label={t`Your number`}
            description={t`With its country code, such as +86 138 1234 5678.`}
            type="tel"
            autoComplete="tel"
            required
            data-autofocus
            {...form.text('to')}
          />
          <Button type="submit" loading={form.busy}>
            <Trans>Send it to one person</Trans>
          </Button>
        </Stack>
      </form>
    </Modal>
  );
};

export default TestMessage;
