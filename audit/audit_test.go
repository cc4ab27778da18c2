package audit_test

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"

	"carillon/audit"
	"carillon/caller"
	"carillon/database"
	"carillon/database/dbtest"
	"carillon/ent"
	"carillon/ent/auditevent"
	"carillon/uid"
)

// stage is one database.
type stage struct {
	t  *testing.T
	db *database.DB
}

func each(t *testing.T, test func(s *stage)) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) { test(&stage{t, db}) })
}

// record writes n events about an organization's list.
func (s *stage) record(ctx context.Context, organization uid.ID, n int) {
	s.t.Helper()
	for i := range n {
		err := s.db.InTx(ctx, func(tx *database.Tx) error {
			return audit.Record(ctx, tx, audit.Entry{Organization: organization,
				Action: audit.ActionContactListCreate, Summary: fmt.Sprint("made list ", i)})
		})
		if err != nil {
			s.t.Fatal(err)
		}
	}
}

func (s *stage) trail(organization uid.ID) []*ent.AuditEvent {
	s.t.Helper()
	return s.db.Client.AuditEvent.Query().Where(auditevent.OrganizationID(organization)).Order(auditevent.BySequence()).
		AllX(caller.System(s.t.Context()))
}

// breakOf is what a walk finds of one organization.
func (s *stage) breakOf(organization uid.ID) string {
	s.t.Helper()
	trails, err := audit.Walk(s.t.Context(), s.db)
	if err != nil {
		s.t.Fatal(err)
	}

	for _, trail := range trails {
		if trail.Organization == organization && trail.Break != "" {
			return trail.Break
		}
	}

	return ""
}

func TestAnEventSaysWhoFromWhereAndWhat(t *testing.T) {
	each(t, func(s *stage) {
		organization := uid.New(uid.Organization)
		ann := audit.By(caller.System(s.t.Context()),
			audit.Actor{Organization: organization, Name: "ann@example.com", IP: "192.0.2.1"})
		s.record(ann, uid.ID{}, 1)
		s.record(caller.In(s.t.Context(), organization), uid.ID{}, 1)
		s.record(caller.System(s.t.Context()), organization, 1)
		s.record(audit.AsOperator(s.t.Context()), organization, 1)

		want := []string{"ann@example.com", "system", "system", "operator"}
		events := s.trail(organization)
		for i, e := range events {
			if e.Actor != want[i] || (e.IP != nil) != (i == 0) || e.IP != nil && *e.IP != "192.0.2.1" {
				s.t.Errorf("event %d: actor %q, address %v", i, e.Actor, e.IP)
			}
		}
		if len(events) != len(want) {
			s.t.Errorf("%d events", len(events))
		}

		if found := s.breakOf(organization); found != "" {
			s.t.Error(found)
		}
	})
}

func TestASummaryIsOneLineOfBoundedLength(t *testing.T) {
	each(t, func(s *stage) {
		organization := uid.New(uid.Organization)
		ctx := caller.In(s.t.Context(), organization)
		err := s.db.InTx(ctx, func(tx *database.Tx) error {
			return audit.Record(ctx, tx, audit.Entry{Action: audit.ActionCampaignLaunch, Subject: organization,
				Summary: "launched\n\x00\"" + strings.Repeat("é", 400) + "\xff\""})
		})
		if err != nil {
			s.t.Fatal(err)
		}

		last := s.trail(organization)[0]
		if len([]rune(last.Summary)) != 300 || !strings.HasPrefix(last.Summary, `launched  "é`) ||
			*last.SubjectID != organization || last.Action != "campaign.launch" || s.breakOf(organization) != "" {
			s.t.Errorf("recorded %v", last)
		}
	})
}

func TestAnEventOfNoKnownActionOrOrganizationIsRefused(t *testing.T) {
	each(t, func(s *stage) {
		for name, entry := range map[string]audit.Entry{
			"an unknown action": {Organization: uid.New(uid.Organization), Action: "campaign.sing"},
			"no organization":   {Action: audit.ActionSignIn},
		} {
			nobody := caller.System(s.t.Context())
			err := s.db.InTx(nobody, func(tx *database.Tx) error { return audit.Record(nobody, tx, entry) })
			if err == nil {
				s.t.Errorf("an event of %s was recorded", name)
			}
		}
	})
}

