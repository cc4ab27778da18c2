import { useLingui } from '@lingui/react/macro';
import { Text } from '@mantine/core';
import { Frame } from '../../shared/frame';
import { Go } from '../../shared/go';

export const NotFound = () => {
  const { t } = useLingui();
  return (
    <Frame title={t`There is no such page`}>
      <Text size="sm">{t`The address is mistyped, or the page has moved.`}</Text>
      <Go to="/">{t`To the start page`}</Go>
    </Frame>
  );
};
