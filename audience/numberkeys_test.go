package audience_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"carillon/database"
	"carillon/database/dbtest"
	"carillon/ent/contact"
	"carillon/ent/enum"
	"carillon/uid"
)

// asMigrated stores a contact as the migration leaves those of an older version: its identifier is
// its number as written.
func (h *house) asMigrated(t testing.TB, phone string, consent enum.Consent) uid.ID {
	t.Helper()
	at := database.Now().Add(-24 * time.Hour)
	c := h.db.Client.Contact.Create().SetOrganizationID(h.owner).SetPhone(phone).SetMarketingConsent(consent).
		SetCreatedAt(at).SaveX(h.system)

	err := h.db.InTx(h.system, func(tx *database.Tx) error {
		if consent != enum.ConsentUnknown {
			_, err := tx.ExecContext(h.system, `INSERT INTO consent_record (id, organization_id, contact_id, consent,
				source, said_by, said_at, recorded_at)
				VALUES ($1, $2, $3, $4, 'keyword', 'CONTACT', $5, $5)`, uid.New(uid.ConsentRecord), h.owner, c.ID, consent, at)
			if err != nil {
				return err
			}
		}

		_, err := tx.ExecContext(h.system,
			`INSERT INTO contact_identifier (organization_id, kind, value, contact_id, since) VALUES ($1, 'PHONE', $2, $3, $4)`,
			h.owner, phone, c.ID, at)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}

	return c.ID
}

func TestNumbersOfAnOlderVersionGetTheirKeysOnce(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		h := open(t, db)
		alone := h.asMigrated(t, "+551187654321", enum.ConsentUnknown)
		first := h.asMigrated(t, "+5215512345678", enum.ConsentOptedIn)
		second := h.asMigrated(t, "+525512345678", enum.ConsentOptedOut)
		user := h.asMigrated(t, "+US.13491208655302741918", enum.ConsentUnknown)
		for i := range 700 { // more than a page, of numbers that are their own keys
			h.asMigrated(t, fmt.Sprintf("+1303%07d", 2_000_000+i), enum.ConsentUnknown)
		}

		var both sync.WaitGroup
		for range 2 { // processes
			both.Go(func() {
				if err := h.KeyNumbers(h.system); err != nil {
					t.Error(err)
				}
			})
		}

		both.Wait()

		for _, phone := range []string{"+551187654321", "+5511987654321"} {
			if c := h.known(t, phone); c == nil || c.ID != alone {
				t.Errorf("%s is %v, want %s", phone, c, alone)
			}
		}

		for _, phone := range []string{"+5215512345678", "+525512345678"} {
			if c := h.known(t, phone); c == nil || c.MarketingConsent != enum.ConsentOptedOut {
				t.Errorf("%s is %v, want one contact that opted out", phone, c)
			}
		}

		if n := db.Client.Contact.Query().Where(contact.IDIn(first, second)).CountX(h.system); n != 1 {
			t.Errorf("%d contacts with both spellings of a number", n)
		}
		if c := h.known(t, "US.13491208655302741918"); c == nil || c.ID != user || c.Phone != nil || c.WaUserID == nil {
			t.Errorf("a user id that stood as a number is %v", c)
		}
		if n := db.Client.Contact.Query().CountX(h.system); n != 703 {
			t.Errorf("%d contacts, want 703", n)
		}
	})
}
