import { useLingui } from '@lingui/react/macro';
import { Frame } from '../../shared/frame';
import TermsText from '../../shared/terms-text';

const Terms = () => {
  const { t } = useLingui();
  return (
    <Frame title={t`Terms of service`} wide>
      <TermsText />
    </Frame>
  );
};

export default Terms;
