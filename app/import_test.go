package app_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"mime/multipart"
	"net/http"
	"strings"
	"syscall"
	"testing"

	"carillon/caller"
	"carillon/database/dbtest"
	"carillon/ent"
	"carillon/ent/consentrecord"
	"carillon/ent/enum"
	"carillon/ent/listmember"
	"carillon/uid"
	"carillon/whatsapp/sandbox"
)

const importedRows = 20_000

// importFile posts a file of new contacts, on a list and with consent, and gives the import's id.
func (s *service) importFile(rows int) uid.ID {
	s.t.Helper()
	var file strings.Builder
	_, _ = file.WriteString("phone,name\n")
	for i := range rows {
		_, _ = fmt.Fprintf(&file, "+86138%08d,Name %d\n", i, i)
	}

	return s.importText(file.String())
}

// importText posts a file, on a new list and with consent, and gives the import's id.
func (s *service) importText(text string) uid.ID {
	s.t.Helper()
	var list struct {
		CreateContactList struct{ ContactList struct{ ID string } }
	}
	s.ask(`mutation { createContactList(input: {name: "imported"}) { contactList { id } userErrors { code } } }`, nil, &list)

	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	operations, _ := json.Marshal(map[string]any{
		"query": `mutation($input: ImportContactsInput!) { importContacts(input: $input) { contactImport { id } } }`,
		"variables": map[string]any{"input": map[string]any{"file": nil, "listId": list.CreateContactList.ContactList.ID,
			"consent": map[string]any{"consent": "OPTED_IN", "source": "form"}}}})
	_ = form.WriteField("operations", string(operations))
	_ = form.WriteField("map", `{"0":["variables.input.file"]}`)
	file, _ := form.CreateFormFile("0", "people.csv")
	_, _ = file.Write([]byte(text))
	_ = form.Close()
	request, _ := http.NewRequestWithContext(s.t.Context(), http.MethodPost, s.url+"/graphql", &body)
	request.Header.Set("Content-Type", form.FormDataContentType())
	request.Header.Set("Authorization", "Bearer "+s.token)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		s.t.Fatal(err)
	}

	defer response.Body.Close()
	var answer struct {
		Data struct {
			ImportContacts struct{ ContactImport struct{ ID string } }
		}
	}
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
		s.t.Fatal(err)
	}

	id, err := uid.Parse(answer.Data.ImportContacts.ContactImport.ID)
	if err != nil {
		s.t.Fatal(err)
	}

	return id
}

func (s *service) imported(id uid.ID) *ent.ContactImport {
	return s.db.Client.ContactImport.GetX(caller.System(s.t.Context()), id)
}

// judgeImport holds that each row that was read became one contact, on the list and with one
// consent.
func (s *service) judgeImport(id uid.ID, contactsBefore int) {
	s.t.Helper()
	system, im := caller.System(s.t.Context()), s.imported(id)
	for what, n := range map[string]int{
		"contacts": s.db.Client.Contact.Query().CountX(system) - contactsBefore,
		"members":  s.db.Client.ListMember.Query().Where(listmember.ContactListID(*im.ContactListID)).CountX(system),
		"consents": s.db.Client.ConsentRecord.Query().Where(consentrecord.Source("form")).CountX(system),
	} {
		if n != im.RowsRead || im.Created != im.RowsRead || im.Updated+im.Rejected != 0 {
			s.t.Errorf("%d %s; %d rows read, %d created, %d updated, %d rejected", n, what, im.RowsRead, im.Created,
				im.Updated, im.Rejected)
		}
	}

	if n := s.db.Client.ImportChunk.Query().CountX(system); n != 0 {
		s.t.Errorf("%d pieces of the file are left", n)
	}
}

func TestAnImportKilledInItsMidstGoesOnWhereItStood(t *testing.T) {
	t.Parallel()
	for name, dsn := range map[string]func(testing.TB) string{"sqlite": dbtest.SQLite, "postgres": dbtest.Postgres} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := deploy(t, dsn(t), sandbox.Options{})
			kill := s.start("")
			s.ready()
			s.draft(1)
			id := s.importFile(importedRows)

			for _, after := range []int{2000, 8000} {
				s.until("rows are read", func() bool { return s.imported(id).RowsRead >= after })
				kill(syscall.SIGKILL)
				if read := s.imported(id).RowsRead; read == importedRows {
					t.Fatal("it was over before it was killed")
				}

				kill = s.start("")
				s.ready()
			}

			s.until("the import is over", func() bool { return s.imported(id).Status == enum.JobStatusCompleted })
			if im := s.imported(id); im.RowsRead != importedRows {
				t.Errorf("%d rows were read", im.RowsRead)
			}

			s.judgeImport(id, 1)
		})
	}
}

func TestAnImportCanceledAroundAKillStaysCanceled(t *testing.T) {
	t.Parallel()
	s := deploy(t, dbtest.Postgres(t), sandbox.Options{})
	kill := s.start("")
	s.ready()
	s.draft(1)
	id := s.importFile(importedRows)
	s.until("rows are read", func() bool { return s.imported(id).RowsRead >= 2000 })
	kill(syscall.SIGKILL)
	kill = s.start("")
	s.ready()
	s.ask(`mutation($id: ID!) { cancelContactImport(input: {importId: $id}) { contactImport { status } userErrors { code } } }`,
		map[string]any{"id": id.String()}, nil)
	at := s.imported(id)
	kill(syscall.SIGKILL)
	s.start("")
	s.ready()

	if now := s.imported(id); now.Status != enum.JobStatusCanceled || now.RowsRead != at.RowsRead ||
		!strings.HasPrefix(*now.StatusReason, fmt.Sprintf("Canceled after %d rows", at.RowsRead)) {
		t.Errorf("it is %s after %d rows, and was canceled after %d", now.Status, now.RowsRead, at.RowsRead)
	}

	s.judgeImport(id, 1)
}
