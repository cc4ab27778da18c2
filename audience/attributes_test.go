package audience_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"carillon/audience"
	"carillon/database"
	"carillon/database/dbtest"
	"carillon/uid"
)

// wide is a file of so many attributes, all of that value, for each of the numbers.
func wide(prefix string, columns int, value string, numbers ...string) string {
	var b strings.Builder
	b.WriteString("phone")
	for i := range columns {
		fmt.Fprintf(&b, ",%s%d", prefix, i)
	}

	for _, number := range numbers {
		b.WriteString("\n" + number + strings.Repeat(","+value, columns))
	}

	return b.String() + "\n"
}

func TestTheAttributesOfAContactAreBoundedOverSeveralImports(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		h := open(t, db)
		h.load(t, audience.NewImport{}, wide("a", 60, "x", "+4915112345678", "+4915112345679"))
		im := h.load(t, audience.NewImport{}, wide("b", 41, "x", "+4915112345678", "+4915112345670"))
		if got, want := counts(im), "COMPLETED: 2 of 2 read, 1 created, 0 updated, 1 rejected"; got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}

		rows, err := h.Rejections(h.ctx, []uid.ID{im.ID}, 10)
		if err != nil || len(rows[im.ID]) != 1 {
			t.Fatal(rows, err)
		}

		want := "the contact would have 101 attributes; at most 100: leave out columns or remove attributes"
		if r := rows[im.ID][0]; r.Line != 2 || r.Reason != want {
			t.Errorf("line %d: %s", r.Line, r.Reason)
		}

		im = h.load(t, audience.NewImport{}, wide("a", 60, "y", "+4915112345678")) // the same attributes again
		if got, want := counts(im), "COMPLETED: 1 of 1 read, 0 created, 1 updated, 0 rejected"; got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
		if person := h.people(t)["+4915112345678"]; len(person.Attributes) != 60 || person.Attributes["a0"] != "y" {
			t.Errorf("the contact has %d attributes, and a0 is %q", len(person.Attributes), person.Attributes["a0"])
		}
	})
}

func TestTheBytesOfAContactsAttributesAreBounded(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		h := open(t, db)
		kib := strings.Repeat("x", 1024)
		for step, tc := range []struct{ file, want string }{
			{wide("a", 40, kib, "+4915112345678"), "COMPLETED: 1 of 1 read, 1 created, 0 updated, 0 rejected"},
			{wide("b", 30, kib, "+4915112345678"), "COMPLETED: 1 of 1 read, 0 created, 0 updated, 1 rejected"},
			{wide("c", 70, kib, "+4915112345679"), "COMPLETED: 1 of 1 read, 0 created, 0 updated, 1 rejected"},
		} {
			if got := counts(h.load(t, audience.NewImport{}, tc.file)); got != tc.want {
				t.Errorf("%d: %s; want %s", step, got, tc.want)
			}
		}

		large := audience.NewContact{Phone: "+4915112345670"}
		for i := range 70 {
			large.Attributes = append(large.Attributes, audience.Attribute{Key: fmt.Sprint("a", i), Value: kib})
		}

		_, err := h.CreateContact(h.ctx, large)
		if diff := cmp.Diff([]string{"attributes LIMIT_EXCEEDED"}, inputs(err)); diff != "" {
			t.Error(diff)
		}
	})
}
