import { Trans, useLingui } from '@lingui/react/macro';
import styles from './bubble.module.css';
import { type FragmentType, graphql, read } from './graphql';
import { Icon, type IconName } from './icons';
import { useTemplateWords } from './template-words';

export const BubbleFragment = graphql(`
  fragment Bubble on TemplatePreview {
    header body footer asksToCall
    media { format link mediaId fileName }
    location { name address }
    product { productId }
    offer { text code endsAt }
    actions { type text }
    cards {
      header body
      media { format link mediaId fileName }
      product { productId }
      actions { type text }
    }
  }
`);

type Media = {
  format: 'TEXT' | 'IMAGE' | 'VIDEO' | 'DOCUMENT' | 'LOCATION' | 'GIF' | 'PRODUCT';
  fileName?: string | null;
};

const signs: Record<string, IconName> = {
  URL: 'link',
  PHONE_NUMBER: 'call',
  VOICE_CALL: 'call',
  COPY_CODE: 'copy',
  OTP: 'copy',
  QUICK_REPLY: 'reply',
  CATALOG: 'list',
  MPM: 'list',
  SPM: 'list',
  FLOW: 'list',
};

// File is a header's file. It is never fetched from where it lies, which may be another host.
const File = ({ media, own }: { media: Media; own: string | undefined }) => {
  const words = useTemplateWords();
  if (own && media.format === 'IMAGE') return <img className={styles.file} src={own} alt={words.format('IMAGE')} />;
  return (
    <div className={styles.file}>
      <Icon name={media.format === 'DOCUMENT' ? 'list' : 'picture'} size={28} />
      {media.fileName ?? words.format(media.format)}
    </div>
  );
};

const Actions = ({ of }: { of: readonly { type: string; text: string }[] }) =>
  of.length > 0 && (
    <div className={styles.actions}>
      {of.map(({ type, text }, i) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: two may be alike
        <div key={i} className={styles.action}>
          {signs[type] && <Icon name={signs[type]} size={16} />}
          <bdi>{text}</bdi>
        </div>
      ))}
    </div>
  );

// Bubble is a message as its recipient sees it. The service says what stands in it.
export const Bubble = ({
  preview: masked,
  pictures = {},
}: {
  preview: FragmentType<typeof BubbleFragment>;
  pictures?: Record<string, string>; // by part, of files that were just uploaded
}) => {
  const { t } = useLingui();
  const preview = read(BubbleFragment, masked);
  const { header, media, location, product, offer } = preview;
  return (
    // biome-ignore lint/a11y/useSemanticElements: it holds no fields
    <div className={styles.phone} role="group" aria-label={t`As people see it`}>
      <div className={styles.bubble}>
        {media && <File media={media} own={pictures.header} />}
        {!media && (location || product) && (
          <div className={styles.file}>
            <Icon name="picture" size={28} />
            {location ? [location.name, location.address].filter(Boolean).join(', ') : product?.productId}
          </div>
        )}
        {!media && !location && !product && header && (
          <div className={styles.header}>
            <bdi>{header}</bdi>
          </div>
        )}
        {offer && (
          <div className={styles.offer}>
            <bdi>{offer.text}</bdi>
            {offer.code && (
              <div className={styles.quiet}>
                <Trans>Code: {offer.code}</Trans>
              </div>
            )}
          </div>
        )}
        <div className={styles.body} dir="auto">
          {preview.body || <span className={styles.quiet}>{t`It has no text yet.`}</span>}
        </div>
        {preview.footer && (
          <div className={styles.quiet}>
            <bdi>{preview.footer}</bdi>
          </div>
        )}
        <Actions of={preview.actions} />
        {preview.asksToCall && (
          <div className={styles.actions}>
            <div className={styles.action}>
              <Icon name="call" size={16} />
              <Trans>Asks whether the business may call</Trans>
            </div>
          </div>
        )}
      </div>
      {preview.cards.length > 0 && (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reached by keyboard
        <ul className={styles.cards} tabIndex={0} aria-label={t`Cards`}>
          {preview.cards.map((card, i) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: two may be alike
            <li key={i} className={`${styles.bubble} ${styles.card}`}>
              {card.media && <File media={card.media} own={pictures[`cards.${i}`]} />}
              {!card.media && card.product && (
                <div className={styles.file}>
                  <Icon name="picture" size={28} />
                  {card.product.productId}
                </div>
              )}
              {card.body && (
                <div className={styles.body} dir="auto">
                  {card.body}
                </div>
              )}
              <Actions of={card.actions} />
            </li>
          ))}
        </ul>
      )}
    </div>
  );
};
