import { Trans } from '@lingui/react/macro';
import { Text } from '@mantine/core';
import { useQuery } from 'urql';
import { day } from './format';
import { graphql } from './graphql';
import { language } from './i18n';
import { Markdown } from './markdown';
import { useStore } from './store';
import { Lines, Trouble } from './ui';

const TermsDocument = graphql(`
  query Terms {
    terms { version body effectiveAt }
  }
`);

// TermsText is the operator's text, as Markdown without HTML.
const TermsText = () => {
  const [{ data, error }, again] = useQuery({ query: TermsDocument });
  const spoken = useStore(language);
  if (error) return <Trouble error={error} again={again} />;
  if (!data) return <Lines count={8} />;
  const { version, body, effectiveAt } = data.terms;
  return (
    <article>
      <Text size="sm" c="dimmed">
        <Trans>
          Version {version}, in force since {day(effectiveAt, spoken, 'UTC')}
        </Trans>
      </Text>
      <Markdown text={body} />
    </article>
  );
};

export default TermsText;
