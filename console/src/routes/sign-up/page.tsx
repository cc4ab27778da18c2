import { Trans, useLingui } from '@lingui/react/macro';
import { Button, PasswordInput, Stack, Text, TextInput } from '@mantine/core';
import { getRouteApi, useNavigate } from '@tanstack/react-router';
import { ExternalButton } from '../../shared/external';
import { useForm } from '../../shared/form';
import { Frame } from '../../shared/frame';
import { Go } from '../../shared/go';
import { graphql } from '../../shared/graphql';
import { session } from '../../shared/session';
import { AcceptTerms, useTermsVersion } from '../../shared/terms';
import { Refused } from '../../shared/ui';

const SignUpDocument = graphql(`
  mutation SignUp($input: SignUpInput!) {
    signUp(input: $input) {
      token
      userErrors { field code message }
    }
  }
`);

const route = getRouteApi('/sign-up');

const SignUp = () => {
  const { t } = useLingui();
  const navigate = useNavigate();
  const { next } = route.useSearch();
  const version = useTermsVersion();
  const form = useForm({
    name: 'sign-up',
    initial: { organizationName: '', name: '', email: '', password: '', acceptTermsVersion: false },
    secret: ['password'],
    document: SignUpDocument,
    input: v => ({ ...v, acceptTermsVersion: v.acceptTermsVersion ? version : '' }),
    payload: data => data.signUp,
    done: async ({ token }) => {
      session.set(token ?? null);
      await navigate({ to: next ?? '/start', replace: true });
    },
  });

  return (
    <Frame title={t`Sign up`}>
      <Text size="sm" c="dimmed">
        <Trans>You make an organization that sends messages, and own it. Colleagues are invited later.</Trans>
      </Text>
      <form {...form.props}>
        <Stack>
          <Refused>{form.wrong['']}</Refused>
          <TextInput
            label={t`Name of the organization`}
            autoComplete="organization"
            required
            autoFocus
            {...form.text('organizationName')}
          />
          <TextInput label={t`Your name`} autoComplete="name" required {...form.text('name')} />
          <TextInput label={t`E-mail address`} type="email" autoComplete="username" required {...form.text('email')} />
          <PasswordInput
            label={t`Password`}
            description={t`10 characters or more, and not one that everybody uses.`}
            autoComplete="new-password"
            required
            {...form.text('password')}
          />
          <AcceptTerms form={form} />
          <Button type="submit" loading={form.busy}>
            <Trans>Sign up</Trans>
          </Button>
        </Stack>
      </form>
      <ExternalButton next={next} />
      <Go to="/sign-in" search={next ? { next } : {}}>
        <Trans>You have signed up already? Sign in</Trans>
      </Go>
    </Frame>
  );
};

export default SignUp;
