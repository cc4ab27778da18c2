package audience_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"carillon/audience"
	"carillon/caller"
	"carillon/database"
	"carillon/database/dbtest"
	"carillon/ent/enum"
	"carillon/ent/jsonfield"
	"carillon/uid"
	"carillon/usererror"
)

func (h *house) segment(t testing.TB, name string, rule jsonfield.ContactFilter) uid.ID {
	t.Helper()
	s, err := h.CreateSegment(h.ctx, name, rule)
	if err != nil {
		t.Fatal(err)
	}

	return s.ID
}

// names are whom an audience reaches, in alphabetical order.
func (h *house) names(t testing.TB, a jsonfield.Audience) []string {
	t.Helper()
	names := []string{}
	for _, r := range h.pages(t, a) {
		names = append(names, strings.Fields(r.Name + " Nameless")[0])
	}

	slices.Sort(names)

	return names
}

func TestASegmentIsWhoMatchesItsRuleWhenItIsUsed(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		h, lists, people := town(t, db)
		chinese := h.segment(t, " Chinese ", jsonfield.ContactFilter{Country: []string{"cn"}})
		a := jsonfield.Audience{SegmentIDs: []uid.ID{chinese}}
		if diff := cmp.Diff([]string{"Han", "Li"}, h.names(t, a)); diff != "" {
			t.Error(diff)
		}

		name := "Wang"
		if _, err := h.CreateContact(h.ctx, audience.NewContact{Phone: "+8613800138001", Name: &name}); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]string{"Han", "Li", "Wang"}, h.names(t, a)); diff != "" {
			t.Error("somebody has come:", diff)
		}

		renamed, rule := "VIPs", jsonfield.ContactFilter{ListIDs: []uid.ID{lists["vip"]}}
		s, err := h.UpdateSegment(h.ctx, chinese, &renamed, &rule)
		if err != nil || s.Name != renamed {
			t.Fatal(s, err)
		}
		if diff := cmp.Diff([]string{"Jim", "Li"}, h.names(t, a)); diff != "" {
			t.Error("the rule has changed:", diff)
		}

		a.ListIDs = []uid.ID{lists["news"], lists["complaints"]}
		a.ContactIDs = []uid.ID{people["Lucy"]}
		if diff := cmp.Diff([]string{"Han", "Jim", "Li", "Lucy", "Nameless"}, h.names(t, a)); diff != "" {
			t.Error("beside lists and contacts:", diff)
		}

		sizes, err := h.SegmentSizes(h.ctx, map[uid.ID]jsonfield.ContactFilter{chinese: rule, uid.New(uid.Segment): {}})
		if err != nil || sizes[chinese] != 2 || len(sizes) != 2 {
			t.Error(sizes, err)
		}
	})
}

func TestAnExcludedSegmentLeavesOutWhoMatchesAndNobodyOfWhomNothingIsKnown(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		h, lists, people := town(t, db)
		everyone := &jsonfield.ContactFilter{}
		for _, c := range []struct {
			rule jsonfield.ContactFilter
			want string
		}{
			{jsonfield.ContactFilter{Language: []string{"en"}}, "Han Li Lucy Nameless"}, // Lucy has none
			{jsonfield.ContactFilter{Attributes: []jsonfield.AttributeFilter{{Key: "city"}}}, "Jim Nameless"},
			{jsonfield.ContactFilter{Search: "l"}, "Han Jim Nameless"}, // nameless has no name
			{jsonfield.ContactFilter{ListIDs: []uid.ID{lists["news"]}, Consent: []enum.Consent{enum.ConsentOptedIn}},
				"Han Jim Lucy Nameless"},
			{jsonfield.ContactFilter{}, ""},
		} {
			out := []uid.ID{h.segment(t, c.want+"!", c.rule)}
			got := strings.Join(h.names(t, jsonfield.Audience{Filter: everyone, ExcludeSegmentIDs: out}), " ")
			if got != c.want {
				t.Errorf("without %+v: %s, want %s", c.rule, got, c.want)
			}

			byList := h.names(t, jsonfield.Audience{ListIDs: []uid.ID{lists["vip"], lists["news"], lists["complaints"]},
				ContactIDs: []uid.ID{people["Lucy"]}, ExcludeSegmentIDs: out})
			if got := strings.Join(byList, " "); got != c.want {
				t.Errorf("by lists, without %+v: %s, want %s", c.rule, got, c.want)
			}
		}
	})
}

func TestAFrozenAudienceKeepsTheRulesThatItsSegmentsHad(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		h, _, _ := town(t, db)
		in := h.segment(t, "in", jsonfield.ContactFilter{Country: []string{"CN", "GB"}})
		out := h.segment(t, "out", jsonfield.ContactFilter{Country: []string{"GB"}})
		a, err := audience.Freeze(h.ctx, db.Client, h.owner, jsonfield.Audience{SegmentIDs: []uid.ID{in},
			ExcludeSegmentIDs: []uid.ID{out}})
		if err != nil {
			t.Fatal(err)
		}

		for _, id := range []uid.ID{in, out} {
			if _, err := h.UpdateSegment(h.ctx, id, nil, &jsonfield.ContactFilter{Country: []string{"US"}}); err != nil {
				t.Fatal(err)
			}
		}
		if diff := cmp.Diff([]string{"Han", "Li"}, h.names(t, a)); diff != "" {
			t.Error(diff)
		}

		gone := jsonfield.Audience{Filter: &jsonfield.ContactFilter{}, ExcludeSegmentIDs: []uid.ID{uid.New(uid.Segment)}}
		err = db.InTx(h.ctx, func(tx *database.Tx) error {
			_, err := audience.Page(h.ctx, tx, h.owner, gone, uid.ID{}, 10)
			return err
		})
		if err == nil {
			t.Error("an audience without its exclusion is read")
		}
	})
}

