import { Trans, useLingui } from '@lingui/react/macro';
import { Button, Checkbox, Divider, Modal, PasswordInput, Stack, Text, TextInput } from '@mantine/core';
import { useForm } from '../../shared/form';
import { graphql } from '../../shared/graphql';
import { Refused } from '../../shared/ui';

const ConnectDocument = graphql(`
  mutation Connect($input: ConnectAccountInput!) {
    connectAccount(input: $input) {
      account { id }
      userErrors { field code message }
    }
  }
`);

const SandboxDocument = graphql(`
  mutation ConnectSandbox($input: ConnectSandboxAccountInput!) {
    connectSandboxAccount(input: $input) {
      account { id }
      userErrors { field code message }
    }
  }
`);

const ConnectAccount = ({ onClose, onDone }: { onClose: () => void; onDone: () => void }) => {
  const { t } = useLingui();
  const sandbox = useForm({
    name: 'sandbox',
    initial: { name: '' },
    document: SandboxDocument,
    input: () => ({ name: t`Sandbox` }),
    payload: data => data.connectSandboxAccount,
    done: onDone,
  });
  const form = useForm({
    name: 'connect',
    initial: { wabaId: '', accessToken: '', consentToTransfer: false },
    secret: ['accessToken'],
    document: ConnectDocument,
    input: ({ wabaId, accessToken, consentToTransfer }) => ({
      credentials: { token: { wabaId: wabaId.trim(), accessToken: accessToken.trim() } },
      consentToTransfer,
    }),
    payload: ({ connectAccount: { userErrors, ...rest } }) => ({
      ...rest,
      // The fields stand two levels deeper than the form shows them.
      userErrors: userErrors.map(e => ({
        ...e,
        field: e.field[0] === 'credentials' ? e.field.slice(2) : e.field,
      })),
    }),
    done: onDone,
  });

  return (
    <Modal opened onClose={onClose} title={t`Connect an account`} closeButtonProps={{ 'aria-label': t`Close` }}>
      <Stack>
        <form {...sandbox.props}>
          <Stack gap="xs">
            <Text size="sm">
              <Trans>The sandbox gives you an account and a number at once, and answers like WhatsApp does.</Trans>
            </Text>
            <Refused>{[sandbox.wrong[''], sandbox.wrong.name].filter(Boolean).join(' ')}</Refused>
            <Button type="submit" variant="default" loading={sandbox.busy}>
              <Trans>Connect the sandbox</Trans>
            </Button>
          </Stack>
        </form>
        <Divider label={t`or an account of yours`} />
        <form {...form.props}>
          <Stack>
            <Refused>{form.wrong['']}</Refused>
            <TextInput
              label={t`Id of the WhatsApp Business account (WABA)`}
              inputMode="numeric"
              autoComplete="off"
              required
              {...form.text('wabaId')}
            />
            <PasswordInput
              label={t`Access token`}
              description={t`Of a system user with the permissions whatsapp_business_management and whatsapp_business_messaging.`}
              autoComplete="off"
              required
              {...form.text('accessToken')}
            />
            <Checkbox
              checked={form.values.consentToTransfer}
              error={form.wrong.consentToTransfer}
              onChange={event => form.set('consentToTransfer', event.currentTarget.checked)}
              label={t`People's numbers and what is written to them may be given to Meta, which can mean another country.`}
            />
            <Button type="submit" loading={form.busy}>
              <Trans>Connect</Trans>
            </Button>
          </Stack>
        </form>
      </Stack>
    </Modal>
  );
};

export default ConnectAccount;
