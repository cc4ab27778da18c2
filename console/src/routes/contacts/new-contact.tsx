import { Trans, useLingui } from '@lingui/react/macro';
import { Button, Checkbox, Modal, Stack, TextInput } from '@mantine/core';
import { useForm } from '../../shared/form';
import { graphql } from '../../shared/graphql';
import { Refused } from '../../shared/ui';

const CreateDocument = graphql(`
  mutation CreateContact($input: CreateContactInput!) {
    createContact(input: $input) {
      contact { id }
      userErrors { field code message }
    }
  }
`);

const NewContact = ({ onClose, onDone }: { onClose: () => void; onDone: (id: string) => void }) => {
  const { t } = useLingui();
  const form = useForm({
    name: 'contact',
    initial: { phone: '', name: '', language: '', optedIn: false, consent: '' },
    document: CreateDocument,
    input: v => ({
      phone: v.phone,
      ...(v.name ? { name: v.name } : {}),
      ...(v.language ? { language: v.language } : {}),
      ...(v.optedIn ? { consent: { consent: 'OPTED_IN' as const, source: v.consent } } : {}),
    }),
    payload: data => data.createContact,
    done: payload => payload.contact && onDone(payload.contact.id),
  });
  return (
    <Modal opened onClose={onClose} title={t`New contact`} closeButtonProps={{ 'aria-label': t`Close` }}>
      <form {...form.props}>
        <Stack>
          <Refused>{form.wrong['']}</Refused>
          <TextInput
            label={t`Number`}
            description={t`With its country code, such as +86 138 1234 5678.`}
            type="tel"
            {...form.text('phone')}
          />
          <TextInput label={t`Name`} {...form.text('name')} />
          <TextInput label={t`Language`} placeholder="zh_CN" {...form.text('language')} />
          <Checkbox
            label={t`They have agreed to marketing`}
            checked={form.values.optedIn}
            onChange={event => form.set('optedIn', event.currentTarget.checked)}
          />
          {form.values.optedIn && (
            <TextInput
              label={t`Where and when they agreed`}
              description={t`Such as: form in the shop, 2026-03-01`}
              {...form.text('consent')}
            />
          )}
          <Button type="submit" loading={form.busy}>
            <Trans>Add</Trans>
          </Button>
        </Stack>
      </form>
    </Modal>
  );
};

export default NewContact;
