package graph_test

import (
	"strings"
	"testing"

	"carillon/caller"
	"carillon/uid"
)

const previewing = `mutation($input: PreviewContactImportInput!) { previewContactImport(input: $input) { clientMutationId
	preview { encoding delimiter rowsTotal columns { column field attribute examples } rows { line phone name accepted reason } }
	userErrors { field code message } } }`

func TestAFileIsPreviewedImportedAndItsRejectedRowsHaveALink(t *testing.T) {
	each(t, func(t *testing.T, s *stage) {
		o := s.signUp().open(1)
		const file = "Kontakt;Wer\n+49 151 12345678;Anna\nx;Bo\n"
		columns := []vars{{"column": "Kontakt", "field": "phone"}, {"column": "Wer", "field": "name", "attribute": "called"}}
		a := o.upload(previewing, file, vars{"columns": columns, "clientMutationId": "m"})
		row := "previewContactImport.preview.rows.1."
		if a.text("previewContactImport.preview.delimiter") != ";" || a.at("previewContactImport.preview.rowsTotal") != 2.0 ||
			a.text("previewContactImport.preview.columns.1.attribute") != "called" ||
			a.text("previewContactImport.preview.rows.0.phone") != "+4915112345678" || a.at(row+"accepted") != false ||
			!strings.Contains(a.text(row+"reason"), "is not a phone number") {
			t.Errorf("the preview is %v %v", a.Data, a.Errors)
		}

		a = o.upload(previewing, file, vars{"columns": []vars{{"column": "Telefon", "field": "phone"}}})
		if a.text("previewContactImport.userErrors.0.code") != "NOT_FOUND" ||
			a.shown("previewContactImport.userErrors.0.field") != "[columns 0 column]" {
			t.Errorf("a column that is not there: %v %v", a.Data, a.Errors)
		}

		a = o.upload(`mutation($input: ImportContactsInput!) { importContacts(input: $input) { contactImport { id rejectedFileUrl }
			userErrors { message } } }`, file, vars{"columns": columns})
		if a.at("importContacts.contactImport.rejectedFileUrl") != nil {
			t.Errorf("before a row is rejected there is a link: %v", a.Data)
		}

		id, err := uid.Parse(a.text("importContacts.contactImport.id"))
		if err != nil {
			t.Fatal(err, a.Data, a.Errors)
		}
		if err := s.audience.RunImport(caller.System(t.Context()), id); err != nil {
			t.Fatal(err)
		}

		a = o.must(`{ contactImports(last: 1) { totalCount edges { node { id status rejectedFileUrl } } } }`)
		if a.text("contactImports.edges.0.node.status") != "COMPLETED" ||
			!strings.HasPrefix(a.text("contactImports.edges.0.node.rejectedFileUrl"),
				"https://carillon.example/files/rejections/imp_") {
			t.Errorf("the imports are %v", a.Data)
		}
	})
}
