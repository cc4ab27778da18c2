package audience_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"carillon/audience"
	"carillon/caller"
	"carillon/database"
	"carillon/ent"
	"carillon/ent/enum"
	"carillon/uid"
	"carillon/usererror"
)

// house is a database with one organization.
type house struct {
	*audience.Service
	db      *database.DB
	ctx     context.Context // the organization's
	system  context.Context
	owner   uid.ID
	present time.Time
}

func open(t testing.TB, db *database.DB) *house {
	t.Helper()
	h := &house{db: db, system: caller.System(t.Context()), present: time.Date(2026, 10, 1, 8, 0, 0, 0, time.UTC)}
	h.Service = audience.New(db, func() time.Time { return h.present }, nil)
	h.owner = db.Client.Organization.Create().SetName("organization").SaveX(h.system).ID
	h.ctx = caller.In(t.Context(), h.owner)

	return h
}

// neighbor is another organization in the same database.
func (h *house) neighbor(t testing.TB) *house {
	t.Helper()
	return open(t, h.db)
}

func (h *house) list(t testing.TB, name string) uid.ID {
	t.Helper()
	l, err := h.CreateList(h.ctx, name)
	if err != nil {
		t.Fatal(err)
	}

	return l.ID
}

// load imports a file to its end.
func (h *house) load(t testing.TB, n audience.NewImport, file string) *ent.ContactImport {
	t.Helper()
	id := h.start(t, n, file)
	if err := h.RunImport(h.system, id); err != nil {
		t.Fatal(err)
	}

	return h.db.Client.ContactImport.GetX(h.ctx, id)
}

func (h *house) start(t testing.TB, n audience.NewImport, file string) uid.ID {
	t.Helper()
	n.File = strings.NewReader(file)
	if n.FileName == "" {
		n.FileName = "people.csv"
	}

	im, err := h.StartImport(h.ctx, n)
	if err != nil {
		t.Fatal(err)
	}

	return im.ID
}

// person is what tests compare of a contact.
type person struct {
	Name, Language, TimeZone, Country string
	Attributes                        map[string]string
	Consent                           enum.Consent
}

func (h *house) people(t testing.TB) map[string]person {
	t.Helper()
	all := map[string]person{}
	text := func(s *string) string {
		if s == nil {
			return ""
		}
		return *s
	}

	for _, c := range h.db.Client.Contact.Query().AllX(h.ctx) {
		all[*c.Phone] = person{text(c.Name), text(c.Language), text(c.TimeZone), text(c.Country), c.Attributes,
			c.MarketingConsent}
	}

	return all
}

// inputs is what was refused, as "field CODE".
func inputs(err error) (all []string) {
	var in usererror.Fields
	if !errors.As(err, &in) {
		return []string{fmt.Sprint(err)}
	}

	for _, one := range in {
		all = append(all, strings.Join(one.Path, ".")+" "+string(one.Code))
	}

	return all
}
