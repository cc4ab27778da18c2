import { Trans, useLingui } from '@lingui/react/macro';
import { Alert, Button, PasswordInput, Stack, Text } from '@mantine/core';
import { useEffect, useRef, useState } from 'react';
import { useForm } from '../../shared/form';
import { takeToken } from '../../shared/fragment';
import { Frame } from '../../shared/frame';
import { Go } from '../../shared/go';
import { graphql } from '../../shared/graphql';
import { session } from '../../shared/session';
import { Lines, Refused } from '../../shared/ui';

const VerifyDocument = graphql(`
  mutation Verify($input: VerifyEmailInput!) {
    verifyEmail(input: $input) {
      user { id email emailVerifiedAt }
      userErrors { field code message }
    }
  }
`);

// The link alone proves nothing: it takes who signed up, by their session or their password.
const VerifyEmail = () => {
  const { t } = useLingui();
  const [token] = useState(takeToken);
  const [proven, setProven] = useState<string>();
  const [tried, setTried] = useState(!session.get());
  const form = useForm({
    name: 'verify-email',
    initial: { password: '' },
    secret: ['password'],
    document: VerifyDocument,
    input: ({ password }) => ({ token: token ?? '', ...(password ? { password } : {}) }),
    payload: data => data.verifyEmail,
    done: ({ user }) => setProven(user?.email),
  });

  const first = useRef(false);
  // biome-ignore lint/correctness/useExhaustiveDependencies: once, when the page opens
  useEffect(() => {
    if (!token || tried || first.current) return;
    first.current = true;
    void form.submit().then(() => setTried(true));
  }, []);

  return (
    <Frame title={t`Prove your address`}>
      {proven && (
        <Alert color="green" variant="light" role="status">
          <Trans>{proven} is proven to be yours.</Trans>
        </Alert>
      )}
      {!proven && !token && (
        <Text size="sm" role="alert">
          <Trans>The link is not whole. Open it again from the mail.</Trans>
        </Text>
      )}
      {!proven && token && !tried && <Lines count={2} />}
      {!proven && token && tried && (
        <form {...form.props}>
          <Stack>
            <Text size="sm">
              <Trans>
                Give the password with which you signed up, so that nobody else can prove the address for you.
              </Trans>
            </Text>
            <Refused>{[form.wrong[''], form.wrong.token].filter(Boolean).join(' ')}</Refused>
            <PasswordInput label={t`Password`} autoComplete="current-password" required {...form.text('password')} />
            <Button type="submit" loading={form.busy}>
              <Trans>Prove it</Trans>
            </Button>
          </Stack>
        </form>
      )}
      <Go to="/">
        <Trans>To the start page</Trans>
      </Go>
    </Frame>
  );
};

export default VerifyEmail;
