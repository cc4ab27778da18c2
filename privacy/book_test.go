package privacy_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"carillon/privacy"
	"carillon/uid"
)

// book is Meta's, which may be deaf.
type book struct {
	deaf  bool
	asked [][]string
}

func (b *book) ForgetContact(_ context.Context, _ uid.ID, userIDs []string) (int, error) {
	b.asked = append(b.asked, userIDs)
	if b.deaf {
		return 0, errors.New("not now")
	}

	return len(userIDs), nil
}

// erased begins the erasure of somebody whom WhatsApp knows by a user id.
func (h *house) erased() (contact, erasure uid.ID) {
	h.t.Helper()
	c := h.contact("+13035550101")
	h.db.Client.Contact.UpdateOneID(c.ID).SetWaUserID("US.abc123").ExecX(h.system)
	if _, err := h.service.EraseContact(h.ctx, c.ID); err != nil {
		h.t.Fatal(err)
	}

	return c.ID, h.db.Client.Erasure.Query().OnlyIDX(h.system)
}

func (h *house) counts(contact uid.ID) (counts map[string]int, finished bool) {
	h.t.Helper()
	proof, err := h.service.Erasure(h.ctx, contact)
	if err != nil {
		h.t.Fatal(err)
	}

	return proof.Counts, proof.FinishedAt != nil
}

func TestMetaIsAskedToForgetAPersonUntilItHears(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		meta := &book{deaf: true}
		later := []*privacy.Service{h.in(0), h.in(2 * time.Minute)}
		contact, id := h.erased()
		for _, s := range later {
			s.ForgetBy(meta)
		}

		if err := later[0].Run(h.system, id); err == nil {
			t.Error("it went on while Meta was deaf")
		}

		meta.deaf = false
		if err := later[0].Run(h.system, id); err != nil || len(meta.asked) != 1 { // not yet
			t.Errorf("Meta was asked %d times, %v", len(meta.asked), err)
		}
		if waiting, err := later[0].Waiting(h.system); err != nil || len(waiting) != 0 {
			t.Errorf("%d erasures wait, %v", len(waiting), err)
		}

		if err := later[1].Run(h.system, id); err != nil {
			t.Fatal(err)
		}

		counts, finished := h.counts(contact)
		if !finished || counts["contact_book"] != 1 || len(meta.asked) != 2 ||
			!slices.Equal(meta.asked[1], []string{"US.abc123"}) {
			t.Errorf("finished %t, the proof says %v, Meta was asked for %v", finished, counts, meta.asked)
		}
	})
}

func TestAnErasureGoesOnWithoutMetaAfterAWeek(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		contact, id := h.erased()
		s := h.in(8 * oneDay)
		s.ForgetBy(&book{deaf: true})
		if err := s.Run(h.system, id); err != nil {
			t.Fatal(err)
		}

		if counts, finished := h.counts(contact); !finished || counts["contact_book"] != 0 {
			t.Errorf("finished %t, the proof says %v", finished, counts)
		}
	})
}
