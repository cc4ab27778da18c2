package audience_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"carillon/audience"
	"carillon/database"
	"carillon/database/dbtest"
	"carillon/ent"
	"carillon/ent/contact"
	"carillon/ent/enum"
	"carillon/ent/jsonfield"
	"carillon/uid"
)

// came is what came of a campaign for one person.
type came struct {
	status  enum.MessageStatus
	code    int
	replied bool
	buttons []string
}

// campaign is one with what came of it, by the index of the contacts.
func (h *house) campaign(name string, contacts []uid.ID, of map[int]came) *ent.Campaign {
	c := h.db.Client
	account := c.Account.Create().SetOrganizationID(h.owner).SetWabaID(name + h.owner.String()).SetName("a").
		SetToken([]byte{1}).SaveX(h.system)
	number := c.PhoneNumber.Create().SetOrganizationID(h.owner).SetAccountID(account.ID).SetMetaID("2" + name).
		SetDisplayNumber("+1 555").SetVerifiedName("n").SaveX(h.system)
	template := c.Template.Create().SetOrganizationID(h.owner).SetAccountID(account.ID).SetName("t").SetLanguage("en").
		SetCategory(enum.TemplateCategoryMarketing).SetStatus(enum.TemplateStatusApproved).SetComponents([]byte("[]")).
		SaveX(h.system)
	campaign := c.Campaign.Create().SetOrganizationID(h.owner).SetName(name).SetTemplateID(template.ID).
		SetPhoneNumberID(number.ID).SetAudienceRule(jsonfield.Audience{}).
		SetParameters([]jsonfield.ParameterBinding{}).SaveX(h.system)

	for i, o := range of {
		m := c.Message.Create().SetOrganizationID(h.owner).SetCampaignID(campaign.ID).SetTemplateID(template.ID).
			SetPhoneNumberID(number.ID).SetAccountID(account.ID).SetContactID(contacts[i]).SetAddress("+1").
			SetDirection(enum.DirectionOutbound).SetType(enum.MessageTypeTemplate).SetStatus(o.status).SetNotBefore(h.present)
		if o.code != 0 {
			m.SetErrorCode(o.code)
		}

		sent := m.SaveX(h.system)
		c.Listing.Create().SetID(sent.ID).SetOrganizationID(h.owner).SetCampaignID(campaign.ID).
			SetTemplateID(template.ID).SetPhoneNumberID(number.ID).SetContactID(contacts[i]).SetAddress("+1").
			SetCreatedAt(h.present).ExecX(h.system)
		answer := func(button *string) {
			c.Reply.Create().SetOrganizationID(h.owner).SetCampaignID(campaign.ID).SetMessageID(sent.ID).
				SetContactID(contacts[i]).SetNillableButton(button).SetCreatedAt(h.present).ExecX(h.system)
		}
		if o.replied {
			answer(nil)
		}

		for _, title := range o.buttons {
			answer(&title)
		}
	}

	return campaign
}

// has is the meaning of outcomes, told plainly.
func (o came) has(outcome enum.CampaignOutcome) bool {
	delivered := o.status == enum.MessageStatusDelivered || o.status == enum.MessageStatusRead
	replied := o.replied || len(o.buttons) > 0
	switch outcome {
	case enum.CampaignOutcomeSkipped:
		return o.status == enum.MessageStatusSkipped
	case enum.CampaignOutcomeFailed:
		return o.status == enum.MessageStatusFailed
	case enum.CampaignOutcomeNotDelivered:
		return slices.Contains([]enum.MessageStatus{"ACCEPTED", "HELD", "SENT", "FAILED"}, o.status)
	case enum.CampaignOutcomeDelivered:
		return delivered
	case enum.CampaignOutcomeRead:
		return o.status == enum.MessageStatusRead
	case enum.CampaignOutcomeNotRead:
		return delivered && o.status != enum.MessageStatusRead
	case enum.CampaignOutcomeReplied:
		return replied
	case enum.CampaignOutcomeNotReplied:
		return delivered && !replied
	}

	panic("no outcome: " + outcome)
}

func (o came) matches(f jsonfield.CampaignOutcome) bool {
	return slices.ContainsFunc(f.Outcome, o.has) && (len(f.ErrorCode) == 0 || slices.Contains(f.ErrorCode, o.code)) &&
		(len(f.Button) == 0 || slices.ContainsFunc(f.Button, func(t string) bool { return slices.Contains(o.buttons, t) }))
}

func anyOf[T any](from []T) T { return from[rand.IntN(len(from))] }

