import { graphql } from '../../shared/graphql';

export const TemplateEditDocument = graphql(`
  query TemplateEdit($id: ID!, $has: Boolean!) {
    accounts(first: 50) { edges { node { id name status sandbox } } }
    node(id: $id) @include(if: $has) {
      __typename
      id
      ... on Template {
        name language category status parameterFormat messageTtlSeconds updatedAt rejectionReason
        account { id name }
        components { type json }
      }
    }
  }
`);

export const TemplateLookDocument = graphql(`
  query TemplateLook($input: TemplateInput!) {
    lintTemplate(input: $input) { field rule message severity }
    previewTemplate(input: $input) { ...Bubble }
  }
`);

export const CreateTemplateDocument = graphql(`
  mutation CreateTemplate($input: CreateTemplateInput!) {
    createTemplate(input: $input) {
      template { id status updatedAt }
      problems { field message severity }
      userErrors { field code message }
    }
  }
`);

export const UpdateTemplateDocument = graphql(`
  mutation UpdateTemplate($input: UpdateTemplateInput!) {
    updateTemplate(input: $input) {
      template { id status updatedAt }
      problems { field message severity }
      userErrors { field code message }
    }
  }
`);

export const SubmitTemplateDocument = graphql(`
  mutation SubmitTemplate($input: SubmitTemplateInput!) {
    submitTemplate(input: $input) {
      template { id status updatedAt }
      problems { field message severity }
      userErrors { field code message }
    }
  }
`);
