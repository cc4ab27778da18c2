import { Trans, useLingui } from '@lingui/react/macro';
import { Button, Group, Stack, Text, TextInput } from '@mantine/core';
import type { Consent } from '../../graphql/graphql';
import { Choice } from '../../shared/choice';
import { useContactWords } from '../../shared/contact-words';
import { useForm } from '../../shared/form';
import { graphql } from '../../shared/graphql';
import { Refused } from '../../shared/ui';

const RecordDocument = graphql(`
  mutation RecordConsent($input: RecordConsentInput!) {
    recordConsent(input: $input) {
      contact { id marketingConsent }
      userErrors { field code message }
    }
  }
`);

// ConsentForm records what the organization knows of somebody's wish.
export const ConsentForm = ({ id, onDone, onCancel }: { id: string; onDone: () => void; onCancel: () => void }) => {
  const { t } = useLingui();
  const said = useContactWords();
  const form = useForm({
    name: `consent.${id}`,
    initial: { consent: 'OPTED_IN', 'consent.source': '', 'consent.evidence': '' },
    document: RecordDocument,
    input: v => ({
      contactId: id,
      consent: {
        consent: v.consent as Consent,
        source: v['consent.source'],
        ...(v['consent.evidence'] ? { evidence: v['consent.evidence'] } : {}),
      },
    }),
    payload: data => data.recordConsent,
    done: onDone,
  });
  return (
    <form {...form.props}>
      <Stack gap="sm">
        <Refused>{form.wrong['']}</Refused>
        <Choice
          label={t`Consent`}
          data={(['OPTED_IN', 'OPTED_OUT'] as const).map(value => ({ value, label: said.consent(value).text }))}
          value={form.values.consent}
          error={form.wrong.consent}
          onChange={value => form.set('consent', value ?? '')}
        />
        <TextInput
          label={t`Where and when they said so`}
          description={t`Such as: form in the shop, 2026-03-01`}
          {...form.text('consent.source')}
        />
        <TextInput label={t`Proof`} {...form.text('consent.evidence')} />
        <Text size="xs" c="dimmed">
          <Trans>Who has opted out themselves is not opted in by this: only they can do that.</Trans>
        </Text>
        <Group gap="xs">
          <Button type="submit" size="xs" loading={form.busy}>
            <Trans>Record it</Trans>
          </Button>
          <Button size="xs" variant="default" onClick={onCancel}>
            <Trans>Leave it</Trans>
          </Button>
        </Group>
      </Stack>
    </form>
  );
};
