package audience_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

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

// town is a few people to choose from; contacts are named for what is told of them.
func town(t *testing.T, db *database.DB) (h *house, lists, contacts map[string]uid.ID) {
	t.Helper()
	h = open(t, db)
	lists, contacts = map[string]uid.ID{}, map[string]uid.ID{}
	for _, l := range []string{"vip", "news", "complaints", "empty"} {
		lists[l] = h.list(t, l)
	}

	for i, p := range []struct {
		name, phone, language string
		consent               enum.Consent
		lists                 []string
		attributes            []audience.Attribute
	}{
		{"Li Lei", "+8613800138000", "zh_CN", enum.ConsentOptedIn, []string{"vip", "news"},
			[]audience.Attribute{{"city", "北京"}, {"50%_off", "yes"}}},
		{"Han Meimei", "+8613900139000", "zh-cn", enum.ConsentUnknown, []string{"news"},
			[]audience.Attribute{{"city", "上海"}}},
		{"Jim 100%_Green", "+447400123456", "en", enum.ConsentOptedOut, []string{"vip", "complaints"},
			[]audience.Attribute{{`it's "so".here`, "1"}}},
		{"Lucy", "+14155552671", "", enum.ConsentOptedIn, nil, []audience.Attribute{{"city", "London"}, {"tier", ""}}},
		{"", "+85251234567", "zh_HK", enum.ConsentUnknown, []string{"complaints"}, nil},
	} {
		h.present = time.Date(2026, 10, 1+i, 0, 0, 0, 0, time.UTC)
		n := audience.NewContact{Phone: p.phone, Name: &p.name, Language: &p.language, Attributes: p.attributes,
			Consent: &jsonfield.ImportConsent{Consent: p.consent, Source: "web"}}
		for _, l := range p.lists {
			n.ListIDs = append(n.ListIDs, lists[l])
		}

		c, err := h.CreateContact(h.ctx, n)
		if err != nil {
			t.Fatal(err)
		}

		contacts[strings.Fields(p.name + " Nameless")[0]] = c.ID
	}

	return h, lists, contacts
}

