import { useLingui } from '@lingui/react/macro';
import type { TypedDocumentNode } from '@urql/core';
import { type FormEvent, useRef, useState } from 'react';
import { useClient } from 'urql';
import { type Refusal, refusals, words } from './errors';
import { tab } from './stored';

type Values = Record<string, string | boolean>;
type Payload = { userErrors: readonly Refusal[] };

type Options<V extends Values, D, I, P extends Payload> = {
  name: string; // under which what was typed is kept over a reload
  initial: V;
  secret?: (keyof V & string)[]; // fields that are never kept
  document: TypedDocumentNode<D, { input: I }>;
  input: (values: V) => I;
  payload: (data: D) => P;
  done: (payload: P) => unknown;
};

const recall = <V extends Values>(name: string, initial: V): V => {
  try {
    return { ...initial, ...(JSON.parse(tab.get(`form.${name}`) ?? '{}') as Partial<V>) };
  } catch {
    return initial;
  }
};

// useForm is a form that one mutation takes. Each refusal stands at its field, and what was typed
// outlives a reload and a lost connection.
export const useForm = <V extends Values, D, I, P extends Payload>(o: Options<V, D, I, P>) => {
  const { t } = useLingui();
  const client = useClient();
  const [values, setValues] = useState(() => recall(o.name, o.initial));
  const [wrong, setWrong] = useState<Record<string, string>>({});
  const [busy, setBusy] = useState(false);
  const form = useRef<HTMLFormElement>(null);

  const keep = (next: V | null) => {
    const open = next && Object.fromEntries(Object.entries(next).filter(([field]) => !o.secret?.includes(field)));
    tab.set(`form.${o.name}`, open && JSON.stringify(open));
  };

  const set = (field: keyof V & string, value: string | boolean) => {
    const next = { ...values, [field]: value } as V;
    setValues(next);
    keep(next);
    setWrong(({ [field]: _, ...others }) => others);
  };

  const refuse = (found: Record<string, string>) => {
    setWrong(found);
    const first = Object.keys(values).find(field => found[field]);
    if (first) form.current?.querySelector<HTMLElement>(`[name="${first}"]`)?.focus();
  };

  const submit = async (event?: FormEvent) => {
    event?.preventDefault();
    if (busy) return;
    setBusy(true);
    const { data, error } = await client.mutation(o.document, { input: o.input(values) }).toPromise();
    setBusy(false);
    const payload = data ? o.payload(data) : undefined;
    if (error || !payload) {
      refuse({
        '': error ? words(error, t`The service does not answer. Nothing is lost: try again in a moment.`) : '',
      });
      return;
    }
    if (payload.userErrors.length > 0) {
      refuse(refusals(payload.userErrors, Object.keys(values)));
      return;
    }
    keep(null);
    await o.done(payload);
  };

  const text = (field: keyof V & string) => ({
    name: field,
    value: String(values[field]),
    error: wrong[field],
    onChange: (event: { currentTarget: { value: string } }) => set(field, event.currentTarget.value),
  });

  return { values, set, wrong, setWrong, busy, submit, text, props: { ref: form, onSubmit: submit, noValidate: true } };
};
