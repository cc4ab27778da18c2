import { Trans, useLingui } from '@lingui/react/macro';
import { Button } from '@mantine/core';
import { type ReactNode, useState } from 'react';
import { useClient, useQuery } from 'urql';
import { words } from './errors';
import { graphql } from './graphql';
import { tab } from './stored';
import { Refused } from './ui';

const ProviderDocument = graphql(`
  query Provider {
    externalSignIn { name }
  }
`);

const BeginDocument = graphql(`
  mutation BeginExternal($input: BeginExternalSignInInput!) {
    beginExternalSignIn(input: $input) {
      url
      flow
      userErrors { field code message }
    }
  }
`);

// ExternalButton leads to the identity provider, where the operator has set one up. What proves
// afterwards that it was this tab which went there is kept in it.
export const ExternalButton = ({
  before,
  next,
  invitation,
}: {
  before?: ReactNode;
  next?: string;
  invitation?: string;
}) => {
  const { t } = useLingui();
  const client = useClient();
  const [{ data }] = useQuery({ query: ProviderDocument });
  const [wrong, setWrong] = useState<string>();
  const [busy, setBusy] = useState(false);
  const name = data?.externalSignIn?.name;
  if (!name) return null;

  const begin = async () => {
    setBusy(true);
    const redirectUri = `${location.origin}/external-sign-in`;
    const answer = await client.mutation(BeginDocument, { input: { redirectUri } }).toPromise();
    const begun = answer.data?.beginExternalSignIn;
    if (begun?.url && begun.flow) {
      tab.set('external', JSON.stringify({ flow: begun.flow, next, invitation }));
      location.assign(begun.url);
      return;
    }
    setBusy(false);
    setWrong(
      answer.error
        ? words(answer.error, t`The service does not answer.`)
        : begun?.userErrors.map(e => e.message).join(' '),
    );
  };

  return (
    <>
      {before}
      <Refused>{wrong}</Refused>
      <Button variant="default" onClick={begin} loading={busy}>
        <Trans>Continue with {name}</Trans>
      </Button>
    </>
  );
};