// pages reads an audience two by two.
func (h *house) pages(t testing.TB, a jsonfield.Audience) (all []audience.Recipient) {
	t.Helper()
	err := h.db.InTx(h.ctx, func(tx *database.Tx) error {
		for after := (uid.ID{}); ; after = all[len(all)-1].ID {
			page, err := audience.Page(h.ctx, tx, h.owner, a, after, 2)
			if all = append(all, page...); err != nil || len(page) < 2 {
				return err
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}

	return all
}

func first(names []string, name string) []string {
	return append(names, strings.Fields(name + " Nameless")[0])
}

func TestAFilterFinds(t *testing.T) {
	t.Parallel()
	yes, no := true, false
	day := func(d int) *time.Time {
		at := time.Date(2026, 10, d, 8, 0, 0, 0, time.FixedZone("CST", 8*3600))
		return &at
	}

	is := func(a jsonfield.AttributeFilter) jsonfield.ContactFilter {
		return jsonfield.ContactFilter{Attributes: []jsonfield.AttributeFilter{a}}
	}
	cases := map[string]struct {
		filter jsonfield.ContactFilter
		lists  []string
		want   string
	}{
		"everyone":                            {want: "Li Han Jim Lucy Nameless"},
		"a part of a name in any case":        {filter: jsonfield.ContactFilter{Search: " li LEI "}, want: "Li"},
		"the beginning of a number":           {filter: jsonfield.ContactFilter{Search: "+86 138"}, want: "Li"},
		"the beginning of a number without +": {filter: jsonfield.ContactFilter{Search: "86"}, want: "Li Han"},
		"no middle of a number":               {filter: jsonfield.ContactFilter{Search: "0138"}, want: ""},
		"a % as it stands":                    {filter: jsonfield.ContactFilter{Search: "100%_g"}, want: "Jim"},
		"nobody by a % alone":                 {filter: jsonfield.ContactFilter{Search: "%i%"}, want: ""},
		"nobody by a \\":                      {filter: jsonfield.ContactFilter{Search: `\`}, want: ""},
		"nobody by a NUL":                     {filter: jsonfield.ContactFilter{Search: "\x00\xff"}, want: ""},
		"who is on any of the lists":          {lists: []string{"vip", "complaints"}, want: "Li Jim Nameless"},
		"consents": {filter: jsonfield.ContactFilter{Consent: []enum.Consent{enum.ConsentOptedIn,
			enum.ConsentOptedOut}}, want: "Li Jim Lucy"},
		"countries": {filter: jsonfield.ContactFilter{Country: []string{"gb", "HK"}},
			want: "Jim Nameless"},
		"languages, however written": {filter: jsonfield.ContactFilter{Language: []string{"ZH-CN", "en"}},
			want: "Li Han Jim"},
		"an attribute's value": {filter: is(jsonfield.AttributeFilter{Key: "city", Equals: new("北京")}),
			want: "Li"},
		"any of an attribute's values": {filter: is(jsonfield.AttributeFilter{Key: "city",
			In: []string{"上海", "London", "Paris"}}), want: "Han Lucy"},
		"who has an attribute": {filter: is(jsonfield.AttributeFilter{Key: "city", Exists: &yes}),
			want: "Li Han Lucy"},
		"who has an attribute that is empty": {filter: is(jsonfield.AttributeFilter{Key: "tier"}), want: "Lucy"},
		"who lacks an attribute": {filter: is(jsonfield.AttributeFilter{Key: "city", Exists: &no}),
			want: "Jim Nameless"},
		"a key of any characters": {filter: is(jsonfield.AttributeFilter{Key: `it's "so".here`,
			Equals: new("1")}), want: "Jim"},
		"a key with marks of patterns": {filter: is(jsonfield.AttributeFilter{Key: "50%_off", In: []string{"yes"}}),
			want: "Li"},
		"nobody by a key that is SQL": {filter: is(jsonfield.AttributeFilter{Key: "' OR 1=1 --", Equals: new("?")}),
			want: ""},
		"who came after a time": {filter: jsonfield.ContactFilter{CreatedAfter: day(3)},
			want: "Jim Lucy Nameless"},
		"who came before a time": {filter: jsonfield.ContactFilter{CreatedBefore: day(3)}, want: "Li Han"},
		"who meets all conditions": {filter: jsonfield.ContactFilter{Search: "86",
			Consent: []enum.Consent{enum.ConsentUnknown}, Country: []string{"CN"}, Language: []string{"zh_CN"},
			Attributes:   []jsonfield.AttributeFilter{{Key: "city", Exists: &yes}, {Key: "tier", Exists: &no}},
			CreatedAfter: day(1), CreatedBefore: day(9)}, lists: []string{"news"}, want: "Han"},
	}

	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		h, lists, _ := town(t, db)
		h.neighbor(t).load(t, audience.NewImport{}, "phone,name,city\n+8613800138000,Li Lei,北京\n")
		for name, tc := range cases {
			for _, l := range tc.lists {
				tc.filter.ListIDs = append(tc.filter.ListIDs, lists[l])
			}

			var byEnt, byPage []string
			all, err := db.Client.Contact.Query().Where(audience.FilterPredicate(h.owner, tc.filter)).
				Order(contact.ByID()).All(h.ctx)
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}

			for _, c := range all {
				name := ""
				if c.Name != nil {
					name = *c.Name
				}

				byEnt = first(byEnt, name)
			}

			for _, r := range h.pages(t, jsonfield.Audience{Filter: &tc.filter}) {
				byPage = first(byPage, r.Name)
			}

			n, err := h.count(jsonfield.Audience{Filter: &tc.filter})
			want := strings.Fields(tc.want)
			if !slices.Equal(byEnt, want) || !slices.Equal(byPage, want) || n != len(want) || err != nil {
				t.Errorf("%s: ent finds %v, a page %v, the count is %d, %v; want %v", name, byEnt, byPage, n, err, want)
			}
		}
	})
}