// A segment's rule, saved and used, finds exactly whom the same filter finds, and its exclusion
// exactly the others.
func TestSegmentsAreSetsLikeTheFiltersThatTheyKeep(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		h, lists, _ := town(t, db)
		random := rand.New(rand.NewPCG(16, 1))
		pick := func(from ...string) []string {
			return slices.DeleteFunc(from, func(string) bool { return random.IntN(2) == 0 })
		}
		all := h.names(t, jsonfield.Audience{Filter: &jsonfield.ContactFilter{}})

		for round := range 30 {
			f := jsonfield.ContactFilter{Country: pick("CN", "GB", "HK"), Language: pick("en", "zh_CN", "zh-HK")}
			if random.IntN(3) == 0 {
				f.ListIDs = []uid.ID{lists["news"]}
			}
			if random.IntN(3) == 0 {
				f.Search = "i"
			}

			id := []uid.ID{h.segment(t, fmt.Sprint("round ", round), f)}
			filtered := h.names(t, jsonfield.Audience{Filter: &f})
			if diff := cmp.Diff(filtered, h.names(t, jsonfield.Audience{SegmentIDs: id})); diff != "" {
				t.Fatalf("%+v: %s", f, diff)
			}

			others := slices.DeleteFunc(slices.Clone(all), func(n string) bool { return slices.Contains(filtered, n) })
			rest := h.names(t, jsonfield.Audience{Filter: &jsonfield.ContactFilter{}, ExcludeSegmentIDs: id})
			if diff := cmp.Diff(others, rest); diff != "" {
				t.Fatalf("all but %+v: %s", f, diff)
			}
		}
	})
}

func TestASegmentIsRefusedFieldByFieldAndStaysWithinItsOrganization(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		h, lists, _ := town(t, db)
		foreign := h.neighbor(t)
		mine := h.segment(t, "mine", jsonfield.ContactFilter{})
		if _, err := foreign.CreateSegment(foreign.ctx, "mine", jsonfield.ContactFilter{}); err != nil {
			t.Error("another organization has that name:", err)
		}

		wrong := jsonfield.ContactFilter{ListIDs: []uid.ID{foreign.list(t, "theirs")}, Consent: []enum.Consent{"MAYBE"},
			Tags: []string{""}, Attributes: []jsonfield.AttributeFilter{{Key: " "}}, Search: strings.Repeat("x", 257)}
		_, err := h.CreateSegment(h.ctx, "two\nlines", wrong)
		want := []string{"name INVALID", "filter.search TOO_LONG", "filter.consent.0 INVALID", "filter.tags.0 REQUIRED",
			"filter.attributes.0.key REQUIRED", "filter.listIds.0 NOT_FOUND"}
		if diff := cmp.Diff(want, inputs(err)); diff != "" {
			t.Error(diff)
		}
		if _, err := h.CreateSegment(h.ctx, "mine", jsonfield.ContactFilter{}); cmp.Diff([]string{"name TAKEN"},
			inputs(err)) != "" {
			t.Error(err)
		}

		for what, err := range map[string]error{
			"changed": second(foreign.UpdateSegment(foreign.ctx, mine, nil, &jsonfield.ContactFilter{})),
			"deleted": second(foreign.DeleteSegment(foreign.ctx, mine)),
		} {
			if !usererror.Is(err, usererror.NotFound) {
				t.Errorf("a foreign segment is %s: %v", what, err)
			}
		}

		for field, a := range map[string]jsonfield.Audience{
			"audience.segmentIds.0 NOT_FOUND":        {SegmentIDs: []uid.ID{uid.New(uid.Segment)}},
			"audience.segmentIds LIMIT_EXCEEDED":     {SegmentIDs: make([]uid.ID, 21)},
			"audience.excludeSegmentIds.0 NOT_FOUND": {SegmentIDs: []uid.ID{mine}, ExcludeSegmentIDs: []uid.ID{lists["vip"]}},
		} {
			if diff := cmp.Diff([]string{field}, inputs(h.CheckAudience(h.ctx, a))); diff != "" {
				t.Error(diff)
			}
		}
		theirs := jsonfield.Audience{SegmentIDs: []uid.ID{mine}}
		if diff := cmp.Diff([]string{"audience.segmentIds.0 NOT_FOUND"},
			inputs(foreign.CheckAudience(foreign.ctx, theirs))); diff != "" {
			t.Error(diff)
		}
		got, err := foreign.Counts(caller.System(t.Context()), foreign.owner, map[uid.ID]jsonfield.Audience{mine: theirs})
		if err != nil || got[mine] != 0 {
			t.Error("a foreign segment counts its people:", got, err)
		}
	})
}

func TestAListThatASegmentNamesIsNotDeleted(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		h, lists, _ := town(t, db)
		s := h.segment(t, "of the list", jsonfield.ContactFilter{ListIDs: []uid.ID{lists["vip"]}})
		if _, err := h.DeleteList(h.ctx, lists["vip"]); cmp.Diff([]string{"contactListId NOT_ALLOWED"}, inputs(err)) != "" {
			t.Error(err)
		}
		if gone, err := h.DeleteSegment(h.ctx, s); err != nil || *gone != s {
			t.Fatal(gone, err)
		}
		if _, err := h.DeleteList(h.ctx, lists["vip"]); err != nil {
			t.Error(err)
		}
	})
}

// second is the error of a call with a result.
func second[T any](_ T, err error) error { return err }
