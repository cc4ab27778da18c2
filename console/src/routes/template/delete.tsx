import { Trans, useLingui } from '@lingui/react/macro';
import { Button, Checkbox, Modal, Stack, Text } from '@mantine/core';
import { useNavigate } from '@tanstack/react-router';
import { useForm } from '../../shared/form';
import { graphql } from '../../shared/graphql';
import { Refused } from '../../shared/ui';

const DeleteDocument = graphql(`
  mutation DeleteTemplate($input: DeleteTemplateInput!) {
    deleteTemplate(input: $input) {
      deletedTemplateIds
      userErrors { field code message }
    }
  }
`);

type Props = { template: { id: string; name: string; translations: readonly unknown[] }; onClose: () => void };

const Delete = ({ template, onClose }: Props) => {
  const { t } = useLingui();
  const navigate = useNavigate();
  const form = useForm({
    name: `delete.${template.id}`,
    initial: { allLanguages: false },
    document: DeleteDocument,
    input: v => ({ templateId: template.id, allLanguages: v.allLanguages }),
    payload: data => data.deleteTemplate,
    done: () => navigate({ to: '/templates' }),
  });
  const all = template.translations.length + 1;
  return (
    <Modal opened onClose={onClose} title={t`Delete the template`} closeButtonProps={{ 'aria-label': t`Close` }}>
      <form {...form.props}>
        <Stack>
          <Refused>{Object.values(form.wrong).join(' ') || undefined}</Refused>
          <Text size="sm">
            <Trans>
              {template.name} is deleted at WhatsApp, too. If it was approved, no new template can have its name for 30
              days. Its messages stay.
            </Trans>
          </Text>
          {all > 1 && (
            <Checkbox
              label={t`In all ${all} languages`}
              checked={form.values.allLanguages}
              onChange={event => form.set('allLanguages', event.currentTarget.checked)}
            />
          )}
          <Button type="submit" color="red" loading={form.busy}>
            <Trans>Delete</Trans>
          </Button>
          <Button variant="default" onClick={onClose}>
            <Trans>Leave it</Trans>
          </Button>
        </Stack>
      </form>
    </Modal>
  );
};

export default Delete;
