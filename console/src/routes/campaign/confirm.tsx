import { Trans, useLingui } from '@lingui/react/macro';
import { Button, Modal, Stack, TextInput } from '@mantine/core';
import { type ReactNode, useState } from 'react';
import { number } from '../../shared/format';
import { language } from '../../shared/i18n';
import { useStore } from '../../shared/store';
import { Refused } from '../../shared/ui';

const many = 1000; // from more people than these on, their number is typed

type Props = {
  title: string;
  people: number;
  doing: string;
  danger?: boolean;
  ready?: boolean;
  children: ReactNode;
  onClose: () => void;
  act: () => Promise<string | undefined>; // why not, if not
};

// Confirm asks once more before something that cannot be undone.
export const Confirm = ({ title, people, doing, danger, ready = true, children, onClose, act }: Props) => {
  const { t } = useLingui();
  const spoken = useStore(language);
  const [typed, setTyped] = useState('');
  const [busy, setBusy] = useState(false);
  const [wrong, setWrong] = useState<string>();
  const sure = people <= many || typed.replace(/[^0-9]/g, '') === String(people);
  const go = async () => {
    setBusy(true);
    const why = await act();
    setBusy(false);
    if (why) setWrong(why);
    else onClose();
  };
  return (
    <Modal opened onClose={onClose} title={title} closeButtonProps={{ 'aria-label': t`Close` }}>
      <Stack>
        <Refused>{wrong}</Refused>
        {children}
        {people > many && (
          <TextInput
            label={t`Type the number of people: ${number(people, spoken)}`}
            inputMode="numeric"
            value={typed}
            onChange={event => setTyped(event.currentTarget.value)}
          />
        )}
        <Button color={danger ? 'red' : undefined} disabled={!sure || !ready} loading={busy} onClick={go}>
          {doing}
        </Button>
        <Button variant="default" onClick={onClose}>
          <Trans>Leave it</Trans>
        </Button>
      </Stack>
    </Modal>
  );
};
