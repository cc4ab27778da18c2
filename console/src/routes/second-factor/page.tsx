import { Trans, useLingui } from '@lingui/react/macro';
import { Alert, Button, Code, Group, PasswordInput, Stack, Text, TextInput } from '@mantine/core';
import { useMemo, useState } from 'react';
import { encode } from 'uqr';
import { useClient, useQuery } from 'urql';
import { useForm } from '../../shared/form';
import { graphql } from '../../shared/graphql';
import { Copy, Lines, Page, Panel, Refused, State, Trouble, When } from '../../shared/ui';
import { useMe, ViewerDocument } from '../../shared/viewer';
import styles from './second-factor.module.css';

const FactorDocument = graphql(`
  query Factor {
    viewer {
      mustSetUpSecondFactor
      secondFactor { enabled enabledAt recoveryCodesLeft }
    }
  }
`);

const BeginFactorDocument = graphql(`
  mutation BeginFactor($input: BeginSecondFactorInput!) {
    beginSecondFactor(input: $input) {
      secret
      uri
      userErrors { field code message }
    }
  }
`);

const ConfirmFactorDocument = graphql(`
  mutation ConfirmFactor($input: ConfirmSecondFactorInput!) {
    confirmSecondFactor(input: $input) {
      recoveryCodes
      userErrors { field code message }
    }
  }
`);

const NewCodesDocument = graphql(`
  mutation NewCodes($input: RegenerateRecoveryCodesInput!) {
    regenerateRecoveryCodes(input: $input) {
      recoveryCodes
      userErrors { field code message }
    }
  }
`);

const DisableDocument = graphql(`
  mutation DisableFactor($input: DisableSecondFactorInput!) {
    disableSecondFactor(input: $input) {
      viewer { mustSetUpSecondFactor }
      userErrors { field code message }
    }
  }
`);

const QR = ({ text }: { text: string }) => {
  const { t } = useLingui();
  const { size, path } = useMemo(() => {
    const code = encode(text, { border: 2 });
    const dots = code.data.flatMap((row, y) => row.flatMap((dark, x) => (dark ? `M${x} ${y}h1v1h-1z` : [])));
    return { size: code.size, path: dots.join('') };
  }, [text]);
  return (
    <svg
      className={styles.qr}
      viewBox={`0 0 ${size} ${size}`}
      role="img"
      aria-label={t`QR code for your authenticator app`}
    >
      <rect width={size} height={size} fill="#fff" />
      <path d={path} fill="#000" shapeRendering="crispEdges" />
    </svg>
  );
};

const Codes = ({ codes, onDone }: { codes: string[]; onDone: () => void }) => {
  const all = codes.join('\n');
  return (
    <Panel>
      <Stack align="flex-start">
        <Text size="sm">
          <Trans>
            Keep these recovery codes where you find them without your phone. Each stands in for the app once. They are
            not shown again.
          </Trans>
        </Text>
        <ul className={styles.codes}>
          {codes.map(code => (
            <li key={code}>
              <Code>{code}</Code>
            </li>
          ))}
        </ul>
        <Group gap="xs">
          <Button onClick={onDone}>
            <Trans>I have kept them</Trans>
          </Button>
          <Copy text={all} />
        </Group>
      </Stack>
    </Panel>
  );
};

const Begin = ({ onDone }: { onDone: (made: { secret: string; uri: string }) => void }) => {
  const { t } = useLingui();
  const form = useForm({
    name: 'begin-factor',
    initial: { password: '' },
    secret: ['password'],
    document: BeginFactorDocument,
    input: ({ password }) => (password ? { password } : {}),
    payload: data => data.beginSecondFactor,
    done: ({ secret, uri }) => secret && uri && onDone({ secret, uri }),
  });
  return (
    <Panel>
      <form {...form.props}>
        <Stack maw={420}>
          <Text size="sm">
            <Trans>
              With a second factor your password alone opens nothing. You need an authenticator app on your phone, any
              that knows TOTP.
            </Trans>
          </Text>
          <Refused>{form.wrong['']}</Refused>
          <PasswordInput label={t`Your password`} autoComplete="current-password" {...form.text('password')} />
          <Button type="submit" loading={form.busy}>
            <Trans>Set it up</Trans>
          </Button>
        </Stack>
      </form>
    </Panel>
  );
};