// count is how many there are of an audience, counted together with another.
func (h *house) count(a jsonfield.Audience) (int, error) {
	one, other := uid.New(uid.Campaign), uid.New(uid.Campaign)
	n, err := h.Counts(h.ctx, h.owner, map[uid.ID]jsonfield.Audience{one: a, other: {}})
	if n[other] != 0 {
		return 0, fmt.Errorf("an empty audience has %d", n[other])
	}

	return n[one], err
}

func TestAnAudienceIs(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		lists, contacts, without []string
		filter                   *jsonfield.ContactFilter
		want                     string
	}{
		"a list":                  {lists: []string{"vip"}, want: "Li Jim"},
		"lists, each person once": {lists: []string{"vip", "news", "vip"}, want: "Li Han Jim"},
		"contacts":                {contacts: []string{"Lucy", "Li"}, want: "Li Lucy"},
		"a filter":                {filter: &jsonfield.ContactFilter{Country: []string{"CN"}}, want: "Li Han"},
		"everyone":                {filter: &jsonfield.ContactFilter{}, want: "Li Han Jim Lucy Nameless"},
		"any of them together": {lists: []string{"vip"}, contacts: []string{"Lucy"},
			filter: &jsonfield.ContactFilter{Country: []string{"CN"}}, want: "Li Han Jim Lucy"},
		"less the lists to leave out": {filter: &jsonfield.ContactFilter{}, without: []string{"news", "complaints"},
			want: "Lucy"},
		"a list less another":           {lists: []string{"vip"}, without: []string{"complaints"}, want: "Li"},
		"contacts less a list":          {contacts: []string{"Li", "Lucy"}, without: []string{"vip", "empty"}, want: "Lucy"},
		"nobody, where the list is":     {lists: []string{"empty"}},
		"nobody, where nothing is said": {without: []string{"vip"}},
	}

	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		h, lists, contacts := town(t, db)
		for name, tc := range cases {
			a := jsonfield.Audience{Filter: tc.filter}
			for from, to := range map[*[]string]*[]uid.ID{&tc.lists: &a.ListIDs, &tc.without: &a.ExcludeListIDs} {
				for _, l := range *from {
					*to = append(*to, lists[l])
				}
			}

			for _, c := range tc.contacts {
				a.ContactIDs = append(a.ContactIDs, contacts[c])
			}

			var got []string
			for _, r := range h.pages(t, a) {
				got = first(got, r.Name)
			}

			n, err := h.count(a)
			if want := strings.Fields(tc.want); !slices.Equal(got, want) || n != len(want) || err != nil {
				t.Errorf("%s: %v, counted %d, %v; want %v", name, got, n, err, want)
			}
		}
	})
}

func TestARecipientIsAllThatACampaignNeeds(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		h, lists, contacts := town(t, db)
		want := []audience.Recipient{{ID: contacts["Li"], Phone: "+8613800138000", Name: "Li Lei", Language: "zh_CN",
			Country: "CN", Consent: enum.ConsentOptedIn,
			Attributes: `{"city": "北京", "50%_off": "yes"}`},
			{ID: contacts["Han"], Phone: "+8613900139000", Name: "Han Meimei", Language: "zh-cn", Country: "CN",
				Consent: enum.ConsentUnknown, Attributes: `{"city": "上海"}`}}
		if diff := cmp.Diff(want, h.pages(t, jsonfield.Audience{ListIDs: []uid.ID{lists["news"]}}), sameJSON); diff != "" {
			t.Error(diff)
		}
	})
}

// sameJSON compares attributes however the database writes them.
var sameJSON = cmp.Transformer("attributes", func(a audience.Attributes) (all map[string]string) {
	_ = json.Unmarshal([]byte(a), &all) // else they differ
	return all
})

