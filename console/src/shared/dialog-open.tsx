import { useLingui } from '@lingui/react/macro';
import { Modal } from '@mantine/core';
import type { DialogProps } from './dialog';

const OpenDialog = ({ title, onClose, children }: DialogProps) => {
  const { t } = useLingui();
  return (
    <Modal opened onClose={onClose} title={title} closeButtonProps={{ 'aria-label': t`Close` }}>
      {children}
    </Modal>
  );
};

export default OpenDialog;
