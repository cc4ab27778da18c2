import { type DocumentNode, print } from '@0no-co/graphql.web';
import type { TypedDocumentNode } from '@urql/core';
import { session } from './session';

export type Uploaded<D> = { data?: D; refused?: string; canceled?: boolean; offline?: boolean };

type Options = { progress?: (share: number) => void; signal?: AbortSignal };

// upload sends a mutation with a file at input.file, by the GraphQL multipart request
// specification. It tells how much has gone, from 0 to 1, and ends when the signal is given.
export const upload = <D, I extends { file: File }>(
  document: TypedDocumentNode<D, { input: I }>,
  input: I,
  { progress, signal }: Options = {},
): Promise<Uploaded<D>> =>
  new Promise(done => {
    const request = new XMLHttpRequest();
    request.open('POST', new URL('/graphql', location.href));
    request.setRequestHeader('Authorization', `Bearer ${session.get()}`);
    request.setRequestHeader('Accept', 'application/graphql-response+json, application/json');
    request.upload.onprogress = event => progress?.(event.lengthComputable ? event.loaded / event.total : 0);
    request.onload = () => done(answerOf<D>(request.responseText));
    request.onerror = () => done({ offline: true });
    request.onabort = () => done({ canceled: true });
    signal?.addEventListener('abort', () => request.abort());
    request.send(formOf(document, input));
  });

// formOf is the body: what is asked, where the file belongs, and the file.
export const formOf = (document: DocumentNode, input: { file: File }): FormData => {
  const form = new FormData();
  form.append('operations', JSON.stringify({ query: print(document), variables: { input: { ...input, file: null } } }));
  form.append('map', JSON.stringify({ 0: ['variables.input.file'] }));
  form.append('0', input.file, input.file.name);
  return form;
};

export const answerOf = <D>(text: string): Uploaded<D> => {
  try {
    const { data, errors } = JSON.parse(text) as { data?: D; errors?: { message: string }[] };
    if (errors?.length) return { refused: errors.map(error => error.message).join(' ') };
    return data ? { data } : { offline: true };
  } catch {
    return { offline: true };
  }
};
