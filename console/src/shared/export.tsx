import { useLingui } from '@lingui/react/macro';
import { Anchor, Button, Group, Text } from '@mantine/core';
import { useEffect, useRef, useState } from 'react';
import { useClient } from 'urql';
import { words } from './errors';
import { graphql } from './graphql';
import { Icon } from './icons';

const ExportDocument = graphql(`
  query ExportState($id: ID!) {
    node(id: $id) {
      __typename
      id
      ... on Export { status statusReason rows fileName url }
    }
  }
`);

const every = 1000; // milliseconds between two looks at a file that is being made

type Begun = {
  error?: Parameters<typeof words>[0] | undefined;
  payload?: { export?: { id: string } | null; userErrors: readonly { message: string }[] } | undefined;
};

type Made = { status: string; statusReason?: string | null; fileName: string; url?: string | null };

// ExportButton has the service make a file, and gives it when it is there. Nothing tells when that
// is, so it is asked for until then.
export const ExportButton = ({ begin }: { begin: () => Promise<Begun> }) => {
  const { t } = useLingui();
  const client = useClient();
  const [busy, setBusy] = useState(false);
  const [made, setMade] = useState<Made>();
  const [wrong, setWrong] = useState<string>();
  const here = useRef(true);
  useEffect(() => {
    here.current = true;
    return () => {
      here.current = false;
    };
  }, []);

  const wait = async (id: string) => {
    while (here.current) {
      const { data, error } = await client.query(ExportDocument, { id }, { requestPolicy: 'network-only' }).toPromise();
      if (error) return setWrong(words(error, t`The service does not answer.`));
      const found = data?.node?.__typename === 'Export' ? data.node : undefined;
      if (found && found.status !== 'PENDING' && found.status !== 'RUNNING') return setMade(found);
      await new Promise(done => setTimeout(done, every));
    }
  };
  const start = async () => {
    setBusy(true);
    setMade(undefined);
    setWrong(undefined);
    const { error, payload } = await begin();
    const id = payload?.export?.id;
    if (id) await wait(id);
    else
      setWrong(
        error
          ? words(error, t`The service does not answer.`)
          : payload?.userErrors.map(e => e.message).join(' ') || t`The service does not answer.`,
      );
    setBusy(false);
  };
  return (
    <Group gap="xs">
      <span role="status">
        {made?.url ? (
          <Anchor size="sm" href={pathIn(made.url)} download>
            {made.fileName}
          </Anchor>
        ) : (
          (wrong ?? made?.statusReason ?? (made && t`There is no file.`)) && (
            <Text size="sm">{wrong ?? made?.statusReason ?? t`There is no file.`}</Text>
          )
        )}
      </span>
      <Button
        size="xs"
        variant="default"
        loading={busy}
        leftSection={<Icon name="download" size={16} />}
        onClick={start}
      >
        {t`Export`}
      </Button>
    </Group>
  );
};

// pathIn keeps a link of the service on the host that the page is from.
export const pathIn = (url: string): string => {
  const { pathname, search } = new URL(url, location.href);
  return pathname + search;
};
