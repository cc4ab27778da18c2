package audience_test

import (
	"bytes"
	"encoding/csv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"carillon/audience"
	"carillon/database"
	"carillon/database/dbtest"
	"carillon/uid"
)

func TestAnImportKeepsTheFirstTenThousandRejectedRowsAndCountsTheRest(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		h := open(t, db)
		im := h.load(t, audience.NewImport{}, "phone\n+8613800138000\n"+strings.Repeat("x\n", 20_400)+"+8613800138001\n")
		if got, want := counts(im), "COMPLETED: 20402 of 20402 read, 2 created, 0 updated, 20400 rejected"; got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}

		rows, err := h.Rejections(h.ctx, []uid.ID{im.ID}, 20_000)
		if err != nil {
			t.Fatal(err)
		}

		kept := rows[im.ID]
		if len(kept) != 10_000 || kept[0].Line != 3 || kept[9999].Line != 10_002 {
			t.Errorf("%d rows are kept, from line %d on", len(kept), kept[0].Line)
		}

		var out strings.Builder
		if err := h.WriteRejections(h.ctx, im.ID, &out); err != nil {
			t.Fatal(err)
		}

		end := "\r\n,,10400 more rows were rejected and are not kept\r\n"
		text := out.String()
		if !strings.HasPrefix(text, "\ufeffline,value,reason\r\n3,x,") || !strings.HasSuffix(text, end) ||
			strings.Count(text, "\n") != 10_002 {
			t.Errorf("the file of rejections is %.40q … %q", text, text[len(text)-60:])
		}
	})
}

func TestAnImportOfRubbishIsGivenUp(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		h := open(t, db)
		im := h.load(t, audience.NewImport{}, "phone\n"+strings.Repeat("x\n", 50_000))
		if got, want := counts(im), "FAILED: 10000 of 50000 read, 0 created, 0 updated, 10000 rejected"; got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}

		want := "The first 10000 rows are all rejected. Look at the reasons, mend the file and import it again."
		if im.StatusReason == nil || *im.StatusReason != want || im.FinishedAt == nil {
			t.Errorf("it ended %v because %v", im.FinishedAt, im.StatusReason)
		}
		if n := db.Client.ImportRejection.Query().CountX(h.ctx); n != 10_000 {
			t.Errorf("%d rejected rows are kept", n)
		}
		if n := db.Client.ImportChunk.Query().CountX(h.ctx); n != 0 {
			t.Errorf("%d pieces of the file are left", n)
		}
	})
}

func TestRejectedRowsAreRemovedWhenTheyAreOld(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		h := open(t, db)
		im := h.load(t, audience.NewImport{}, "phone\n1\n2\n3\n")
		for _, step := range []struct {
			before time.Duration
			want   int
		}{{-time.Hour, 3}, {time.Hour, 0}} {
			if err := h.Sweep(h.system, time.Now().Add(step.before)); err != nil {
				t.Fatal(err)
			}
			if n := db.Client.ImportRejection.Query().CountX(h.ctx); n != step.want {
				t.Errorf("%d rows are left, not %d", n, step.want)
			}
		}

		if got, want := counts(db.Client.ContactImport.GetX(h.ctx, im.ID)),
			"COMPLETED: 3 of 3 read, 0 created, 0 updated, 3 rejected"; got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	})
}

func TestRejectedRowsAreNoFormulasAndCanBeImportedAgain(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		h := open(t, db)
		file := "phone,language\n" +
			"=HYPERLINK(1),\n" +
			"@SUM(1),\n" +
			"+1 415 555,\n" +
			"-2+3,\n" +
			"+4915112345678,Klingon\n"

		im := h.load(t, audience.NewImport{}, file)
		var out bytes.Buffer
		if err := h.WriteRejections(h.ctx, im.ID, &out); err != nil {
			t.Fatal(err)
		}

		rows, err := csv.NewReader(&out).ReadAll() // the mark is part of "line"
		if err != nil {
			t.Fatal(err)
		}

		var values []string
		for _, row := range rows[1:] {
			values = append(values, row[1])
		}

		if diff := cmp.Diff([]string{"'=HYPERLINK(1)", "'@SUM(1)", "'+1 415 555", "'-2+3", "Klingon"}, values); diff != "" {
			t.Error(diff)
		}

		h.load(t, audience.NewImport{}, "phone\n'+1 415 555 2671\n")
		if h.people(t)["+14155552671"].Country != "US" {
			t.Errorf("a number with a ' before it becomes %v", h.people(t))
		}
	})
}
