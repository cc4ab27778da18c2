import type { CombinedError } from '@urql/core';

export type Refusal = { field: string[]; message: string; code?: string };

// refusals sorts what a mutation refused by the fields of its form; '' is the form as a whole.
export const refusals = (errors: readonly Refusal[], known: readonly string[]): Record<string, string> => {
  const found: Record<string, string> = {};
  for (const { field, message } of errors) {
    const path = field.join('.');
    const place = known.find(name => path === name || path.startsWith(`${name}.`)) ?? '';
    found[place] = found[place] ? `${found[place]} ${message}` : message;
  }
  return found;
};

export const codeOf = (error: CombinedError | undefined): string | undefined =>
  error?.graphQLErrors.map(e => e.extensions.code).find((code): code is string => typeof code === 'string');

// words are the service's own, where it gave any.
export const words = (error: CombinedError, offline: string): string => {
  if (error.graphQLErrors.length > 0) return [...new Set(error.graphQLErrors.map(e => e.message))].join(' ');
  return error.networkError ? offline : error.message;
};
