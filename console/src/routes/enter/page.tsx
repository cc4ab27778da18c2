import { Trans, useLingui } from '@lingui/react/macro';
import { Button, Stack, Text, TextInput } from '@mantine/core';
import { useNavigate } from '@tanstack/react-router';
import { useEffect, useRef, useState } from 'react';
import { useQuery } from 'urql';
import { useForm } from '../../shared/form';
import { takeToken } from '../../shared/fragment';
import { Frame } from '../../shared/frame';
import { Go } from '../../shared/go';
import { graphql } from '../../shared/graphql';
import { session } from '../../shared/session';
import { useStore } from '../../shared/store';
import { Lines, Refused } from '../../shared/ui';
import { ViewerDocument } from '../../shared/viewer';

const EnterDocument = graphql(`
  mutation Enter($input: SignInByLinkInput!) {
    signInByLink(input: $input) {
      token
      userErrors { field code message }
    }
  }
`);

// The link that the service printed. Who is signed in already is asked first: a link may not make
// somebody work in another organization than they think.
const Enter = () => {
  const { t } = useLingui();
  const navigate = useNavigate();
  const [token] = useState(takeToken);
  const [tried, setTried] = useState(false);
  const signedIn = !!useStore(session);
  const [{ data, fetching }] = useQuery({ query: ViewerDocument, pause: !signedIn });
  const user = signedIn ? data?.viewer?.user : undefined;
  const form = useForm({
    name: 'enter',
    initial: { code: '' },
    secret: ['code'],
    document: EnterDocument,
    input: ({ code }) => ({ token: token ?? '', ...(code ? { code } : {}) }),
    payload: answer => answer.signInByLink,
    done: async payload => {
      session.set(payload.token ?? null);
      await navigate({ to: '/', replace: true });
    },
  });

  const go = () => void form.submit().then(() => setTried(true));
  const first = useRef(false);
  // biome-ignore lint/correctness/useExhaustiveDependencies: once, as soon as it is known who is signed in
  useEffect(() => {
    if (!token || first.current || user || (signedIn && (fetching || data?.viewer !== null))) return;
    first.current = true;
    go();
  }, [signedIn, fetching, data]);

  return (
    <Frame title={t`Sign in`}>
      {user && token && !tried && (
        <Stack>
          <Text size="sm">
            <Trans>You are signed in as {user.email}. The link signs in whom the service was set up for.</Trans>
          </Text>
          <Button onClick={go} loading={form.busy}>
            <Trans>Use the link</Trans>
          </Button>
          <Go to="/">
            <Trans>Stay signed in</Trans>
          </Go>
        </Stack>
      )}
      {token && !user && !tried && <Lines count={2} />}
      {(!token || tried) && (
        <form {...form.props}>
          <Stack>
            <Refused>
              {token
                ? [form.wrong[''], form.wrong.token].filter(Boolean).join(' ')
                : t`The link is not whole: copy all of it.`}
            </Refused>
            {form.wrong.code !== undefined && (
              <>
                <TextInput
                  label={t`Code`}
                  description={t`Six digits from your authenticator app, or one of your recovery codes.`}
                  autoComplete="one-time-code"
                  required
                  autoFocus
                  {...form.text('code')}
                />
                <Button type="submit" loading={form.busy}>
                  <Trans>Sign in</Trans>
                </Button>
              </>
            )}
            <Text size="sm" c="dimmed">
              <Trans>
                Such a link works once, for a quarter of an hour. The service prints another one when it starts; address
                and password stand beside it.
              </Trans>
            </Text>
            <Go to="/sign-in">
              <Trans>To the sign-in</Trans>
            </Go>
          </Stack>
        </form>
      )}
    </Frame>
  );
};

export default Enter;
