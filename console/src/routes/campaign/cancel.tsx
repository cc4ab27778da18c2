import { Trans, useLingui } from '@lingui/react/macro';
import { Text } from '@mantine/core';
import { useClient } from 'urql';
import { words } from '../../shared/errors';
import { number } from '../../shared/format';
import { graphql } from '../../shared/graphql';
import { language } from '../../shared/i18n';
import { useStore } from '../../shared/store';
import { Confirm } from './confirm';

const CancelDocument = graphql(`
  mutation CancelCampaign($id: ID!) {
    cancelCampaign(input: { campaignId: $id }) {
      campaign { id status statusReason statusDetail }
      userErrors { field code message }
    }
  }
`);

const Cancel = ({ id, people, onClose }: { id: string; people: number; onClose: () => void }) => {
  const { t } = useLingui();
  const client = useClient();
  const spoken = useStore(language);
  const act = async () => {
    const { data, error } = await client.mutation(CancelDocument, { id }).toPromise();
    return error
      ? words(error, t`The service does not answer.`)
      : data?.cancelCampaign.userErrors.map(e => e.message).join(' ') || undefined;
  };
  return (
    <Confirm
      title={t`Cancel the campaign`}
      people={people}
      doing={t`Cancel it for good`}
      danger
      onClose={onClose}
      act={act}
    >
      <Text size="sm">
        <Trans>
          {number(people, spoken)} people who wait for their message will not get it. A campaign that is canceled cannot
          go on.
        </Trans>
      </Text>
    </Confirm>
  );
};

export default Cancel;