func TestTheValueOfAnAttributeIsWhatJSONSays(t *testing.T) {
	t.Parallel()
	for _, want := range []map[string]string{{}, {"city": "北京", "50%_off": "yes"}, {"a.b": "dot", "a": "no dot"},
		{"": "of no name"}, {"\"quoted\"\\": "a\"b\\c\n\u2028<&>"}, {"*": "star", "a?": "\U0001f642"}} {
		raw, err := json.Marshal(want)
		if err != nil {
			t.Fatal(err)
		}

		for _, key := range append(slices.Collect(maps.Keys(want)), "a", "a.b", "city", "", "missing") {
			if got := audience.Attributes(raw).Value(key); got != want[key] {
				t.Errorf("%q of %s is %q, want %q", key, raw, got, want[key])
			}
		}
	}
}

func TestNoAudienceReachesIntoAnotherOrganization(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		theirs, lists, contacts := town(t, db)
		mine := theirs.neighbor(t)
		a := jsonfield.Audience{ListIDs: []uid.ID{lists["vip"]}, ContactIDs: []uid.ID{contacts["Li"]},
			Filter: &jsonfield.ContactFilter{ListIDs: []uid.ID{lists["news"]}}}
		if got := mine.pages(t, a); len(got) != 0 {
			t.Errorf("I reach %v", got)
		}
		if n, err := mine.count(a); n != 0 || err != nil {
			t.Errorf("I count %d, %v", n, err)
		}

		a.ExcludeListIDs = []uid.ID{lists["news"], mine.list(t, "mine")}
		want := []string{"audience.listIds.0 NOT_FOUND", "audience.excludeListIds.0 NOT_FOUND",
			"audience.contactIds.0 NOT_FOUND", "audience.filter.listIds.0 NOT_FOUND"}
		if diff := cmp.Diff(want, inputs(mine.CheckAudience(mine.ctx, a))); diff != "" {
			t.Error(diff)
		}

		if err := theirs.CheckAudience(theirs.ctx,
			jsonfield.Audience{ListIDs: a.ListIDs, ContactIDs: a.ContactIDs, Filter: a.Filter}); err != nil {
			t.Error(err)
		}
	})
}

