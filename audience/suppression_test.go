package audience_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"carillon/audience"
	"carillon/database"
	"carillon/database/dbtest"
	"carillon/ent/jsonfield"
	"carillon/ent/suppression"
	"carillon/uid"
	"carillon/usererror"
)

func (h *house) suppress(t testing.TB, phones ...string) int {
	t.Helper()
	added, err := h.Suppress(h.ctx, phones, nil)
	if err != nil {
		t.Fatal(err)
	}

	return *added
}

// suppressedNames are the recipients of everyone who must not be written to.
func (h *house) suppressedNames(t testing.TB) (names []string) {
	t.Helper()
	for _, r := range h.pages(t, jsonfield.Audience{Filter: &jsonfield.ContactFilter{}}) {
		if r.Suppressed {
			names = append(names, strings.Fields(r.Name)[0])
		}
	}

	return names
}

func TestASuppressionIsOfANumberInAllItsFormsAndOfWhoeverHasIt(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		h, _, people := town(t, db)
		if n := h.suppress(t, "+86 138-0013-8000", "008613800138000", "+55 11 98765-4321", "+4915112345678"); n != 3 {
			t.Errorf("added %d", n)
		}
		if n := h.suppress(t, "+551187654321", "+8613800138000"); n != 0 {
			t.Errorf("the old form of a number is added as another one: %d", n)
		}

		name := "Ana"
		ana, err := h.CreateContact(h.ctx, audience.NewContact{Phone: "+551187654321", Name: &name})
		if err != nil {
			t.Fatal(err)
		}

		if diff := cmp.Diff([]string{"Li", "Ana"}, h.suppressedNames(t)); diff != "" {
			t.Error(diff)
		}

		got, err := h.Suppressed(h.ctx, []uid.ID{people["Li"], people["Han"], ana.ID})
		if diff := cmp.Diff(map[uid.ID]bool{people["Li"]: true, ana.ID: true}, got); diff != "" || err != nil {
			t.Error(diff, err)
		}

		entry := db.Client.Suppression.Query().Where(suppression.Phone("+8613800138000")).OnlyX(h.ctx)
		if gone, err := h.Unsuppress(h.ctx, entry.ID); err != nil || *gone != entry.ID {
			t.Fatal(gone, err)
		}
		if diff := cmp.Diff([]string{"Ana"}, h.suppressedNames(t)); diff != "" {
			t.Error(diff)
		}
		if _, err := h.Unsuppress(h.ctx, entry.ID); !usererror.Is(err, usererror.NotFound) {
			t.Error(err)
		}
	})
}

func TestSuppressionsAreAddedAllOrNoneAndEachWrongNumberIsNamed(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		h, _, _ := town(t, db)
		long := strings.Repeat("x", 257)
		_, err := h.Suppress(h.ctx, []string{"+8613800138000", "", "CN.1234", "hello", "+12"}, &long)
		want := []string{"phones.1 INVALID", "phones.2 INVALID", "phones.3 INVALID", "phones.4 INVALID", "reason TOO_LONG"}
		if diff := cmp.Diff(want, inputs(err)); diff != "" {
			t.Error(diff)
		}
		if _, err := h.Suppress(h.ctx, nil, nil); cmp.Diff([]string{"phones REQUIRED"}, inputs(err)) != "" {
			t.Error(err)
		}
		if _, err := h.Suppress(h.ctx, make([]string, 10_001), nil); cmp.Diff([]string{"phones LIMIT_EXCEEDED"},
			inputs(err)) != "" {
			t.Error(err)
		}
		if _, err := h.Suppress(h.ctx, make([]string, 10_000), nil); len(inputs(err)) != 100 {
			t.Errorf("%d numbers are named", len(inputs(err)))
		}
		if n := db.Client.Suppression.Query().CountX(h.ctx); n != 0 {
			t.Errorf("%d are kept", n)
		}

		many := make([]string, 10_000)
		for i := range many {
			many[i] = fmt.Sprintf("+49151%08d", i)
		}
		if n := h.suppress(t, many...); n != len(many) {
			t.Errorf("added %d of %d", n, len(many))
		}

		foreign := h.neighbor(t)
		if diff := cmp.Diff([]string(nil), foreign.suppressedNames(t)); diff != "" {
			t.Error(diff)
		}
		if _, err := foreign.Unsuppress(foreign.ctx, db.Client.Suppression.Query().FirstIDX(h.ctx)); !usererror.Is(err,
			usererror.NotFound) {
			t.Error("a foreign entry is removed:", err)
		}
	})
}

func TestTheSuppressionListIsSearchedByNumberAndReason(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		h, _, _ := town(t, db)
		reason := "Complained by letter"
		if _, err := h.Suppress(h.ctx, []string{"+551191234567", "+551187654321"}, &reason); err != nil {
			t.Fatal(err)
		}

		h.suppress(t, "+4915112345678")
		for search, want := range map[string]int{"+55": 2, "5511": 2, "+55 11 91234567": 1, "+55 11 9 9123-4567": 1,
			"LETTER": 2, "+49151": 1, "100%": 0, "": 3} {
			found := db.Client.Suppression.Query().Where(audience.SuppressionPredicate(search)).CountX(h.ctx)
			if search == "" {
				found = db.Client.Suppression.Query().CountX(h.ctx)
			}
			if found != want {
				t.Errorf("%q finds %d, want %d", search, found, want)
			}
		}
	})
}

func TestOfTheSameNumbersAddedAtOnceEachIsThereOnce(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		h, _, _ := town(t, db)
		var all sync.WaitGroup
		total := make([]int, 8)
		for i := range total {
			all.Go(func() {
				phones := make([]string, 50)
				for n := range phones {
					phones[n] = fmt.Sprintf("+49151%08d", (n*7+i*13)%60)
				}

				added, err := h.Suppress(h.ctx, phones, nil)
				if err != nil {
					t.Error(err)
					return
				}

				total[i] = *added
			})
		}

		all.Wait()
		sum := 0
		for _, n := range total {
			sum += n
		}
		if n := db.Client.Suppression.Query().CountX(h.ctx); n != 60 || sum != 60 {
			t.Errorf("%d are there, %d were added", n, sum)
		}
	})
}

func TestAttributeKeysAreCountedAndShowValues(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		h, _, _ := town(t, db)
		keys, err := h.AttributeKeys(h.ctx, "")
		if err != nil {
			t.Fatal(err)
		}

		want := []*audience.AttributeKey{
			{Key: "city", Contacts: 3, Examples: []string{"London", "上海", "北京"}},
			{Key: "50%_off", Contacts: 1, Examples: []string{"yes"}},
			{Key: `it's "so".here`, Contacts: 1, Examples: []string{"1"}},
			{Key: "tier", Contacts: 1, Examples: []string{}},
		}
		if diff := cmp.Diff(want, keys); diff != "" {
			t.Error(diff)
		}
		if keys, err := h.AttributeKeys(h.ctx, " CIT "); err != nil || len(keys) != 1 || keys[0].Key != "city" {
			t.Error(keys, err)
		}

		foreign := h.neighbor(t)
		if keys, err := foreign.AttributeKeys(foreign.ctx, ""); err != nil || len(keys) != 0 {
			t.Error("the keys of others:", keys, err)
		}
	})
}
