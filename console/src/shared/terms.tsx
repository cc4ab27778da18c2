import { Trans, useLingui } from '@lingui/react/macro';
import { Anchor, Checkbox } from '@mantine/core';
import { lazy, Suspense, useState } from 'react';
import { useQuery } from 'urql';
import { graphql } from './graphql';

const TermsVersionDocument = graphql(`
  query TermsVersion {
    terms { version effectiveAt }
  }
`);

const TermsModal = lazy(() => import('./terms-modal'));

export const useTermsVersion = () => useQuery({ query: TermsVersionDocument })[0].data?.terms.version ?? '';

type Form = {
  values: { acceptTermsVersion: boolean };
  wrong: Record<string, string>;
  set: (field: 'acceptTermsVersion', value: boolean) => void;
};

// AcceptTerms is the box to tick, with the terms to read beside it: no page is left for them.
export const AcceptTerms = ({ form }: { form: Form }) => {
  const { t } = useLingui();
  const [reading, setReading] = useState(false);
  return (
    <>
      <Checkbox
        name="acceptTermsVersion"
        checked={form.values.acceptTermsVersion}
        error={form.wrong.acceptTermsVersion}
        onChange={event => form.set('acceptTermsVersion', event.currentTarget.checked)}
        label={t`I have read the terms of service and accept them.`}
        description={
          <Anchor component="button" type="button" size="sm" onClick={() => setReading(true)}>
            <Trans>Read the terms</Trans>
          </Anchor>
        }
      />
      {reading && (
        <Suspense>
          <TermsModal onClose={() => setReading(false)} />
        </Suspense>
      )}
    </>
  );
};
