package campaign_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"

	"carillon/campaign"
	"carillon/database"
	"carillon/database/dbtest"
	"carillon/ent"
	"carillon/ent/enum"
	"carillon/ent/jsonfield"
	"carillon/ent/message"
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

func TestASegmentIsNotDeletedWhileACampaignThatIsNotOverNamesIt(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		s := stand(t, db)
		segment, err := s.audience.CreateSegment(s.owner, "excluded", jsonfield.ContactFilter{Country: []string{"DE"}})
		if err != nil {
			t.Fatal(err)
		}

		d := s.draft()
		d.Audience.ExcludeSegmentIDs = []uid.ID{segment.ID}
		c, err := s.Create(s.owner, d)
		if err != nil {
			t.Fatal(err)
		}

		var in usererror.Fields
		_, err = s.audience.DeleteSegment(s.owner, segment.ID)
		if !errors.As(err, &in) || in[0].Code != usererror.NotAllowed {
			t.Error("a campaign excludes it, and it is deleted:", err)
		}
		if _, err := s.Cancel(s.owner, c.ID); err != nil {
			t.Fatal(err)
		}
		if _, err := s.audience.DeleteSegment(s.owner, segment.ID); err != nil {
			t.Error("the campaign is over:", err)
		}

		d.Audience.ExcludeSegmentIDs = []uid.ID{segment.ID}
		if _, err := s.Create(s.owner, d); !errors.As(err, &in) || in[0].Code != usererror.NoSuch {
			t.Error("a segment that is gone is named:", err)
		}
	})
}

// The rule changes between two pages; and a suppressed number is counted as what it is.
func TestACampaignsAudienceIsThatOfItsFirstPage(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		s := stand(t, db)
		for i := range 1200 {
			s.contact(fmt.Sprintf("+1416%07d", i), "Ann", map[bool]string{true: "Rome", false: "Oslo"}[i%2 == 0],
				enum.ConsentOptedIn)
		}

		in := func(city string) jsonfield.ContactFilter {
			return jsonfield.ContactFilter{Attributes: []jsonfield.AttributeFilter{{Key: "city", Equals: &city}}}
		}
		out, err := s.audience.CreateSegment(s.owner, "out", in("Bonn"))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.audience.Suppress(s.owner, []string{"+14160000004", "+14160001100"}, nil); err != nil {
			t.Fatal(err)
		}

		d := s.draft()
		d.Audience.ExcludeSegmentIDs = []uid.ID{out.ID}
		c := s.launched(t, d)
		s.afterPage = func() {
			rule := in("Oslo")
			if _, err := s.audience.UpdateSegment(s.owner, out.ID, nil, &rule); err != nil {
				t.Error(err)
			}
		}
		if err := s.Enroll(s.owner, c.ID); err != nil {
			t.Fatal(err)
		}

		c = db.Client.Campaign.GetX(s.owner, c.ID)
		if c.Total != 1200 || c.Skipped != 2 || c.EnrolledAt == nil {
			t.Errorf("%d of 1,200 people, %d skipped", c.Total, c.Skipped)
		}

		suppressed := db.Client.Message.Query().Where(message.SkipReasonEQ(enum.SkipReasonSuppressed)).CountX(s.owner)
		if suppressed != 2 {
			t.Errorf("%d are SUPPRESSED", suppressed)
		}
	})
}

func (s *stage) launched(t *testing.T, d campaign.Draft) *ent.Campaign {
	t.Helper()
	c, err := s.Create(s.owner, d)
	if err != nil {
		t.Fatal(err)
	}
	if c, err = s.Launch(s.owner, c.ID, nil); err != nil {
		t.Fatal(err)
	}

	return c
}

func (s *stage) newList(t *testing.T, name string) uid.ID {
	t.Helper()
	l, err := s.audience.CreateList(s.owner, name)
	if err != nil {
		t.Fatal(err)
	}

	return l.ID
}
