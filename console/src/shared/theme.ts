import { createTheme } from '@mantine/core';

const still = { lockScroll: false }; // the lock writes style sheets, which the content security policy refuses
const loud = { errorProps: { role: 'alert' } };

// By name, so that components which no open page uses are not loaded.
export const theme = createTheme({
  primaryColor: 'indigo',
  primaryShade: { light: 7, dark: 8 },
  defaultRadius: 'md',
  cursorType: 'pointer',
  respectReducedMotion: true,
  components: {
    Modal: { defaultProps: still },
    Drawer: { defaultProps: still },
    Menu: { defaultProps: { shadow: 'md', withinPortal: true } },
    Tooltip: { defaultProps: { events: { hover: true, focus: true, touch: true } } },
    TextInput: { defaultProps: loud },
    Textarea: { defaultProps: loud },
    PasswordInput: { defaultProps: loud },
    NativeSelect: { defaultProps: loud },
  },
});