func TestAChangeAndItsRecordCommitTogether(t *testing.T) {
	each(t, func(s *stage) {
		organization := uid.New(uid.Organization)
		system := caller.System(s.t.Context())
		s.record(system, organization, 1)

		failed := s.db.InTx(system, func(tx *database.Tx) error {
			if err := audit.Record(system, tx,
				audit.Entry{Organization: organization, Action: audit.ActionSignIn}); err != nil {
				return err
			}

			return context.Canceled
		})
		if failed == nil || len(s.trail(organization)) != 1 {
			s.t.Error("a record without its change")
		}

		s.record(system, organization, 1)
		if events := s.trail(organization); len(events) != 2 || events[1].Sequence != 2 || s.breakOf(organization) != "" {
			s.t.Errorf("%d events after it, break %q", len(events), s.breakOf(organization))
		}
	})
}

func TestRecordsAtTheSameTimeMakeOneChain(t *testing.T) {
	each(t, func(s *stage) {
		system, organization := caller.System(s.t.Context()), uid.New(uid.Organization)
		var g sync.WaitGroup
		for range 6 {
			g.Go(func() { s.record(system, organization, 5) })
		}

		g.Wait()
		events := s.trail(organization)
		if len(events) != 30 || s.breakOf(organization) != "" {
			s.t.Fatalf("%d events, %s", len(events), s.breakOf(organization))
		}

		for i, e := range events {
			if i > 0 && (e.At.Before(events[i-1].At) || e.ID.String() < events[i-1].ID.String()) {
				s.t.Errorf("event %d is older than the one before", e.Sequence)
			}
		}
	})
}

func TestSeveralRecordsAtOnceAreLinksOfTheChainInTheirOrder(t *testing.T) {
	each(t, func(s *stage) {
		system, organization := caller.System(s.t.Context()), uid.New(uid.Organization)
		s.record(system, organization, 1)
		subject := uid.New(uid.Template)
		entries := []audit.Entry{
			{Organization: organization, Action: audit.ActionTemplateDelete, Subject: subject, Summary: "first \"退订\""},
			{Organization: organization, Action: audit.ActionSignIn, Summary: "second", Actor: "ann", IP: "1.2.3.4"},
			{Organization: organization, Action: audit.ActionTemplateDelete, Summary: "third"},
		}

		all := func(entries ...audit.Entry) error {
			return s.db.InTx(system, func(tx *database.Tx) error { return audit.RecordAll(system, tx, entries...) })
		}
		if err := all(entries...); err != nil {
			s.t.Fatal(err)
		}
		if err := all(); err != nil {
			s.t.Errorf("none: %v", err)
		}

		entries[1].Organization = uid.New(uid.Organization)
		if err := all(entries...); err == nil {
			s.t.Error("events of two organizations were taken")
		}

		s.record(system, organization, 1)
		events := s.trail(organization)
		if len(events) != 5 || s.breakOf(organization) != "" {
			s.t.Fatalf("%d events, break %q", len(events), s.breakOf(organization))
		}
		if first, second := events[1], events[2]; first.Summary != "first \"退订\"" || *first.SubjectID != subject ||
			second.Actor != "ann" || *second.IP != "1.2.3.4" || second.SubjectID != nil || events[3].Summary != "third" {
			s.t.Errorf("%+v", events)
		}
	})
}

func TestTheTrailIsOnlyEverAddedTo(t *testing.T) {
	each(t, func(s *stage) {
		system, organization := caller.System(s.t.Context()), uid.New(uid.Organization)
		s.record(system, organization, 3)
		if _, err := s.db.Client.AuditEvent.Delete().Exec(system); err == nil {
			s.t.Error("an event was deleted")
		}

		for _, statement := range []string{"UPDATE audit_event SET summary = 'x'", "UPDATE audit_event SET hash = hash",
			"DELETE FROM audit_event WHERE sequence = 3"} {
			err := s.db.InTx(system, func(tx *database.Tx) error { _, err := tx.ExecContext(system, statement); return err })
			if err == nil || !strings.Contains(err.Error(), "an audit event cannot be") {
				s.t.Errorf("%s: %v", statement, err)
			}
		}

		if s.db.Dialect == "postgres" {
			if err := s.db.InTx(system, func(tx *database.Tx) error {
				_, err := tx.ExecContext(system, "TRUNCATE audit_event")
				return err
			}); err == nil {
				s.t.Error("the table was emptied")
			}
		}

		if events := s.trail(organization); len(events) != 3 {
			s.t.Errorf("%d events are left", len(events))
		}
	})
}

