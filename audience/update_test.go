package audience_test

import (
	"errors"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"carillon/audience"
	"carillon/database"
	"carillon/database/dbtest"
	"carillon/ent/contactlist"
	"carillon/ent/enum"
	"carillon/ent/jsonfield"
	"carillon/uid"
	"carillon/usererror"
)

// listsOf are the names of the lists that a contact is on.
func (h *house) listsOf(contact uid.ID) []string {
	names := h.db.Client.Contact.GetX(h.ctx, contact).QueryLists().Select(contactlist.FieldName).StringsX(h.ctx)
	slices.Sort(names)

	return names
}

func (h *house) tagsOf(t testing.TB, contact uid.ID) []string {
	t.Helper()
	tags, err := h.Tags(h.ctx, []uid.ID{contact})
	if err != nil {
		t.Fatal(err)
	}

	return tags[contact]
}

func TestAChangeOfAContactLeavesWhatItDoesNotName(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		h, lists, people := town(t, db)
		li, other := people["Li"], "Li Lei 2"
		_, err := h.UpdateContact(h.ctx, li, audience.ContactChange{Name: &other,
			SetAttributes: []audience.Attribute{{Key: " tier ", Value: "gold"}}, RemoveAttributes: []string{"50%_off", "none"},
			AddListIDs: []uid.ID{lists["complaints"], lists["news"]}, RemoveListIDs: []uid.ID{lists["vip"], lists["empty"]},
			AddTags: []string{" vip ", "早鸟", "vip"}})
		if err != nil {
			t.Fatal(err)
		}

		c := h.db.Client.Contact.GetX(h.ctx, li)
		want := person{other, "zh_CN", "", "CN", map[string]string{"city": "北京", "tier": "gold"}, enum.ConsentOptedIn}
		if diff := cmp.Diff(want, h.people(t)[*c.Phone]); diff != "" {
			t.Error(diff)
		}
		if diff := cmp.Diff([]string{"complaints", "news"}, h.listsOf(li)); diff != "" {
			t.Error(diff)
		}
		if diff := cmp.Diff([]string{"vip", "早鸟"}, h.tagsOf(t, li)); diff != "" {
			t.Error(diff)
		}

		none, zone := "", "Asia/Shanghai"
		if _, err := h.UpdateContact(h.ctx, li, audience.ContactChange{Name: &none, Language: &none, TimeZone: &zone,
			RemoveTags: []string{"vip", "never"}}); err != nil {
			t.Fatal(err)
		}

		want.Name, want.Language, want.TimeZone = "", "", zone
		if diff := cmp.Diff(want, h.people(t)[*c.Phone]); diff != "" {
			t.Error("an empty text clears its field:", diff)
		}
		if diff := cmp.Diff([]string{"早鸟"}, h.tagsOf(t, li)); diff != "" {
			t.Error(diff)
		}
	})
}

func TestAChangeOfAContactIsRefusedFieldByFieldAndChangesNothing(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		h, _, people := town(t, db)
		li, zone, language := people["Li"], "Mars/Olympus", "not a language"
		before := h.people(t)
		many := make([]string, 51)
		for i := range many {
			many[i] = "tag " + strconv.Itoa(i)
		}

		full := make([]audience.Attribute, 99)
		for i := range full {
			full[i] = audience.Attribute{Key: "k" + strconv.Itoa(i), Value: "v"}
		}

		quoted := make([]audience.Attribute, 40) // 40 KiB, and 80 as JSON, which is what is stored
		for i := range quoted {
			quoted[i] = audience.Attribute{Key: "q" + strconv.Itoa(i), Value: strings.Repeat(`"`, 1024)}
		}

		nowhere := []uid.ID{uid.New(uid.ContactList)}
		for _, c := range []struct {
			change audience.ContactChange
			want   []string
		}{
			{audience.ContactChange{SetAttributes: quoted}, []string{"setAttributes LIMIT_EXCEEDED"}},
			{audience.ContactChange{AddListIDs: nowhere, RemoveListIDs: nowhere},
				[]string{"addListIds.0 NOT_FOUND", "removeListIds.0 NOT_FOUND"}},
			{audience.ContactChange{Language: &language, TimeZone: &zone},
				[]string{"language INVALID", "timeZone INVALID"}},
			{audience.ContactChange{AddTags: []string{" ", strings.Repeat("x", 65), "two\nlines"}},
				[]string{"addTags.0 REQUIRED", "addTags.1 TOO_LONG", "addTags.2 INVALID"}},
			{audience.ContactChange{AddTags: many}, []string{"addTags LIMIT_EXCEEDED"}},
			{audience.ContactChange{SetAttributes: []audience.Attribute{{Key: "a"}, {Key: "a"}}},
				[]string{"setAttributes.1.key INVALID"}},
			{audience.ContactChange{SetAttributes: full}, []string{"setAttributes LIMIT_EXCEEDED"}}, // it has two
			{audience.ContactChange{AddListIDs: []uid.ID{uid.New(uid.ContactList)}}, []string{"addListIds.0 NOT_FOUND"}},
		} {
			if _, err := h.UpdateContact(h.ctx, li, c.change); cmp.Diff(c.want, inputs(err)) != "" {
				t.Errorf("%+v: %v", c.change, err)
			}
		}

		if _, err := h.UpdateContact(h.ctx, li, audience.ContactChange{AddTags: many[:50]}); err != nil {
			t.Error("fifty tags:", err)
		}
		if _, err := h.UpdateContact(h.ctx, li, audience.ContactChange{AddTags: []string{"one more"}}); cmp.Diff(
			[]string{"addTags LIMIT_EXCEEDED"}, inputs(err)) != "" {
			t.Error("one more tag:", err)
		}
		if diff := cmp.Diff(before, h.people(t)); diff != "" {
			t.Error("what was refused has changed something:", diff)
		}

		for who, id := range map[string]uid.ID{"nobody": uid.New(uid.Contact), "a foreigner": li} {
			at := h
			if who == "a foreigner" {
				at = h.neighbor(t)
			}
			if _, err := at.UpdateContact(at.ctx, id, audience.ContactChange{}); !usererror.Is(err, usererror.NotFound) {
				t.Errorf("%s is changed: %v", who, err)
			}
		}
	})
}

