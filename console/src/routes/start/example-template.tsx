import { Trans, useLingui } from '@lingui/react/macro';
import { Button, Stack } from '@mantine/core';
import { useForm } from '../../shared/form';
import { graphql } from '../../shared/graphql';
import { language } from '../../shared/i18n';
import { Refused } from '../../shared/ui';

const ExampleDocument = graphql(`
  mutation Example($input: CreateTemplateInput!) {
    createTemplate(input: $input) {
      template { id }
      userErrors { field code message }
    }
  }
`);

// The example in each language, as WhatsApp names it. People read it, not users of the console.
const examples = {
  en: {
    language: 'en',
    text: 'Hello {{name}}, thank you for your order. We will write to you here when it is on its way.',
    example: 'Ana',
  },
  'zh-Hans': { language: 'zh_CN', text: '{{name}},您好!感谢您的订购。发货后我们会在这里通知您。', example: '李娜' },
};

export const ExampleTemplate = ({ accountId, onDone }: { accountId: string; onDone: () => void }) => {
  const { t } = useLingui();
  const form = useForm({
    name: 'example-template',
    initial: {},
    document: ExampleDocument,
    input: () => {
      const example = examples[language.get()];
      return {
        accountId,
        template: {
          name: 'order_thanks',
          language: example.language,
          category: 'UTILITY' as const,
          parameterFormat: 'NAMED' as const,
          components: [
            { type: 'BODY' as const, text: example.text, namedExamples: [{ key: 'name', value: example.example }] },
          ],
        },
      };
    },
    payload: data => data.createTemplate,
    done: onDone,
  });
  return (
    <form {...form.props}>
      <Stack gap="xs" align="flex-start">
        <Refused>{form.wrong['']}</Refused>
        <Button type="submit" size="xs" loading={form.busy} title={t`A short thank-you for an order`}>
          <Trans>Submit an example</Trans>
        </Button>
      </Stack>
    </form>
  );
};
