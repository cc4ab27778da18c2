import { graphql } from '../../shared/graphql';

export const PreviewDocument = graphql(`
  mutation PreviewImport($input: PreviewContactImportInput!) {
    previewContactImport(input: $input) {
      preview {
        encoding delimiter rowsTotal
        columns { column field attribute examples }
        rows { line phone name accepted reason }
      }
      userErrors { field code message }
    }
  }
`);

export const ImportDocument = graphql(`
  mutation ImportContacts($input: ImportContactsInput!) {
    importContacts(input: $input) {
      contactImport { id }
      userErrors { field code message }
    }
  }
`);

export const ImportFragment = graphql(`
  fragment ImportState on ContactImport {
    id status statusReason fileName rowsTotal rowsRead created updated rejected createdAt finishedAt
  }
`);

export const CancelDocument = graphql(`
  mutation CancelImport($input: CancelContactImportInput!) {
    cancelContactImport(input: $input) {
      contactImport { ...ImportState }
      userErrors { field code message }
    }
  }
`);

export const ListsDocument = graphql(`
  query ImportLists {
    contactLists(first: 100, orderBy: [{ field: NAME, direction: ASC }]) { edges { node { id name } } }
  }
`);

export const NewListDocument = graphql(`
  mutation ImportNewList($input: CreateContactListInput!) {
    createContactList(input: $input) {
      contactList { id name }
      userErrors { field code message }
    }
  }
`);
