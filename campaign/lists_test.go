package campaign_test

import (
	"errors"
	"sync"
	"testing"

	"carillon/database"
	"carillon/database/dbtest"
	"carillon/ent"
	"carillon/ent/enum"
	"carillon/ent/jsonfield"
	"carillon/uid"
	"carillon/usererror"
)

func TestAListIsNotDeletedWhileACampaignThatIsNotOverNamesIt(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		s := stand(t, db)
		for what, audience := range map[string]func(list uid.ID) jsonfield.Audience{
			"to it": func(l uid.ID) jsonfield.Audience { return jsonfield.Audience{ListIDs: []uid.ID{l}} },
			"but not to it": func(l uid.ID) jsonfield.Audience {
				return jsonfield.Audience{ListIDs: []uid.ID{s.list.ID}, ExcludeListIDs: []uid.ID{l}}
			},
			"by a filter": func(l uid.ID) jsonfield.Audience {
				return jsonfield.Audience{Filter: &jsonfield.ContactFilter{ListIDs: []uid.ID{l}}}
			},
		} {
			list := s.newList(t, what)
			d := s.draft()
			d.Audience = audience(list)
			c, err := s.Create(s.owner, d)
			if err != nil {
				t.Fatal(what, err)
			}

			var in usererror.Fields
			if _, err := s.audience.DeleteList(s.owner, list); !errors.As(err, &in) || in[0].Code != usererror.NotAllowed {
				t.Errorf("a campaign goes %s, and it is deleted: %v", what, err)
			}
			if _, err := s.Cancel(s.owner, c.ID); err != nil {
				t.Fatal(err)
			}
			if _, err := s.audience.DeleteList(s.owner, list); err != nil {
				t.Errorf("the campaign %s is over: %v", what, err)
			}
		}
	})
}

func TestOfADraftAndADeletionOfItsListAtOnceOneIsRefused(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		s := stand(t, db)
		for range 10 {
			list := s.newList(t, "excluded")
			d := s.draft()
			d.Audience.ExcludeListIDs = []uid.ID{list}
			var made *ent.Campaign
			var drafting, deleting error
			var both sync.WaitGroup
			both.Go(func() { made, drafting = s.Create(s.owner, d) })
			both.Go(func() { _, deleting = s.audience.DeleteList(s.owner, list) })
			both.Wait()

			if (drafting == nil) == (deleting == nil) {
				t.Fatalf("the draft: %v; the deletion: %v", drafting, deleting)
			}
			if made == nil {
				continue
			}
			if made.Status != enum.CampaignStatusDraft {
				t.Error(made.Status)
			}
			if _, err := s.Cancel(s.owner, made.ID); err != nil {
				t.Fatal(err)
			}
			if _, err := s.audience.DeleteList(s.owner, list); err != nil {
				t.Fatal(err)
			}
		}
	})
}

func (s *stage) newList(t *testing.T, name string) uid.ID {
	t.Helper()
	l, err := s.audience.CreateList(s.owner, name)
	if err != nil {
		t.Fatal(err)
	}

	return l.ID
}