func TestErasingAnOrganizationTakesItsTrailAndLeavesTheChain(t *testing.T) {
	each(t, func(s *stage) {
		system, organization, other := caller.System(s.t.Context()), uid.New(uid.Organization), uid.New(uid.Organization)
		s.record(system, organization, 3)
		s.record(system, other, 2)
		operator := audit.AsOperator(s.t.Context())

		err := s.db.InTx(operator, func(tx *database.Tx) error {
			if err := audit.Erase(operator, tx, organization); err != nil {
				return err
			}
			return audit.Record(operator, tx,
				audit.Entry{Organization: organization, Action: audit.ActionOrganizationErase, Summary: "erased"})
		})
		if err != nil {
			s.t.Fatal(err)
		}

		if left := s.trail(organization); len(left) != 1 || left[0].Sequence != 4 || left[0].Actor != "operator" ||
			s.breakOf(organization) != "" {
			s.t.Errorf("left %v, break %q", left, s.breakOf(organization))
		}

		if len(s.trail(other)) != 2 || s.breakOf(other) != "" {
			s.t.Error("another's trail was touched")
		}
	})
}

// tampering is what somebody with the database's superuser can do: the triggers are gone.
func TestVerifyFindsTheFirstBreakOfEachChain(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		statements []string
		want       string
	}{
		"nothing": {nil, ""},
		"a summary that was changed": {[]string{"UPDATE audit_event SET summary = 'made nothing' WHERE sequence = 3"},
			"event 3 is not as it was recorded"},
		"an actor that was changed": {[]string{"UPDATE audit_event SET actor = 'somebody' WHERE sequence = 1"},
			"event 1 is not as it was recorded"},
		"an event that is gone": {[]string{"DELETE FROM audit_event WHERE sequence = 2"},
			"event 2 is missing: the next one there is 3"},
		"a gap that was closed": {[]string{"DELETE FROM audit_event WHERE sequence = 2",
			"UPDATE audit_event SET sequence = 2 WHERE sequence = 3"}, "event 2 is not as it was recorded"},
		"two that changed places": {[]string{"UPDATE audit_event SET sequence = 9 WHERE sequence = 2",
			"UPDATE audit_event SET sequence = 2 WHERE sequence = 3",
			"UPDATE audit_event SET sequence = 3 WHERE sequence = 9"}, "event 2 is not as it was recorded"},
		"the newest that are gone": {[]string{"DELETE FROM audit_event WHERE sequence > 3"},
			"the trail ends at event 3, and its chain says 5"},
		"all that are gone": {[]string{"DELETE FROM audit_event"},
			"the trail ends at event 0, and its chain says 5"},
		"a chain that was set back": {[]string{"UPDATE audit_chain SET last = 4"},
			"event 4 is not the one that the chain ends with"},
		"a chain that is gone": {[]string{"DELETE FROM audit_chain"}, "event 1 is outside of the chain"},
		"a beginning that is called past": {[]string{"UPDATE audit_chain SET erased_through = 2"},
			"event 3 does not follow on event 2"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dbtest.Each(t, func(t *testing.T, db *database.DB) {
				s := &stage{t, db}
				system, organization, whole := caller.System(t.Context()), uid.New(uid.Organization), uid.New(uid.Organization)
				s.record(system, organization, 5)
				triggers := []string{"DROP TRIGGER audit_event_unchanged", "DROP TRIGGER audit_event_kept"}
				if db.Dialect == "postgres" {
					triggers = []string{"DROP TRIGGER audit_event_kept ON audit_event"}
				}

				if err := db.InTx(system, func(tx *database.Tx) error {
					for _, statement := range append(triggers, tc.statements...) {
						if _, err := tx.ExecContext(system, statement); err != nil {
							return err
						}
					}

					return nil
				}); err != nil {
					t.Fatal(err)
				}

				s.record(system, whole, 2)
				if got := s.breakOf(organization); !strings.HasPrefix(got, tc.want) || tc.want == "" && got != "" {
					t.Errorf("found %q", got)
				}
				if got := s.breakOf(whole); got != "" {
					t.Errorf("of another's chain: %q", got)
				}
			})
		})
	}
}

func TestTheGuideListsEveryAction(t *testing.T) {
	t.Parallel()
	guide, err := os.ReadFile("../docs/api.md")
	if err != nil {
		t.Fatal(err)
	}

	seen := map[string]bool{}
	for _, a := range audit.Actions {
		if row := fmt.Sprintf("| `%s` | %s |\n", a.Name, a.Description); !strings.Contains(string(guide), row) ||
			seen[a.Name] {
			t.Errorf("docs/api.md lacks, or the table repeats, this row:\n%s", row)
		}

		seen[a.Name] = true
	}
}
