import { useLingui } from '@lingui/react/macro';
import { Group, Stack, Text, TextInput } from '@mantine/core';
import type { ButtonType, OtpType, TemplateCategory } from '../../graphql/graphql';
import { Choice } from '../../shared/choice';
import { Icon } from '../../shared/icons';
import { MenuButton } from '../../shared/menu';
import { useTemplateWords } from '../../shared/template-words';
import { type Button, buttonOf, unnamed } from './draft';
import styles from './editor.module.css';
import { Hints, moved, Order, type Problems, refused } from './parts';

const kinds: Record<TemplateCategory, ButtonType[]> = {
  MARKETING: [
    'QUICK_REPLY',
    'URL',
    'PHONE_NUMBER',
    'COPY_CODE',
    'FLOW',
    'CATALOG',
    'MPM',
    'SPM',
    'VOICE_CALL',
    'REQUEST_CONTACT_INFO',
  ],
  UTILITY: ['QUICK_REPLY', 'URL', 'PHONE_NUMBER', 'COPY_CODE', 'FLOW', 'VOICE_CALL', 'REQUEST_CONTACT_INFO'],
  AUTHENTICATION: ['OTP'],
};
const cardKinds: ButtonType[] = ['QUICK_REPLY', 'URL', 'PHONE_NUMBER', 'SPM'];

type Props = {
  place: string;
  buttons: Button[];
  category: TemplateCategory;
  inCard?: boolean;
  problems: Problems;
  onChange: (buttons: Button[]) => void;
};

// Buttons are those of the message or of a card, each with the fields of its kind.
export const Buttons = ({ place, buttons, category, inCard, problems, onChange }: Props) => {
  const { t } = useLingui();
  const words = useTemplateWords();
  const set = (i: number, change: Partial<Button>) =>
    onChange(buttons.with(i, { ...(buttons[i] as Button), ...change }));
  return (
    <Stack gap="md">
      {buttons.map((button, i) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: two may be alike
        <div key={i} className={styles.one}>
          <Group justify="space-between" wrap="nowrap" mb={4}>
            <Text size="sm" fw={600}>
              {words.button(button.type)}
            </Text>
            <Order
              label={button.text || words.button(button.type)}
              index={i}
              count={buttons.length}
              onMove={to => onChange(moved(buttons, i, to))}
              onRemove={() => onChange(buttons.toSpliced(i, 1))}
            />
          </Group>
          <Fields button={button} place={`${place}.${i}`} problems={problems} set={change => set(i, change)} />
        </div>
      ))}
      <MenuButton
        position="bottom-start"
        size="xs"
        variant="default"
        w="fit-content"
        leftSection={<Icon name="plus" size={16} />}
        entries={(inCard ? cardKinds : kinds[category]).map(type => ({
          label: words.button(type),
          act: () => onChange([...buttons, buttonOf(type)]),
        }))}
      >
        {t`Add a button`}
      </MenuButton>
    </Stack>
  );
};

const Fields = ({
  button,
  place,
  problems,
  set,
}: {
  button: Button;
  place: string;
  problems: Problems;
  set: (change: Partial<Button>) => void;
}) => {
  const { t } = useLingui();
  const shown = new Set<string>();
  const text = (field: keyof Button & string, path: string, label: string, description?: string) => {
    shown.add(path);
    return (
      <TextInput
        label={label}
        description={description}
        value={String(button[field])}
        error={refused(problems, `${place}.${path}`)}
        onChange={event => set({ [field]: event.currentTarget.value })}
      />
    );
  };
  const ways: Record<OtpType, string> = {
    COPY_CODE: t`The person copies it`,
    ONE_TAP: t`A tap gives it to the app`,
    ZERO_TAP: t`The app gets it by itself`,
  };
  const { type } = button;
  const fields = (
    <>
      {!unnamed.includes(type) && text('text', 'text', t`What stands on it`)}
      {type === 'URL' && text('url', 'url', t`Address`, t`It may end in ${'{{1}}'}, which each message fills.`)}
      {type === 'URL' && button.url.includes('{{') && text('example', 'example', t`A whole address as an example`)}
      {type === 'PHONE_NUMBER' && text('phoneNumber', 'phone_number', t`Number, with its country code`)}
      {type === 'COPY_CODE' && text('example', 'example', t`An example of the code`)}
      {type === 'OTP' && (
        <Choice
          label={t`How it hands over the code`}
          data={Object.entries(ways).map(([value, label]) => ({ value, label }))}
          value={button.otpType}
          error={refused(problems, `${place}.otp_type`)}
          onChange={way => way && set({ otpType: way as OtpType })}
        />
      )}
      {type === 'OTP' && button.otpType !== 'COPY_CODE' && (
        <>
          {text('autofillText', 'autofill_text', t`What stands on it where the app is there`)}
          {text('packageName', 'supported_apps', t`Package of the Android app`)}
          {text('signatureHash', 'signature_hash', t`Signature of the app, 11 characters`)}
        </>
      )}
      {type === 'FLOW' && (
        <>
          {text('flowId', 'flow_id', t`Id of the Flow`)}
          {text('flowAction', 'flow_action', t`How the Flow begins: navigate or data_exchange`)}
          {text('flowScreen', 'navigate_screen', t`Screen that the Flow begins with`)}
        </>
      )}
      {type === 'VOICE_CALL' && text('ttlMinutes', 'ttl_minutes', t`Works for how many minutes`)}
    </>
  );
  const loose = problems.filter(
    p =>
      (p.place === place || p.place.startsWith(`${place}.`)) &&
      (p.severity === 'WARNING' || !(shown.has(p.place.slice(place.length + 1)) || p.place === `${place}.otp_type`)),
  );
  return (
    <Stack gap="xs">
      <div className={styles.facts}>{fields}</div>
      <Hints problems={loose} />
    </Stack>
  );
};