func TestTwoChangesOfOneContactAtOnceBothHold(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		h, _, people := town(t, db)
		var all sync.WaitGroup
		for i := range 8 {
			all.Go(func() {
				n := strconv.Itoa(i)
				_, err := h.UpdateContact(h.ctx, people["Lucy"], audience.ContactChange{AddTags: []string{"t" + n},
					SetAttributes: []audience.Attribute{{Key: "k" + n, Value: n}}})
				if err != nil {
					t.Error(err)
				}
			})
		}

		all.Wait()
		if c := h.db.Client.Contact.GetX(h.ctx, people["Lucy"]); len(c.Attributes) != 2+8 {
			t.Error("a change was lost:", c.Attributes)
		}
		if tags := h.tagsOf(t, people["Lucy"]); len(tags) != 8 {
			t.Error("a tag was lost:", tags)
		}
	})
}

func TestAFilterByTagsFindsWhoHasAllAndNoneOfThem(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		h, _, people := town(t, db)
		for name, tags := range map[string][]string{"Li": {"a", "b"}, "Han": {"a"}, "Jim": {"b", "c"}} {
			if _, err := h.UpdateContact(h.ctx, people[name], audience.ContactChange{AddTags: tags}); err != nil {
				t.Fatal(err)
			}
		}

		for _, c := range []struct {
			with, without []string
			want          int
		}{
			{[]string{"a"}, nil, 2}, {[]string{"a", "b"}, nil, 1}, {[]string{"a"}, []string{"b"}, 1},
			{nil, []string{"a", "c"}, 2}, {[]string{" b "}, nil, 2}, {[]string{"A"}, nil, 0},
		} {
			a := jsonfield.Audience{Filter: &jsonfield.ContactFilter{Tags: c.with, ExcludeTags: c.without}}
			n, err := h.count(a)
			if paged := len(h.pages(t, a)); err != nil || n != c.want || paged != c.want {
				t.Errorf("with %q, without %q: %d counted, %d read, not %d: %v", c.with, c.without, n, paged, c.want, err)
			}
		}

		if err := h.CheckAudience(h.ctx, jsonfield.Audience{Filter: &jsonfield.ContactFilter{Tags: []string{""}}}); cmp.Diff(
			[]string{"audience.filter.tags.0 REQUIRED"}, inputs(err)) != "" {
			t.Error(err)
		}
	})
}

func TestTagsPassToThePersonWhoStaysWhenTwoAreMerged(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		h, _, people := town(t, db)
		for name, tags := range map[string][]string{"Li": {"a", "b"}, "Han": {"b", "c"}} {
			if _, err := h.UpdateContact(h.ctx, people[name], audience.ContactChange{AddTags: tags}); err != nil {
				t.Fatal(err)
			}
		}

		both := audience.Identity{Organization: h.owner, Phone: "+8613800138000", Contact: people["Han"]}
		err := db.InTx(h.system, func(tx *database.Tx) error {
			_, err := h.Identify(h.system, tx, both)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		if n := h.db.Client.Contact.Query().CountX(h.ctx); n != 4 {
			t.Fatalf("%d contacts, not 4: they were not merged", n)
		}
		if diff := cmp.Diff([]string{"a", "b", "c"}, h.tagsOf(t, people["Li"])); diff != "" {
			t.Error(diff)
		}
	})
}

