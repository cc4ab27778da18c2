import { Trans, useLingui } from '@lingui/react/macro';
import { Alert, Button, Divider, Group, PasswordInput, Stack, TextInput } from '@mantine/core';
import { getRouteApi, useNavigate } from '@tanstack/react-router';
import { useEffect, useState } from 'react';
import { over } from '../../shared/client';
import { ExternalButton } from '../../shared/external';
import { useForm } from '../../shared/form';
import { Frame } from '../../shared/frame';
import { Go } from '../../shared/go';
import { graphql } from '../../shared/graphql';
import { session } from '../../shared/session';
import { Refused } from '../../shared/ui';

const SignInDocument = graphql(`
  mutation SignIn($input: SignInInput!) {
    signIn(input: $input) {
      token
      userErrors { field code message }
    }
  }
`);

const route = getRouteApi('/sign-in');

const SignIn = () => {
  const { t } = useLingui();
  const navigate = useNavigate();
  const { next } = route.useSearch();
  const [ended] = useState(over.get);
  const form = useForm({
    name: 'sign-in',
    initial: { email: '', password: '', code: '' },
    secret: ['password', 'code'],
    document: SignInDocument,
    input: ({ email, password, code }) => ({ email, password, ...(code ? { code } : {}) }),
    payload: data => data.signIn,
    done: async ({ token }) => {
      over.set(false);
      session.set(token ?? null);
      await navigate({ to: next ?? '/', replace: true });
    },
  });

  // The code is asked for once the password is right.
  const [asked, setAsked] = useState(false);
  useEffect(() => {
    if (form.wrong.code) setAsked(true);
  }, [form.wrong.code]);

  return (
    <Frame title={t`Sign in`}>
      {ended && (
        <Alert color="yellow" variant="light" role="status">
          <Trans>Your session is over. Sign in again, and you are where you were.</Trans>
        </Alert>
      )}
      <form {...form.props}>
        <Stack>
          <Refused>{form.wrong['']}</Refused>
          <TextInput
            label={t`E-mail address`}
            type="email"
            autoComplete="username"
            required
            autoFocus
            {...form.text('email')}
          />
          <PasswordInput label={t`Password`} autoComplete="current-password" required {...form.text('password')} />
          {asked && (
            <TextInput
              label={t`Code`}
              description={t`Six digits from your authenticator app, or one of your recovery codes.`}
              autoComplete="one-time-code"
              inputMode="numeric"
              required
              autoFocus
              {...form.text('code')}
            />
          )}
          <Button type="submit" loading={form.busy}>
            <Trans>Sign in</Trans>
          </Button>
        </Stack>
      </form>
      <ExternalButton before={<Divider label={t`or`} />} next={next} />
      <Group justify="space-between" gap="xs">
        <Go to="/sign-up" search={next ? { next } : {}}>
          <Trans>Sign up</Trans>
        </Go>
        <Go to="/forgot-password">
          <Trans>Forgot your password?</Trans>
        </Go>
      </Group>
    </Frame>
  );
};

export default SignIn;
