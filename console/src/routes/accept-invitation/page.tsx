import { Trans, useLingui } from '@lingui/react/macro';
import { Button, Divider, PasswordInput, Stack, Text, TextInput } from '@mantine/core';
import { useNavigate } from '@tanstack/react-router';
import { useEffect, useState } from 'react';
import { useQuery } from 'urql';
import { ExternalButton } from '../../shared/external';
import { useForm } from '../../shared/form';
import { takeToken } from '../../shared/fragment';
import { Frame } from '../../shared/frame';
import { graphql } from '../../shared/graphql';
import { session } from '../../shared/session';
import { useStore } from '../../shared/store';
import { AcceptTerms, useTermsVersion } from '../../shared/terms';
import { Refused } from '../../shared/ui';
import { ViewerDocument } from '../../shared/viewer';

const AcceptDocument = graphql(`
  mutation Accept($input: AcceptInvitationInput!) {
    acceptInvitation(input: $input) {
      token
      userErrors { field code message }
    }
  }
`);

// Who is signed in with the invited address joins with a click; everybody else gives a password, a
// new one or the one they have.
const AcceptInvitation = () => {
  const { t } = useLingui();
  const navigate = useNavigate();
  const [token] = useState(takeToken);
  const version = useTermsVersion();
  const signedIn = !!useStore(session);
  const [{ data }] = useQuery({ query: ViewerDocument, pause: !signedIn });
  const user = signedIn ? data?.viewer?.user : undefined;
  const form = useForm({
    name: 'accept-invitation',
    initial: { name: '', password: '', code: '', acceptTermsVersion: false },
    secret: ['password', 'code'],
    document: AcceptDocument,
    input: v => ({
      token: token ?? '',
      name: v.name || (user?.name ?? ''),
      password: v.password,
      ...(v.code ? { code: v.code } : {}),
      acceptTermsVersion: v.acceptTermsVersion ? version : '',
    }),
    payload: data => data.acceptInvitation,
    done: async payload => {
      session.set(payload.token ?? null);
      await navigate({ to: '/', replace: true });
    },
  });

  const [asked, setAsked] = useState(false);
  useEffect(() => {
    if (form.wrong.code) setAsked(true);
  }, [form.wrong.code]);

  return (
    <Frame title={t`Join an organization`}>
      {!token && (
        <Text size="sm" role="alert">
          <Trans>The link is not whole. Open it again from the mail, or ask who invited you for another one.</Trans>
        </Text>
      )}
      {token && (
        <form {...form.props}>
          <Stack>
            <Refused>{[form.wrong[''], form.wrong.token].filter(Boolean).join(' ')}</Refused>
            {user ? (
              <Text size="sm">
                <Trans>You join as {user.email}.</Trans>
              </Text>
            ) : (
              <>
                <TextInput
                  label={t`Your name`}
                  description={t`If you have signed up here before, your name stays as it is.`}
                  autoComplete="name"
                  required
                  autoFocus
                  {...form.text('name')}
                />
                <PasswordInput
                  label={t`Password`}
                  description={t`If you have signed up here before, your password; else a new one of 10 characters or more.`}
                  autoComplete="current-password"
                  required
                  {...form.text('password')}
                />
              </>
            )}
            {asked && (
              <TextInput
                label={t`Code`}
                description={t`Six digits from your authenticator app, or one of your recovery codes.`}
                autoComplete="one-time-code"
                required
                {...form.text('code')}
              />
            )}
            <AcceptTerms form={form} />
            <Button type="submit" loading={form.busy}>
              <Trans>Join</Trans>
            </Button>
          </Stack>
        </form>
      )}
      {token && !user && <ExternalButton before={<Divider label={t`or`} />} invitation={token} />}
    </Frame>
  );
};

export default AcceptInvitation;
