import { useLingui } from '@lingui/react/macro';
import { ActionIcon, Tooltip, useComputedColorScheme, useMantineColorScheme } from '@mantine/core';
import { useClient } from 'urql';
import { graphql } from './graphql';
import { type Language, language, languages, speak } from './i18n';
import { Icon } from './icons';
import { MenuButton } from './menu';
import { useStore } from './store';

const SpeakDocument = graphql(`
  mutation Speak($input: UpdateUserInput!) {
    updateUser(input: $input) {
      user { id locale }
      userErrors { field code message }
    }
  }
`);

// LanguageMenu changes the language, and tells the service where somebody is signed in, whose
// language it then is in every browser.
export const LanguageMenu = ({ name }: { name?: string }) => {
  const { t } = useLingui();
  const client = useClient();
  const spoken = useStore(language);
  const called = languages.find(l => l.id === spoken)?.name;
  const choose = async (to: Language) => {
    await speak(to);
    if (name) await client.mutation(SpeakDocument, { input: { name, locale: to } }).toPromise();
  };
  return (
    <MenuButton
      variant="subtle"
      color="gray"
      size="compact-sm"
      leftSection={<Icon name="language" size={16} />}
      aria-label={`${t`Language`}: ${called}`}
      entries={languages.map(l => ({
        label: l.name,
        lang: l.id,
        current: l.id === spoken,
        act: () => choose(l.id),
      }))}
    >
      {called}
    </MenuButton>
  );
};

export const SchemeButton = () => {
  const { t } = useLingui();
  const { setColorScheme } = useMantineColorScheme();
  const dark = useComputedColorScheme('light') === 'dark';
  const label = dark ? t`Light colors` : t`Dark colors`;
  return (
    <Tooltip label={label}>
      <ActionIcon
        variant="subtle"
        color="gray"
        aria-label={label}
        onClick={() => setColorScheme(dark ? 'light' : 'dark')}
      >
        <Icon name={dark ? 'sun' : 'moon'} />
      </ActionIcon>
    </Tooltip>
  );
};
