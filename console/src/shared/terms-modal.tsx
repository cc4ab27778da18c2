import { useLingui } from '@lingui/react/macro';
import { Modal } from '@mantine/core';
import TermsText from './terms-text';

const TermsModal = ({ onClose }: { onClose: () => void }) => {
  const { t } = useLingui();
  return (
    <Modal opened onClose={onClose} title={t`Terms of service`} size="lg" closeButtonProps={{ 'aria-label': t`Close` }}>
      <TermsText />
    </Modal>
  );
};

export default TermsModal;
