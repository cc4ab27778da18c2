import { Trans, useLingui } from '@lingui/react/macro';
import { Button, Stack, Text, TextInput } from '@mantine/core';
import { getRouteApi, useNavigate } from '@tanstack/react-router';
import { useEffect, useRef, useState } from 'react';
import { useForm } from '../../shared/form';
import { Frame } from '../../shared/frame';
import { Go } from '../../shared/go';
import { graphql } from '../../shared/graphql';
import { pathOf, session } from '../../shared/session';
import { tab } from '../../shared/stored';
import { AcceptTerms, useTermsVersion } from '../../shared/terms';
import { Lines, Refused } from '../../shared/ui';

const CompleteDocument = graphql(`
  mutation CompleteExternal($input: CompleteExternalSignInInput!) {
    completeExternalSignIn(input: $input) {
      token
      userErrors { field code message }
    }
  }
`);

type Begun = { flow: string; next?: string; invitation?: string };

const begunHere = (): Begun | null => {
  try {
    return JSON.parse(tab.get('external') ?? 'null');
  } catch {
    return null;
  }
};

const route = getRouteApi('/external-sign-in');

// What came back from the identity provider. Somebody new is asked for what is missing; the trip is
// not made again.
const ExternalSignIn = () => {
  const { t } = useLingui();
  const navigate = useNavigate();
  const { code, state, error } = route.useSearch();
  const [begun] = useState(begunHere);
  const [tried, setTried] = useState(false);
  const [asks, setAsks] = useState<Record<string, true>>({});
  const version = useTermsVersion();
  const good = !!(begun && code && state && !error);

  const form = useForm({
    name: 'external',
    initial: { secondFactorCode: '', name: '', organizationName: '', acceptTermsVersion: false },
    secret: ['secondFactorCode'],
    document: CompleteDocument,
    input: v => ({
      flow: begun?.flow ?? '',
      state: state ?? '',
      code: code ?? '',
      ...(begun?.invitation ? { invitationToken: begun.invitation } : {}),
      ...(v.secondFactorCode ? { secondFactorCode: v.secondFactorCode } : {}),
      ...(v.name ? { name: v.name } : {}),
      ...(v.organizationName ? { organizationName: v.organizationName } : {}),
      ...(v.acceptTermsVersion ? { acceptTermsVersion: version } : {}),
    }),
    payload: data => data.completeExternalSignIn,
    done: async ({ token }) => {
      tab.set('external', null);
      session.set(token ?? null);
      await navigate({ to: pathOf(begun?.next) ?? '/', replace: true });
    },
  });

  const first = useRef(false);
  // biome-ignore lint/correctness/useExhaustiveDependencies: once, when the page opens
  useEffect(() => {
    if (!good || first.current) return;
    first.current = true;
    void form.submit().then(() => setTried(true));
  }, []);

  useEffect(() => {
    const fields = Object.entries(form.wrong).filter(([field, message]) => field && message);
    if (fields.length)
      setAsks(asked => ({ ...asked, ...Object.fromEntries(fields.map(([field]) => [field, true as const])) }));
  }, [form.wrong]);

  const askable = Object.keys(asks).length > 0;
  return (
    <Frame title={t`Sign in`}>
      {!good && (
        <Text size="sm" role="alert">
          <Trans>The sign-in was not finished. Begin again.</Trans>
        </Text>
      )}
      {good && !tried && <Lines count={2} />}
      {good && tried && (
        <form {...form.props}>
          <Stack>
            <Refused>{form.wrong['']}</Refused>
            {asks.secondFactorCode && (
              <TextInput
                label={t`Code`}
                description={t`Six digits from your authenticator app, or one of your recovery codes.`}
                autoComplete="one-time-code"
                required
                {...form.text('secondFactorCode')}
              />
            )}
            {asks.name && <TextInput label={t`Your name`} required {...form.text('name')} />}
            {asks.organizationName && (
              <TextInput label={t`Name of the organization`} required {...form.text('organizationName')} />
            )}
            {asks.acceptTermsVersion && <AcceptTerms form={form} />}
            {askable && (
              <Button type="submit" loading={form.busy}>
                <Trans>Continue</Trans>
              </Button>
            )}
          </Stack>
        </form>
      )}
      {(!good || tried) && (
        <Go to="/sign-in">
          <Trans>To the sign-in</Trans>
        </Go>
      )}
    </Frame>
  );
};

export default ExternalSignIn;
