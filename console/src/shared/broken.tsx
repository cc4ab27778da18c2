import { useLingui } from '@lingui/react/macro';
import { Button, Stack, Text } from '@mantine/core';
import type { ErrorComponentProps } from '@tanstack/react-router';

// Broken stands for a page that failed, such as one whose parts were replaced by a newer version of
// the service while the tab was open.
export const Broken = ({ error }: ErrorComponentProps) => {
  const { t } = useLingui();
  return (
    <Stack p="lg" gap="sm" align="flex-start" role="alert">
      <Text fw={600}>{t`This page could not be shown.`}</Text>
      <Text size="sm" c="dimmed">
        {error instanceof Error ? error.message : String(error)}
      </Text>
      <Button variant="default" onClick={() => location.reload()}>
        {t`Load it again`}
      </Button>
    </Stack>
  );
};
