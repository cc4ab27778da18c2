import { Trans, useLingui } from '@lingui/react/macro';
import { Alert, Button, Code, Stack, Text, TextInput } from '@mantine/core';
import { useState } from 'react';
import { useClient } from 'urql';
import { Dialog } from '../../shared/dialog';
import { refusals, words } from '../../shared/errors';
import { Refused } from '../../shared/ui';
import { CodeDocument, DeregisterDocument, RegisterDocument, VerifyDocument } from './documents';
import type { Asked } from './number';

type Props = { what: Exclude<Asked, 'profile'>; id: string; name: string; onClose: () => void };

type Answer = {
  error?: Parameters<typeof words>[0] | undefined;
  payload?: { userErrors: readonly { field: string[]; message: string }[]; pin?: string | null } | undefined;
};

// Registration proves a number, puts it into WhatsApp's API, or takes it out.
const Registration = ({ what, id, name, onClose }: Props) => {
  const { t } = useLingui();
  const client = useClient();
  const [typed, setTyped] = useState('');
  const [busy, setBusy] = useState(false);
  const [wrong, setWrong] = useState<Record<string, string>>({});
  const [pin, setPin] = useState<string>();
  const [asked, setAsked] = useState(false);

  const ask = async (send: () => Promise<Answer>, done: (payload: NonNullable<Answer['payload']>) => void) => {
    setBusy(true);
    setWrong({});
    const { error, payload } = await send();
    setBusy(false);
    if (error || !payload)
      setWrong({ '': error ? words(error, t`The service does not answer.`) : t`The service does not answer.` });
    else if (payload.userErrors.length) setWrong(refusals(payload.userErrors, ['pin', 'code']));
    else done(payload);
  };
  const register = () =>
    ask(
      async () => {
        const input = { phoneNumberId: id, ...(typed ? { pin: typed } : {}) };
        const { data, error } = await client.mutation(RegisterDocument, { input }).toPromise();
        return { error, payload: data?.registerPhoneNumber };
      },
      payload => (payload.pin ? setPin(payload.pin) : onClose()),
    );
  const deregister = () =>
    ask(async () => {
      const { data, error } = await client.mutation(DeregisterDocument, { input: { phoneNumberId: id } }).toPromise();
      return { error, payload: data?.deregisterPhoneNumber };
    }, onClose);
  const code = (method: 'SMS' | 'VOICE') =>
    ask(
      async () => {
        const { data, error } = await client
          .mutation(CodeDocument, { input: { phoneNumberId: id, method } })
          .toPromise();
        return { error, payload: data?.requestVerificationCode };
      },
      () => setAsked(true),
    );
  const verify = () =>
    ask(async () => {
      const { data, error } = await client
        .mutation(VerifyDocument, { input: { phoneNumberId: id, code: typed } })
        .toPromise();
      return { error, payload: data?.verifyPhoneNumber };
    }, onClose);

  const titles = {
    register: t`Register ${name}`,
    deregister: t`Take ${name} out of the API`,
    verify: t`Verify ${name}`,
  };
  const field = (label: string, place: string, description?: string) => (
    <TextInput
      label={label}
      description={description}
      value={typed}
      error={wrong[place]}
      inputMode="numeric"
      autoComplete="off"
      onChange={event => setTyped(event.currentTarget.value.replace(/\D/g, ''))}
    />
  );
  return (
    <Dialog title={titles[what]} onClose={onClose}>
      <Stack>
        <Refused>{wrong['']}</Refused>
        {pin && (
          <Alert color="green" variant="light">
            <Trans>
              It is registered with the PIN <Code>{pin}</Code>. Keep it: other programs need it.
            </Trans>
          </Alert>
        )}
        {what === 'register' && !pin && (
          <>
            {field(t`PIN`, 'pin', t`Six digits, for two-step verification. Empty: one is made and told to you.`)}
            <Button loading={busy} onClick={register}>
              <Trans>Register</Trans>
            </Button>
          </>
        )}
        {what === 'deregister' && (
          <>
            <Text size="sm">
              <Trans>
                Nothing can be sent from it until it is registered again, and its campaigns are paused. Ten
                registrations in 72 hours are allowed.
              </Trans>
            </Text>
            <Button color="red" loading={busy} onClick={deregister}>
              <Trans>Take it out</Trans>
            </Button>
          </>
        )}
        {what === 'verify' && (
          <>
            <Button variant="default" loading={busy} onClick={() => code('SMS')}>
              <Trans>Send a code by SMS</Trans>
            </Button>
            <Button variant="default" loading={busy} onClick={() => code('VOICE')}>
              <Trans>Call with a code</Trans>
            </Button>
            {asked && <Text size="sm">{t`The code is on its way.`}</Text>}
            {field(t`Code that WhatsApp sent`, 'code')}
            <Button loading={busy} onClick={verify}>
              <Trans>Verify</Trans>
            </Button>
          </>
        )}
        <Button variant="default" onClick={onClose}>
          {pin ? <Trans>Close</Trans> : <Trans>Leave it</Trans>}
        </Button>
      </Stack>
    </Dialog>
  );
};

export default Registration;
