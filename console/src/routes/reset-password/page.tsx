import { Trans, useLingui } from '@lingui/react/macro';
import { Alert, Button, Checkbox, PasswordInput, Stack, Text, TextInput } from '@mantine/core';
import { useNavigate } from '@tanstack/react-router';
import { useEffect, useState } from 'react';
import { useForm } from '../../shared/form';
import { takeToken } from '../../shared/fragment';
import { Frame } from '../../shared/frame';
import { Go } from '../../shared/go';
import { graphql } from '../../shared/graphql';
import { session } from '../../shared/session';
import { Refused } from '../../shared/ui';

const ResetDocument = graphql(`
  mutation Reset($input: ResetPasswordInput!) {
    resetPassword(input: $input) {
      token
      userErrors { field code message }
    }
  }
`);

const ResetPassword = () => {
  const { t } = useLingui();
  const navigate = useNavigate();
  const [token] = useState(takeToken);
  const [started, setStarted] = useState(false);
  const form = useForm({
    name: 'reset-password',
    initial: { newPassword: '', code: '', keepExternalLogins: false },
    secret: ['newPassword', 'code'],
    document: ResetDocument,
    input: v => ({
      token: token ?? '',
      newPassword: v.newPassword,
      keepExternalLogins: v.keepExternalLogins,
      ...(v.code ? { code: v.code } : {}),
    }),
    payload: data => data.resetPassword,
    done: async payload => {
      session.set(payload.token ?? null);
      if (payload.token) await navigate({ to: '/', replace: true });
      else setStarted(true); // nothing is left that one could be signed in to
    },
  });

  const [asked, setAsked] = useState(false);
  useEffect(() => {
    if (form.wrong.code) setAsked(true);
  }, [form.wrong.code]);

  return (
    <Frame title={t`Set a new password`}>
      {started ? (
        <Alert color="green" variant="light" role="status">
          <Trans>
            Your password is set. The address had never been proven before, so everything that was made under it is
            gone: sign up, or ask to be invited again.
          </Trans>
        </Alert>
      ) : token ? (
        <form {...form.props}>
          <Stack>
            <Refused>{[form.wrong[''], form.wrong.token].filter(Boolean).join(' ')}</Refused>
            <PasswordInput
              label={t`New password`}
              description={t`10 characters or more, and not one that everybody uses.`}
              autoComplete="new-password"
              required
              autoFocus
              {...form.text('newPassword')}
            />
            {asked && (
              <TextInput
                label={t`Code`}
                description={t`Six digits from your authenticator app, or one of your recovery codes.`}
                autoComplete="one-time-code"
                required
                {...form.text('code')}
              />
            )}
            <Checkbox
              checked={form.values.keepExternalLogins}
              onChange={event => form.set('keepExternalLogins', event.currentTarget.checked)}
              label={t`Keep my logins at identity providers`}
              description={t`Leave this empty if somebody else may have been in your account.`}
            />
            <Text size="sm" c="dimmed">
              <Trans>All sessions that are open now are ended.</Trans>
            </Text>
            <Button type="submit" loading={form.busy}>
              <Trans>Set the password</Trans>
            </Button>
          </Stack>
        </form>
      ) : (
        <Text size="sm" role="alert">
          <Trans>The link is not whole. Open it again from the mail, or ask for another one.</Trans>
        </Text>
      )}
      <Go to="/forgot-password">
        <Trans>Ask for another link</Trans>
      </Go>
    </Frame>
  );
};

export default ResetPassword;
