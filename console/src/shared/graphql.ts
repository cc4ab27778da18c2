import { type DocumentNode, type FragmentDefinitionNode, parse, visit } from '@0no-co/graphql.web';
import type { TypedDocumentNode } from '@urql/core';
import type { graphql as typed } from '../graphql/gql';

export { type FragmentType, read } from '../graphql/fragment-masking';

// The types of documents are generated; the documents themselves stay with the pages that use them,
// so that nobody loads those of other pages.
const fragments = new Map<string, FragmentDefinitionNode>();

const spreads = (node: DocumentNode | FragmentDefinitionNode, found: Set<string>) => {
  visit(node, {
    FragmentSpread({ name: { value } }) {
      const fragment = fragments.get(value);
      if (!fragment) throw new Error(`fragment ${value} is not there yet: import the module that has it`);
      if (found.has(value)) return;
      found.add(value);
      spreads(fragment, found);
    },
  });
};

const document = (source: string): TypedDocumentNode => {
  const parsed = parse(source, { noLocation: true });
  for (const definition of parsed.definitions) {
    if (definition.kind === 'FragmentDefinition') fragments.set(definition.name.value, definition);
  }
  const found = new Set<string>();
  spreads(parsed, found);
  const own = new Set(parsed.definitions.map(d => (d.kind === 'FragmentDefinition' ? d.name.value : '')));
  const more = [...found].filter(name => !own.has(name)).map(name => fragments.get(name) as FragmentDefinitionNode);
  return { ...parsed, definitions: [...parsed.definitions, ...more] };
};

export const graphql = document as typeof typed;