func TestWhatTheOrganizationRecordsDoesNotOptInWhoHasOptedOut(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		h, _, people := town(t, db)
		record := func(name string, consent enum.Consent) enum.Consent {
			t.Helper()
			c, err := h.RecordConsent(h.ctx, people[name], jsonfield.ImportConsent{Consent: consent, Source: "shop",
				Evidence: "form 7"})
			if err != nil {
				t.Fatal(err)
			}

			return c.MarketingConsent
		}

		if got := record("Han", enum.ConsentOptedIn); got != enum.ConsentOptedIn {
			t.Error("nothing was known of Han, and now:", got)
		}
		if got := record("Jim", enum.ConsentOptedIn); got != enum.ConsentOptedOut {
			t.Error("Jim has opted out, and now:", got)
		}
		if got := record("Li", enum.ConsentOptedOut); got != enum.ConsentOptedOut {
			t.Error("Li opts out:", got)
		}

		history := h.db.Client.Contact.GetX(h.ctx, people["Li"]).QueryConsentHistory().AllX(h.ctx)
		if last := history[len(history)-1]; len(history) != 2 || last.Source != "shop" || *last.Evidence != "form 7" {
			t.Error("the history does not say where it comes from:", history)
		}

		_, err := h.RecordConsent(h.ctx, people["Li"], jsonfield.ImportConsent{Consent: enum.ConsentUnknown})
		if diff := cmp.Diff([]string{"consent.source REQUIRED", "consent.consent INVALID"}, inputs(err)); diff != "" {
			t.Error(diff)
		}
		if _, err := h.RecordConsent(h.ctx, uid.New(uid.Contact), jsonfield.ImportConsent{Consent: enum.ConsentOptedIn,
			Source: "x"}); !usererror.Is(err, usererror.NotFound) {
			t.Error(err)
		}
	})
}

func TestAListIsRenamedAndPeopleGoOnAndOff(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		h, lists, people := town(t, db)
		name := " best customers "
		l, err := h.UpdateList(h.ctx, lists["vip"], audience.ListChange{Name: &name,
			AddContactIDs:    []uid.ID{people["Lucy"], people["Li"], people["Lucy"]},
			RemoveContactIDs: []uid.ID{people["Jim"], people["Han"]}})
		if err != nil || l.Name != "best customers" {
			t.Fatal(l, err)
		}

		sizes, err := h.ListSizes(h.ctx, []uid.ID{lists["vip"]})
		if err != nil || sizes[lists["vip"]] != 2 || !slices.Contains(h.listsOf(people["Lucy"]), "best customers") {
			t.Error(sizes, h.listsOf(people["Lucy"]), err)
		}

		taken, foreign := "news", h.neighbor(t)
		for _, c := range []struct {
			change audience.ListChange
			want   string
		}{
			{audience.ListChange{Name: &taken}, "name TAKEN"},
			{audience.ListChange{AddContactIDs: []uid.ID{uid.New(uid.Contact)}}, "addContactIds.0 NOT_FOUND"},
			{audience.ListChange{RemoveContactIDs: make([]uid.ID, 1001)}, "removeContactIds LIMIT_EXCEEDED"},
		} {
			if _, err := h.UpdateList(h.ctx, lists["vip"], c.change); cmp.Diff([]string{c.want}, inputs(err)) != "" {
				t.Errorf("%s: %v", c.want, err)
			}
		}
		if _, err := foreign.UpdateList(foreign.ctx, lists["vip"], audience.ListChange{}); !usererror.Is(err,
			usererror.NotFound) {
			t.Error("a foreign list is changed:", err)
		}
	})
}

func TestAListIsDeletedUnlessAnImportNeedsItAndItsPeopleStay(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		h, lists, people := town(t, db)
		gone, err := h.DeleteList(h.ctx, lists["news"])
		if err != nil || *gone != lists["news"] {
			t.Fatal(gone, err)
		}
		if h.db.Client.Contact.Query().CountX(h.ctx) != 5 || !slices.Equal(h.listsOf(people["Li"]), []string{"vip"}) {
			t.Error("the people of a deleted list do not stay as they were")
		}
		if _, err := h.DeleteList(h.ctx, lists["news"]); !usererror.Is(err, usererror.NotFound) {
			t.Error("a list is deleted twice:", err)
		}

		vip := lists["vip"]
		id := h.start(t, audience.NewImport{ListID: &vip}, "phone\n+8613800138009\n")
		if _, err := h.DeleteList(h.ctx, vip); cmp.Diff([]string{"contactListId NOT_ALLOWED"}, inputs(err)) != "" {
			t.Error("the list of an import under way is deleted:", err)
		}
		if err := h.RunImport(h.system, id); err != nil {
			t.Fatal(err)
		}
		if _, err := h.DeleteList(h.ctx, vip); err != nil {
			t.Error("the import is over:", err)
		}

		held := jsonfield.Audience{ListIDs: []uid.ID{lists["empty"]}, ExcludeListIDs: []uid.ID{vip}}
		err = db.InTx(h.ctx, func(tx *database.Tx) error { return audience.Hold(h.ctx, tx, held) })
		var in usererror.Fields
		if !errors.As(err, &in) || len(in) != 1 {
			t.Error("a list that is gone is held:", err)
		}
	})
}
