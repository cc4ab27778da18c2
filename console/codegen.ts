import type { CodegenConfig } from '@graphql-codegen/cli';

// Typed documents out of the public schema. `make console` runs it; what it writes is committed.
const config: CodegenConfig = {
  schema: '../schema/*.graphql',
  documents: ['src/**/*.{ts,tsx}', '!src/graphql/**'],
  ignoreNoDocuments: true,
  generates: {
    'src/graphql/': {
      preset: 'client',
      presetConfig: { fragmentMasking: { unmaskFunctionName: 'read' } },
      config: {
        useTypeImports: true,
        enumsAsTypes: true,
        scalars: {
          ID: 'string',
          Time: 'string',
          Cursor: 'string',
          Long: 'number',
          Decimal: 'string',
          Upload: 'File',
        },
      },
    },
  },
};

export default config;
