package identity_test

import (
	"fmt"
	"testing"

	"carillon/audit"
	"carillon/database"
	"carillon/ent"
	"carillon/ent/auditevent"
	"carillon/identity"
	"carillon/uid"

	"carillon/caller"
)

// trail is an organization's audit trail.
func (s *stage) trail(organization uid.ID) []*ent.AuditEvent {
	s.t.Helper()
	return s.db.Client.AuditEvent.Query().Where(auditevent.OrganizationID(organization)).Order(auditevent.BySequence()).
		AllX(caller.System(s.t.Context()))
}

func TestAViewerIsTheActorOfWhatTheyDo(t *testing.T) {
	each(t, func(s *stage) {
		session := s.call(s.signUp(email).Token)
		v, _ := identity.From(session)
		_, secret, err := s.CreateAPIKey(session, identity.NewAPIKey{Name: "robot", Role: "ADMIN"})
		if err != nil {
			s.t.Fatal(err)
		}

		key := s.call(secret)
		if actor, want := audit.ActorOf(key), fmt.Sprintf("robot (API key %s…)", secret[:12]); actor != want {
			s.t.Errorf("the key's actor is %q, not %q", actor, want)
		}

		err = s.db.InTx(session, func(tx *database.Tx) error {
			return audit.Record(session, tx, audit.Entry{Action: audit.ActionContactListCreate, Summary: "made a list"})
		})
		if err != nil {
			s.t.Fatal(err)
		}

		events := s.trail(v.Organization)
		if last := events[len(events)-1]; last.Actor != email || last.IP == nil || *last.IP != "192.0.2.1" {
			s.t.Errorf("recorded %v", last)
		}
	})
}
