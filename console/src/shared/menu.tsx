import { Button, type ButtonProps } from '@mantine/core';
import { lazy, type ReactNode, Suspense, useState } from 'react';

export type MenuEntry = {
  label: ReactNode;
  act?: () => unknown; // without it, the entry is a heading
  icon?: ReactNode;
  lang?: string;
  current?: boolean;
};

export type MenuProps = ButtonProps & {
  'aria-label'?: string;
  entries: MenuEntry[];
  children: ReactNode;
  position?: 'bottom-start' | 'bottom-end';
};

const load = () => import('./menu-open');
const Opened = lazy(load);

// MenuButton opens a menu, which is loaded when somebody is about to.
export const MenuButton = ({ entries, position = 'bottom-end', ...button }: MenuProps) => {
  const [asked, setAsked] = useState(false);
  const closed = (
    <Button {...button} aria-haspopup="menu" onPointerEnter={load} onFocus={load} onClick={() => setAsked(true)} />
  );
  if (!asked) return closed;
  return (
    <Suspense fallback={closed}>
      <Opened {...button} entries={entries} position={position} />
    </Suspense>
  );
};
