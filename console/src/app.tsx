import { i18n } from '@lingui/core';
import { I18nProvider } from '@lingui/react';
import { localStorageColorSchemeManager, MantineProvider } from '@mantine/core';
import { RouterProvider } from '@tanstack/react-router';
import { useEffect, useMemo } from 'react';
import { Provider } from 'urql';
import { router } from './router';
import { clientOf } from './shared/client';
import { session } from './shared/session';
import { useStore } from './shared/store';
import { theme } from './shared/theme';

const schemes = localStorageColorSchemeManager({ key: 'carillon.scheme' });

export const App = () => {
  const token = useStore(session);
  const { client, close } = useMemo(() => clientOf(token), [token]);

  // biome-ignore lint/correctness/useExhaustiveDependencies: who comes or goes may belong elsewhere
  useEffect(() => {
    void router.invalidate();
    return close;
  }, [client, close]);

  return (
    <I18nProvider i18n={i18n}>
      <MantineProvider
        theme={theme}
        defaultColorScheme="auto"
        colorSchemeManager={schemes}
        withCssVariables={false}
        withGlobalClasses={false}
      >
        <Provider value={client}>
          <RouterProvider router={router} />
        </Provider>
      </MantineProvider>
    </I18nProvider>
  );
};
