package download_test

import (
	"encoding/csv"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"carillon/audience"
	"carillon/caller"
	"carillon/database"
	"carillon/database/dbtest"
	"carillon/download"
	"carillon/ent"
	"carillon/ent/enum"
	"carillon/secret"
	"carillon/uid"
)

func keyring(t *testing.T) *secret.Keyring {
	t.Helper()
	keys, err := secret.NewKeyring(secret.NewKey())
	if err != nil {
		t.Fatal(err)
	}

	return keys
}

// imported is an import of an organization of its own, with these rejected rows.
func imported(t *testing.T, db *database.DB, people *audience.Service, rows string) *ent.ContactImport {
	t.Helper()
	system := caller.System(t.Context())
	owner := db.Client.Organization.Create().SetName("organization").SaveX(system).ID
	im, err := people.StartImport(caller.In(t.Context(), owner), audience.NewImport{FileName: "fair “2026”.xlsx",
		File: strings.NewReader("phone\n" + rows)})
	if err != nil {
		t.Fatal(err)
	}
	if err := people.RunImport(system, im.ID); err != nil {
		t.Fatal(err)
	}

	return db.Client.ContactImport.GetX(system, im.ID)
}

func fetch(t *testing.T, s *download.Service, method, link string) *http.Response {
	t.Helper()
	u, err := url.Parse(link)
	if err != nil {
		t.Fatal(err)
	}

	w := httptest.NewRecorder()
	s.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), method, u.RequestURI(), nil))

	return w.Result()
}

func TestALinkGivesTheRejectedRowsUntilItHasRunOut(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		now := time.Now()
		people := audience.New(db, time.Now, nil)
		s := download.New(db, keyring(t), people, nil, "https://carillon.example/", nil, func() time.Time { return now })
		im := imported(t, db, people, "=HYPERLINK(1)\n+14155552671\n-2+3\n@x\n")
		link := s.RejectedRows(im)
		if !strings.HasPrefix(link, "https://carillon.example/files/rejections/"+im.ID.String()+"?expires=") {
			t.Error(link)
		}

		answer := fetch(t, s, http.MethodGet, link)
		body, _ := io.ReadAll(answer.Body)
		rows, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(string(body), "\ufeff"))).ReadAll()
		if err != nil || answer.StatusCode != http.StatusOK || len(rows) != 4 || rows[1][1] != "'=HYPERLINK(1)" ||
			rows[2][1] != "'-2+3" || rows[3][1] != "'@x" || rows[3][0] != "5" {
			t.Errorf("%d %q, %v", answer.StatusCode, body, err)
		}

		for name, want := range map[string]string{"Content-Type": "text/csv; charset=utf-8",
			"Content-Disposition":    `attachment; filename*=utf-8''fair%20%E2%80%9C2026%E2%80%9D-rejected.csv`,
			"X-Content-Type-Options": "nosniff"} {
			if got := answer.Header.Get(name); got != want {
				t.Errorf("%s is %q", name, got)
			}
		}

		if answer := fetch(t, s, http.MethodHead, link); answer.StatusCode != http.StatusOK {
			t.Errorf("HEAD gives %d", answer.StatusCode)
		}
		if answer := fetch(t, s, http.MethodPost, link); answer.StatusCode != http.StatusMethodNotAllowed {
			t.Errorf("POST gives %d", answer.StatusCode)
		}

		now = now.Add(3 * time.Hour)
		if answer := fetch(t, s, http.MethodGet, link); answer.StatusCode != http.StatusForbidden {
			t.Errorf("three hours later it gives %d", answer.StatusCode)
		}
		if later := s.RejectedRows(im); later == link || fetch(t, s, http.MethodGet, later).StatusCode != http.StatusOK {
			t.Error("there is no new link")
		}
	})
}

func TestALinkOpensNothingElse(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		people := audience.New(db, time.Now, nil)
		keys := keyring(t)
		s := download.New(db, keys, people, nil, "https://carillon.example", nil, time.Now)
		im, other := imported(t, db, people, "x\n"), imported(t, db, people, "y\n")
		link, none := s.RejectedRows(im), imported(t, db, people, "+14155552671\n")
		if got := s.RejectedRows(none); got != "" {
			t.Errorf("an import without rejected rows has the link %s", got)
		}

		u, _ := url.Parse(link)
		q := u.Query()
		q.Set("signature", keys.Sign(im.ID.String()+" "+q.Get("expires"), "media link"))
		u.RawQuery = q.Encode()

		for what, changed := range map[string]string{
			"another import":       strings.Replace(link, im.ID.String(), other.ID.String(), 1),
			"a later end":          strings.Replace(link, "expires=", "expires=9", 1),
			"no signature":         link[:strings.Index(link, "&signature")],
			"a link's for a file":  u.String(),
			"a path with more":     strings.Replace(link, "?", "/x?", 1),
			"no import, in itself": strings.Replace(link, im.ID.String(), "", 1),
		} {
			if answer := fetch(t, s, http.MethodGet, changed); answer.StatusCode != http.StatusForbidden {
				t.Errorf("%s: %d", what, answer.StatusCode)
			}
		}

		gone := *im
		gone.ID = uid.New(uid.ContactImport)
		if answer := fetch(t, s, http.MethodGet, s.RejectedRows(&gone)); answer.StatusCode != http.StatusGone {
			t.Errorf("an import that is gone: %d", answer.StatusCode)
		}

		db.Client.Organization.UpdateOneID(im.OrganizationID).SetStatus(enum.OrganizationStatusSuspended).
			ExecX(caller.System(t.Context()))
		if answer := fetch(t, s, http.MethodGet, link); answer.StatusCode != http.StatusGone {
			t.Errorf("of a suspended organization: %d", answer.StatusCode)
		}
	})
}