const Confirm = ({ made, onDone }: { made: { secret: string; uri: string }; onDone: (codes: string[]) => void }) => {
  const { t } = useLingui();
  const form = useForm({
    name: 'confirm-factor',
    initial: { code: '' },
    secret: ['code'],
    document: ConfirmFactorDocument,
    input: v => v,
    payload: data => data.confirmSecondFactor,
    done: ({ recoveryCodes }) => recoveryCodes && onDone(recoveryCodes),
  });
  return (
    <Panel>
      <Stack align="flex-start">
        <Text size="sm">
          <Trans>Scan the code with the app, or type the secret into it. Then give the six digits that it shows.</Trans>
        </Text>
        <QR text={made.uri} />
        <Group gap={4}>
          <Code>{made.secret}</Code>
          <Copy text={made.secret} label={t`Copy the secret`} />
        </Group>
        <form {...form.props}>
          <Stack maw={420}>
            <Refused>{form.wrong['']}</Refused>
            <TextInput
              label={t`Six digits`}
              inputMode="numeric"
              autoComplete="one-time-code"
              required
              autoFocus
              {...form.text('code')}
            />
            <Button type="submit" loading={form.busy}>
              <Trans>Put it into force</Trans>
            </Button>
          </Stack>
        </form>
      </Stack>
    </Panel>
  );
};

const Change = ({ onCodes, onOff }: { onCodes: (codes: string[]) => void; onOff: () => void }) => {
  const { t } = useLingui();
  const shared = {
    initial: { password: '', code: '' },
    secret: ['password', 'code'] as ('password' | 'code')[],
    input: ({ password, code }: { password: string; code: string }) => ({ code, ...(password ? { password } : {}) }),
  };
  const codes = useForm({
    ...shared,
    name: 'new-codes',
    document: NewCodesDocument,
    payload: data => data.regenerateRecoveryCodes,
    done: ({ recoveryCodes }) => recoveryCodes && onCodes(recoveryCodes),
  });
  const off = useForm({
    ...shared,
    name: 'factor-off',
    document: DisableDocument,
    payload: data => data.disableSecondFactor,
    done: onOff,
  });
  const fields = (form: typeof codes | typeof off) => (
    <>
      <Refused>{form.wrong['']}</Refused>
      <PasswordInput label={t`Your password`} autoComplete="current-password" {...form.text('password')} />
      <TextInput label={t`Code`} autoComplete="one-time-code" required {...form.text('code')} />
    </>
  );
  return (
    <>
      <Panel title={t`New recovery codes`}>
        <form {...codes.props}>
          <Stack maw={420}>
            {fields(codes)}
            <Button type="submit" variant="default" loading={codes.busy}>
              <Trans>Make new ones; the old ones end</Trans>
            </Button>
          </Stack>
        </form>
      </Panel>
      <Panel title={t`Switch it off`}>
        <form {...off.props}>
          <Stack maw={420}>
            {fields(off)}
            <Button type="submit" variant="outline" color="red" loading={off.busy}>
              <Trans>Switch the second factor off</Trans>
            </Button>
          </Stack>
        </form>
      </Panel>
    </>
  );
};

const SecondFactor = () => {
  const { t } = useLingui();
  const me = useMe();
  const client = useClient();
  const [{ data, error }, again] = useQuery({ query: FactorDocument, requestPolicy: 'cache-and-network' });
  const [made, setMade] = useState<{ secret: string; uri: string }>();
  const [codes, setCodes] = useState<string[]>();
  const read = () => {
    again({ requestPolicy: 'network-only' });
    void client.query(ViewerDocument, {}, { requestPolicy: 'network-only' }).toPromise();
  };
  const factor = data?.viewer?.secondFactor;

  return (
    <Page title={t`Second factor`}>
      {error && !data && <Trouble error={error} again={read} />}
      {data?.viewer?.mustSetUpSecondFactor && !codes && (
        <Alert color="yellow" variant="light" role="status">
          <Trans>Your organization wants everybody to have a second factor. Set yours up to go on.</Trans>
        </Alert>
      )}
      {!data && !error && <Lines />}
      {codes ? (
        <Codes
          codes={codes}
          onDone={() => {
            setCodes(undefined);
            setMade(undefined);
            read();
          }}
        />
      ) : factor?.enabled ? (
        <>
          <Panel>
            <Stack gap={4}>
              <State tone="good">
                <Trans>Your sign-in is protected</Trans>
              </State>
              <Text size="sm" c="dimmed">
                {factor.enabledAt && (
                  <Trans>
                    Since <When time={factor.enabledAt} zone={me.zone} />
                  </Trans>
                )}
              </Text>
              <Text size="sm" c="dimmed">
                <Trans>Recovery codes left: {factor.recoveryCodesLeft}</Trans>
              </Text>
            </Stack>
          </Panel>
          <Change onCodes={setCodes} onOff={read} />
        </>
      ) : made ? (
        <Confirm made={made} onDone={setCodes} />
      ) : (
        data && <Begin onDone={setMade} />
      )}
    </Page>
  );
};

export default SecondFactor;
