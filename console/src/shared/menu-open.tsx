import { Button, Menu } from '@mantine/core';
import type { MenuProps } from './menu';

const OpenedMenu = ({ entries, position, ...button }: MenuProps) => (
  <Menu {...(position ? { position } : {})} defaultOpened>
    <Menu.Target>
      <Button {...button} />
    </Menu.Target>
    <Menu.Dropdown>
      {entries.map(({ label, act, icon, lang, current }, i) =>
        act ? (
          // biome-ignore lint/suspicious/noArrayIndexKey: they keep their places
          <Menu.Item key={i} onClick={act} leftSection={icon} lang={lang} aria-current={current}>
            {label}
          </Menu.Item>
        ) : (
          // biome-ignore lint/suspicious/noArrayIndexKey: they keep their places
          <Menu.Label key={i}>{label}</Menu.Label>
        ),
      )}
    </Menu.Dropdown>
  </Menu>
);

export default OpenedMenu;
