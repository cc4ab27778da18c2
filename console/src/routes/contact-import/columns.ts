import type { ColumnMappingInput } from '../../graphql/graphql';

export type Column = { column: string; field?: string | null; attribute?: string | null; examples: readonly string[] };

export const fields = ['phone', 'name', 'language', 'timeZone', 'country', 'waUserId'] as const;

// roleOf is what a column becomes: a field, an attribute, or nothing.
export const roleOf = ({ field, attribute }: Column): string => field || (attribute ? 'attribute' : '');

// keyOf is the key that a column's name makes: what a filter can name, and a template can use.
export const keyOf = (column: string): string =>
  column
    .trim()
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, '_')
    .replace(/^_+|_+$/g, '')
    .slice(0, 64);

// withRole is a column that becomes something else.
export const withRole = (column: Column, role: string): Column => ({
  ...column,
  field: role && role !== 'attribute' ? role : null,
  attribute: role === 'attribute' ? column.attribute || keyOf(column.column) : null,
});

// mappingOf is what is said of the columns; two of one name are one.
export const mappingOf = (columns: readonly Column[]): ColumnMappingInput[] => {
  const found = new Map<string, ColumnMappingInput>();
  for (const { column, field, attribute } of columns) {
    found.set(column, { column, ...(field ? { field } : {}), ...(attribute ? { attribute } : {}) });
  }
  return [...found.values()];
};