func TestAnAudienceMustSaySomethingThatCanBe(t *testing.T) {
	t.Parallel()
	h := open(t, dbtest.Open(t, dbtest.SQLite(t)))
	for name, tc := range map[string]struct {
		audience jsonfield.Audience
		want     []string
	}{
		"nothing, since recipients may be added": {jsonfield.Audience{}, []string{"<nil>"}},
		"too many contacts": {jsonfield.Audience{ContactIDs: make([]uid.ID, 1001)},
			[]string{"audience.contactIds LIMIT_EXCEEDED"}},
		"too many lists": {jsonfield.Audience{ListIDs: make([]uid.ID, 101)},
			[]string{"audience.listIds LIMIT_EXCEEDED"}},
		"a key of nothing": {jsonfield.Audience{Filter: &jsonfield.ContactFilter{
			Attributes: []jsonfield.AttributeFilter{{Key: " "}}}},
			[]string{"audience.filter.attributes.0.key REQUIRED"}},
		"a key of two lines": {jsonfield.Audience{Filter: &jsonfield.ContactFilter{
			Attributes: []jsonfield.AttributeFilter{{Key: "two\nlines"}}}},
			[]string{"audience.filter.attributes.0.key INVALID"}},
		"a consent not known": {jsonfield.Audience{Filter: &jsonfield.ContactFilter{Consent: []enum.Consent{"MAYBE"}}},
			[]string{"audience.filter.consent.0 INVALID"}},
	} {
		if diff := cmp.Diff(tc.want, inputs(h.CheckAudience(h.ctx, tc.audience))); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

func TestCreateContactRefusesWhatIsWrongFieldByField(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		h := open(t, db)
		theirs := h.neighbor(t).list(t, "theirs")
		mine := h.list(t, "mine")

		_, err := h.CreateContact(h.ctx, audience.NewContact{Phone: "12345", Name: new(strings.Repeat("x", 257)),
			Language: new("Klingon"), TimeZone: new("Local"),
			Attributes: []audience.Attribute{{"", "x"}, {"a", strings.Repeat("x", 1025)}, {"b", "\x00"}, {" a", "y"},
				{strings.Repeat("k", 65), ""}, {"two\nlines", ""}, {"turned\u202e", ""}},
			ListIDs: []uid.ID{mine, theirs}, Consent: &jsonfield.ImportConsent{Consent: enum.ConsentOptedIn}})

		want := []string{"phone INVALID", "name TOO_LONG", "language INVALID", "timeZone INVALID",
			"attributes.0.key REQUIRED", "attributes.1.value TOO_LONG",
			"attributes.2.value INVALID", "attributes.3.key INVALID", "attributes.4.key TOO_LONG", "attributes.5.key INVALID",
			"attributes.6.key INVALID", "consent.source REQUIRED",
			"listIds.1 NOT_FOUND"}
		if diff := cmp.Diff(want, inputs(err)); diff != "" {
			t.Error(diff)
		}
		if _, err := h.CreateContact(h.ctx, audience.NewContact{}); cmp.Diff([]string{"phone REQUIRED"}, inputs(err)) != "" {
			t.Error(err)
		}

		c, err := h.CreateContact(h.ctx, audience.NewContact{Phone: "+86 138 0013 8000", Name: new(" Li Lei "),
			Language: new(""), TimeZone: new("Asia/Shanghai"),
			Attributes: []audience.Attribute{{" city ", "北京"}}, ListIDs: []uid.ID{mine, mine},
			Consent: &jsonfield.ImportConsent{Consent: enum.ConsentOptedIn, Source: "web"}})
		if err != nil {
			t.Fatal(err)
		}

		got := fmt.Sprint(*c.Phone, *c.Name, c.Language == nil, *c.TimeZone, *c.Country, c.Attributes, c.MarketingConsent,
			c.QueryLists().CountX(h.ctx), c.QueryConsentHistory().CountX(h.ctx))
		if want := "+8613800138000Li LeitrueAsia/ShanghaiCNmap[city:北京]OPTED_IN11"; strings.ReplaceAll(got, " ",
			"") != strings.ReplaceAll(want, " ", "") {
			t.Errorf("got  %s\nwant %s", got, want)
		}

		if _, err := h.CreateContact(h.ctx,
			audience.NewContact{Phone: "008613800138000"}); cmp.Diff([]string{"phone TAKEN"}, inputs(err)) != "" {
			t.Error(err)
		}

		if _, err := h.neighbor(t).CreateContact(h.ctx, audience.NewContact{Phone: "+8613800138001"}); err != nil {
			t.Error(err)
		}
		if _, err := h.CreateContact(h.system, audience.NewContact{Phone: "+8613800138002"}); err == nil {
			t.Error("the system made a contact of no organization")
		}
	})
}

func TestAListHasItsOwnName(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		h := open(t, db)
		var lists []*ent.ContactList
		for _, of := range []*house{h, h.neighbor(t)} {
			l, err := of.CreateList(of.ctx, " customers ")
			if err != nil || l.Name != "customers" {
				t.Fatal(l, err)
			}

			lists = append(lists, l)
		}

		for name, want := range map[string]string{"customers": "name TAKEN", " ": "name REQUIRED",
			strings.Repeat("x", 129): "name TOO_LONG"} {
			if _, err := h.CreateList(h.ctx, name); cmp.Diff([]string{want}, inputs(err)) != "" {
				t.Errorf("a list called %q: %v", name, err)
			}
		}

		h.load(t, audience.NewImport{ListID: &lists[0].ID}, "phone\n+8613800138000\n+8613800138001\n")
		sizes, err := h.ListSizes(h.ctx, []uid.ID{lists[0].ID, lists[1].ID})
		if diff := cmp.Diff(map[uid.ID]int{lists[0].ID: 2, lists[1].ID: 0}, sizes); diff != "" || err != nil {
			t.Error(diff, err)
		}
	})
}
