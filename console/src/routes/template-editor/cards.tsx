import { useLingui } from '@lingui/react/macro';
import { Checkbox, Group, Button as Push, Stack, Text } from '@mantine/core';
import type { TemplateCategory } from '../../graphql/graphql';
import { Icon } from '../../shared/icons';
import { Buttons } from './buttons';
import { type Card, cardOf, writtenOf } from './draft';
import styles from './editor.module.css';
import { HeaderFields } from './header';
import { Hints, moved, Order, type Problems, Words } from './parts';

type Props = {
  cards: Card[];
  category: TemplateCategory;
  accountId: string;
  problems: Problems;
  onChange: (cards: Card[]) => void;
  onFile: (place: string, file: File) => void;
};

// Cards are those of a carousel. All have the same parts; the service says where they do not.
export const Cards = ({ cards, category, accountId, problems, onChange, onFile }: Props) => {
  const { t } = useLingui();
  const set = (i: number, change: Partial<Card>) => onChange(cards.with(i, { ...(cards[i] as Card), ...change }));
  return (
    <Stack gap="md">
      {cards.map((card, i) => {
        const place = `cards.${i}`;
        const name = t`Card ${i + 1}`;
        const fields = /^(header\.(text|format|example)|body\.(text|example)|buttons\.\d)/;
        const loose = problems.filter(
          p => p.place === place || (p.place.startsWith(`${place}.`) && !fields.test(p.place.slice(place.length + 1))),
        );
        return (
          // biome-ignore lint/suspicious/noArrayIndexKey: two may be alike
          <div key={i} className={styles.one}>
            <Stack gap="sm">
              <Group justify="space-between" wrap="nowrap">
                <Text size="sm" fw={600}>
                  {name}
                </Text>
                <Order
                  label={name}
                  index={i}
                  count={cards.length}
                  onMove={to => onChange(moved(cards, i, to))}
                  onRemove={() => onChange(cards.toSpliced(i, 1))}
                />
              </Group>
              <HeaderFields
                place={`${place}.header`}
                value={card.header}
                formats={['IMAGE', 'VIDEO', 'PRODUCT']}
                accountId={accountId}
                problems={problems}
                onChange={header => set(i, { header })}
                onFile={(_, file) => onFile(place, file)}
              />
              <Checkbox
                label={t`With a text`}
                checked={card.body !== null}
                onChange={event => set(i, { body: event.currentTarget.checked ? writtenOf() : null })}
              />
              {card.body && (
                <Words
                  label={t`Text`}
                  place={`${place}.body`}
                  value={card.body}
                  most={160}
                  problems={problems}
                  onChange={body => set(i, { body })}
                />
              )}
              <Buttons
                place={`${place}.buttons`}
                buttons={card.buttons}
                category={category}
                inCard
                problems={problems}
                onChange={buttons => set(i, { buttons })}
              />
              <Hints problems={loose} />
            </Stack>
          </div>
        );
      })}
      {cards.length < 10 && (
        <Push
          size="xs"
          variant="default"
          w="fit-content"
          leftSection={<Icon name="plus" size={16} />}
          onClick={() => {
            const last = cards.at(-1);
            const { header, ...rest } = last ?? cardOf();
            onChange([...cards, { ...rest, header: { ...header, mediaHandle: '', fileName: '' } }]);
          }}
        >
          {t`Add a card`}
        </Push>
      )}
    </Stack>
  );
};
