import { Trans, useLingui } from '@lingui/react/macro';
import { Alert, Button, Group, Stack } from '@mantine/core';
import { useForm } from '../../shared/form';
import { graphql } from '../../shared/graphql';
import { Icon } from '../../shared/icons';
import { Refused } from '../../shared/ui';
import type { Contact } from './panel';

const EraseDocument = graphql(`
  mutation EraseContact($input: EraseContactInput!) {
    eraseContact(input: $input) {
      erasedContactId
      userErrors { field code message }
    }
  }
`);

// Erase takes one person away for good.
export const Erase = ({
  contact,
  onDone,
  onCancel,
}: {
  contact: Contact;
  onDone: () => void;
  onCancel: () => void;
}) => {
  const { t } = useLingui();
  const form = useForm({
    name: `erase.${contact.id}`,
    initial: {},
    document: EraseDocument,
    input: () => ({ contactId: contact.id }),
    payload: data => data.eraseContact,
    done: onDone,
  });
  return (
    <form {...form.props}>
      <Stack gap="sm">
        <Refused>{form.wrong['']}</Refused>
        <Alert color="red" variant="light" icon={<Icon name="alert" />} title={t`One person is erased for good`}>
          <Trans>
            Name, number, attributes and the texts of their messages go. Counts in statistics stay. Their number is
            remembered as a keyed hash alone, so that nobody writes to them again. This cannot be undone.
          </Trans>
        </Alert>
        <Group gap="xs">
          <Button type="submit" size="xs" color="red" loading={form.busy}>
            <Trans>Erase this person</Trans>
          </Button>
          <Button size="xs" variant="default" onClick={onCancel}>
            <Trans>Leave it</Trans>
          </Button>
        </Group>
      </Stack>
    </form>
  );
};
