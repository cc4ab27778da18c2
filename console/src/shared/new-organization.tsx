import { Trans, useLingui } from '@lingui/react/macro';
import { Button, Modal, Stack, TextInput } from '@mantine/core';
import { useForm } from './form';
import { graphql } from './graphql';
import { AcceptTerms, useTermsVersion } from './terms';
import { Refused } from './ui';

const CreateOrganizationDocument = graphql(`
  mutation CreateOrganization($input: CreateOrganizationInput!) {
    createOrganization(input: $input) {
      token
      userErrors { field code message }
    }
  }
`);

const Form = ({ onDone }: { onDone: (token: string) => void }) => {
  const { t } = useLingui();
  const version = useTermsVersion();
  const form = useForm({
    name: 'organization',
    initial: { name: '', acceptTermsVersion: false },
    document: CreateOrganizationDocument,
    input: ({ name, acceptTermsVersion }) => ({ name, acceptTermsVersion: acceptTermsVersion ? version : '' }),
    payload: data => data.createOrganization,
    done: ({ token }) => token && onDone(token),
  });
  return (
    <form {...form.props}>
      <Stack>
        <Refused>{form.wrong['']}</Refused>
        <TextInput label={t`Name of the organization`} required {...form.text('name')} data-autofocus />
        <AcceptTerms form={form} />
        <Button type="submit" loading={form.busy}>
          <Trans>Make it</Trans>
        </Button>
      </Stack>
    </form>
  );
};

const NewOrganization = ({ onClose, onDone }: { onClose: () => void; onDone: (token: string) => void }) => {
  const { t } = useLingui();
  return (
    <Modal opened onClose={onClose} title={t`New organization`} closeButtonProps={{ 'aria-label': t`Close` }}>
      <Form onDone={onDone} />
    </Modal>
  );
};

export default NewOrganization;