func TestAFilterFindsWhomACampaignCameOutForAsANaiveModelDoes(t *testing.T) {
	t.Parallel()
	var statuses []enum.MessageStatus
	for _, s := range enum.MessageStatus("").Values() {
		statuses = append(statuses, enum.MessageStatus(s))
	}

	outcomes, codes := enum.CampaignOutcome("").Values(), []int{131026, 131049, 131050}
	buttons := []string{"Yes", "No", "100%"}
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		h := open(t, db)
		var contacts []uid.ID
		for i := range 12 {
			c, err := h.CreateContact(h.ctx, audience.NewContact{Phone: fmt.Sprintf("+1415555%04d", i)})
			if err != nil {
				t.Fatal(err)
			}

			contacts = append(contacts, c.ID)
		}

		results := []map[int]came{{}, {}}
		for _, of := range results {
			for i := range contacts {
				o := came{status: anyOf(statuses), replied: rand.IntN(4) == 0}
				if rand.IntN(3) == 0 {
					o.code = anyOf(codes)
				}
				if rand.IntN(3) == 0 {
					o.buttons = append(o.buttons, anyOf(buttons))
				}
				if rand.IntN(5) > 0 {
					of[i] = o
				}
			}
		}

		campaigns := []*ent.Campaign{h.campaign("first", contacts, results[0]), h.campaign("second", contacts, results[1])}
		for range 60 {
			which := rand.IntN(2)
			f := jsonfield.CampaignOutcome{CampaignID: campaigns[which].ID}
			for range 1 + rand.IntN(2) {
				f.Outcome = append(f.Outcome, enum.CampaignOutcome(anyOf(outcomes)))
			}
			if rand.IntN(3) == 0 {
				f.ErrorCode = []int{anyOf(codes), anyOf(codes)}
			}
			if rand.IntN(3) == 0 {
				f.Button = []string{anyOf(buttons)}
			}

			var in, out []uid.ID
			for i, c := range contacts {
				if o, got := results[which][i]; got && o.matches(f) {
					in = append(in, c)
				} else {
					out = append(out, c)
				}
			}

			h.checkOutcome(t, f, in, out)
		}
	})
}

// checkOutcome looks for whom an outcome holds by each way in which a filter is used.
func (h *house) checkOutcome(t *testing.T, f jsonfield.CampaignOutcome, in, out []uid.ID) {
	t.Helper()
	rule := jsonfield.ContactFilter{CampaignOutcome: &f}
	listed, err := h.db.Client.Contact.Query().Where(audience.FilterPredicate(h.owner, rule)).Order(contact.ByID()).
		IDs(h.ctx)
	if err != nil {
		t.Fatal(err)
	}

	segment := h.segment(t, uid.New(uid.Segment).String(), rule)
	got := map[string][]uid.ID{"listed": listed}
	for name, a := range map[string]jsonfield.Audience{"in an audience": {Filter: &rule},
		"in a segment":    {SegmentIDs: []uid.ID{segment}},
		"in all but them": {Filter: &jsonfield.ContactFilter{}, ExcludeSegmentIDs: []uid.ID{segment}}} {
		for _, r := range h.pages(t, a) {
			got[name] = append(got[name], r.ID)
		}
		if n, err := h.count(a); n != len(got[name]) || err != nil {
			t.Errorf("%v: %d are counted %s, %d are there, %v", f, n, name, len(got[name]), err)
		}
	}

	want := map[string][]uid.ID{"listed": in, "in an audience": in, "in a segment": in, "in all but them": out}
	for name := range want {
		if !slices.Equal(want[name], got[name]) {
			t.Errorf("%v: %s are %d people, want %d", f, name, len(got[name]), len(want[name]))
		}
	}
}

func TestAnOutcomeIsOfACampaignOfOnesOwn(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		h := open(t, db)
		mine, err := h.CreateContact(h.ctx, audience.NewContact{Phone: "+14155550000"})
		if err != nil {
			t.Fatal(err)
		}

		other := h.neighbor(t)
		theirs := other.campaign("theirs", []uid.ID{mine.ID}, map[int]came{0: {status: enum.MessageStatusRead}})
		f := jsonfield.CampaignOutcome{CampaignID: theirs.ID, Outcome: []enum.CampaignOutcome{"READ", "MAYBE"},
			ErrorCode: make([]int, 201), Button: []string{strings.Repeat("x", 257)}}
		want := []string{"audience.filter.campaignOutcome.outcome.1 INVALID",
			"audience.filter.campaignOutcome.errorCode LIMIT_EXCEEDED", "audience.filter.campaignOutcome.button.0 TOO_LONG",
			"audience.filter.campaignOutcome.campaignId NOT_FOUND"}
		a := jsonfield.Audience{Filter: &jsonfield.ContactFilter{CampaignOutcome: &f}}
		if diff := cmp.Diff(want, inputs(h.CheckAudience(h.ctx, a))); diff != "" {
			t.Error(diff)
		}

		f = jsonfield.CampaignOutcome{CampaignID: theirs.ID}
		_, err = h.CreateSegment(h.ctx, "theirs", *a.Filter)
		want = []string{"filter.campaignOutcome.outcome REQUIRED", "filter.campaignOutcome.campaignId NOT_FOUND"}
		if diff := cmp.Diff(want, inputs(err)); diff != "" {
			t.Error(diff)
		}
		if got := h.pages(t, a); len(got) > 0 {
			t.Errorf("without an outcome there are %v", got)
		}

		f.Outcome = []enum.CampaignOutcome{"READ"}
		if got := h.pages(t, a); len(got) > 0 {
			t.Errorf("another organization's campaign has %v", got)
		}
	})
}
