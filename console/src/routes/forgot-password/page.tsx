import { Trans, useLingui } from '@lingui/react/macro';
import { Alert, Button, Stack, Text, TextInput } from '@mantine/core';
import { useState } from 'react';
import { useForm } from '../../shared/form';
import { Frame } from '../../shared/frame';
import { Go } from '../../shared/go';
import { graphql } from '../../shared/graphql';
import { Refused } from '../../shared/ui';

const AskResetDocument = graphql(`
  mutation AskReset($input: RequestPasswordResetInput!) {
    requestPasswordReset(input: $input) {
      sent
      userErrors { field code message }
    }
  }
`);

const ForgotPassword = () => {
  const { t } = useLingui();
  const [asked, setAsked] = useState(false);
  const form = useForm({
    name: 'forgot-password',
    initial: { email: '' },
    document: AskResetDocument,
    input: v => v,
    payload: data => data.requestPasswordReset,
    done: () => setAsked(true),
  });
  return (
    <Frame title={t`Set a new password`}>
      {asked ? (
        <Alert color="green" variant="light" role="status">
          <Trans>If somebody has this address here, a link is on its way. It works once, for an hour.</Trans>
        </Alert>
      ) : (
        <form {...form.props}>
          <Stack>
            <Text size="sm" c="dimmed">
              <Trans>You get a mail with a link, with which you choose another password.</Trans>
            </Text>
            <Refused>{form.wrong['']}</Refused>
            <TextInput
              label={t`E-mail address`}
              type="email"
              autoComplete="username"
              required
              autoFocus
              {...form.text('email')}
            />
            <Button type="submit" loading={form.busy}>
              <Trans>Mail me a link</Trans>
            </Button>
          </Stack>
        </form>
      )}
      <Go to="/sign-in">
        <Trans>To the sign-in</Trans>
      </Go>
    </Frame>
  );
};

export default ForgotPassword;
