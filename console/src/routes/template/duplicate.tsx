import { Trans, useLingui } from '@lingui/react/macro';
import { Button, Modal, Stack, Text, TextInput } from '@mantine/core';
import { useNavigate } from '@tanstack/react-router';
import { Choice } from '../../shared/choice';
import { useForm } from '../../shared/form';
import { graphql } from '../../shared/graphql';
import { language } from '../../shared/i18n';
import { useStore } from '../../shared/store';
import { tongueChoices } from '../../shared/tongue';
import { Refused } from '../../shared/ui';

const DuplicateDocument = graphql(`
  mutation DuplicateTemplate($input: DuplicateTemplateInput!) {
    duplicateTemplate(input: $input) {
      template { id }
      userErrors { field code message }
    }
  }
`);

type Props = { template: { id: string; name: string; language: string }; onClose: () => void };

const Duplicate = ({ template, onClose }: Props) => {
  const { t } = useLingui();
  const spoken = useStore(language);
  const navigate = useNavigate();
  const form = useForm({
    name: `duplicate.${template.id}`,
    initial: { language: '', name: template.name },
    document: DuplicateDocument,
    input: v => ({ templateId: template.id, language: v.language, name: v.name }),
    payload: data => data.duplicateTemplate,
    done: payload => {
      const id = payload.template?.id;
      return id && navigate({ to: '/templates/$id/edit', params: { id } });
    },
  });
  return (
    <Modal opened onClose={onClose} title={t`Copy into another language`} closeButtonProps={{ 'aria-label': t`Close` }}>
      <form {...form.props}>
        <Stack>
          <Refused>{form.wrong['']}</Refused>
          <Text size="sm">
            <Trans>The copy is a draft with the same text. Translate it, and submit it.</Trans>
          </Text>
          <Choice
            label={t`Language`}
            any={t`Choose one`}
            data={tongueChoices(spoken)}
            value={form.values.language || null}
            error={form.wrong.language}
            onChange={value => form.set('language', value ?? '')}
          />
          <TextInput label={t`Name`} {...form.text('name')} />
          <Button type="submit" loading={form.busy}>
            <Trans>Copy</Trans>
          </Button>
        </Stack>
      </form>
    </Modal>
  );
};

export default Duplicate;
