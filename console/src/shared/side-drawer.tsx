import { useLingui } from '@lingui/react/macro';
import { Drawer } from '@mantine/core';
import type { ReactNode } from 'react';

const SideDrawer = ({ onClose, children }: { onClose: () => void; children: ReactNode }) => {
  const { t } = useLingui();
  return (
    <Drawer opened onClose={onClose} size={280} title="Carillon" closeButtonProps={{ 'aria-label': t`Close` }}>
      {children}
    </Drawer>
  );
};

export default SideDrawer;
