import { useLingui } from '@lingui/react/macro';
import { useRef, useState } from 'react';
import { useClient } from 'urql';
import { words } from '../../shared/errors';
import { CreateTemplateDocument, SubmitTemplateDocument, UpdateTemplateDocument } from './documents';
import { type Base, componentsOf, type Draft, inputOf, placeOf, ttlChange } from './draft';
import type { Problems } from './parts';

type Payload = {
  template?: { id: string; updatedAt: string } | null;
  userErrors: readonly { field: string[]; code: string; message: string }[];
};

// useSave stores a draft, and submits it where that is wanted.
export const useSave = (base: Base | undefined, done: (id: string) => void) => {
  const { t } = useLingui();
  const client = useClient();
  const [busy, setBusy] = useState(false);
  const [problems, setProblems] = useState<Problems>([]);
  const [stale, setStale] = useState(false);
  const key = useRef({ of: '', key: '' });

  const save = async (draft: Draft, submit: boolean) => {
    setBusy(true);
    setProblems([]);
    setStale(false);
    const failed = (message: string): undefined => {
      setProblems([{ place: '', message, severity: 'ERROR' }]);
    };
    const take = (payload: Payload | undefined, error: Parameters<typeof words>[0] | undefined) => {
      if (error || !payload)
        return failed(
          error ? words(error, t`The service does not answer. Nothing is lost: try again in a moment.`) : '',
        );
      if (payload.userErrors.some(e => e.code === 'STALE')) setStale(true);
      setProblems(
        payload.userErrors
          .filter(e => e.code !== 'STALE')
          .map(e => ({ place: placeOf(e.field, draft), message: e.message, severity: 'ERROR' })),
      );
      return payload.userErrors.length ? undefined : (payload.template ?? undefined);
    };

    const create = async () => {
      const input = { accountId: draft.accountId, template: inputOf(draft), submit };
      const of = JSON.stringify(input);
      if (key.current.of !== of) key.current = { of, key: crypto.randomUUID() };
      const { data, error } = await client
        .mutation(CreateTemplateDocument, { input: { ...input, idempotencyKey: key.current.key } })
        .toPromise();
      return take(data?.createTemplate, error);
    };
    const update = async (of: Base) => {
      const { data, error } = await client
        .mutation(UpdateTemplateDocument, {
          input: {
            templateId: of.id,
            unchangedSince: of.updatedAt,
            components: componentsOf(draft).components,
            ...(of.status === 'DRAFT' ? { category: draft.category } : {}),
            ...ttlChange(draft, of),
          },
        })
        .toPromise();
      const stored = take(data?.updateTemplate, error);
      if (!stored || !submit || of.status !== 'DRAFT') return stored;
      const sent = await client.mutation(SubmitTemplateDocument, { input: { templateId: of.id } }).toPromise();
      return take(sent.data?.submitTemplate, sent.error);
    };

    const stored = await (base ? update(base) : create());
    setBusy(false);
    if (stored) done(stored.id);
  };

  return { save, busy, problems, stale, clear: () => setProblems([]) };
};
