package audience_test

import (
	"bytes"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"carillon/audience"
	"carillon/database"
	"carillon/database/dbtest"
	"carillon/ent"
	"carillon/ent/contact"
	"carillon/ent/enum"
	"carillon/ent/importchunk"
	"carillon/ent/jsonfield"
	"carillon/uid"
	"carillon/usererror"
)

func counts(im *ent.ContactImport) string {
	return fmt.Sprintf("%s: %d of %d read, %d created, %d updated, %d rejected", im.Status, im.RowsRead, *im.RowsTotal,
		im.Created, im.Updated, im.Rejected)
}

func TestAnImportTakesWhatIsRightAndSaysWhatIsWrong(t *testing.T) {
	t.Parallel()
	file := "phone,name,city,language,timezone\r\n" +
		"+86 138 0013 8000,\"Li, Lei\",Beijing,zh_CN,Asia/Shanghai\r\n" +
		"12345,Short,,,\r\n" +
		"\r\n" +
		"13800138001,\"Han\r\nMeimei\",上海,,\r\n" +
		"+8613800138002,\"Broken,,,\r\n" +
		"+8613800138003,Few\r\n" +
		"+8613800138004,Klingon,,Klingon,\r\n" +
		"+8613800138005,Mars,,,Mars/Olympus\r\n" +
		",Nobody,,,\r\n" +
		"+8613800138006,\"=1+1\",=cmd(),,,,\r\n" +
		"+8613800138007," + strings.Repeat("x", 257) + ",,,\r\n" +
		"+8613800138008,,\"" + strings.Repeat("長", 1025) + "\",,\r\n" +
		"+8613800138009,\xff,,,\r\n" +
		"+8613800138000,,,en,"

	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		h := open(t, db)
		list, china := h.list(t, "customers"), "cn"
		im := h.load(t, audience.NewImport{ListID: &list, DefaultCountry: &china}, file)

		if got, want := counts(im), "COMPLETED: 13 of 13 read, 4 created, 1 updated, 8 rejected"; got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}

		want := map[string]person{
			"+8613800138000": {"Li, Lei", "en", "Asia/Shanghai", "CN", map[string]string{"city": "Beijing"},
				enum.ConsentUnknown},
			"+8613800138001": {"Han Meimei", "", "", "CN", map[string]string{"city": "上海"}, enum.ConsentUnknown},
			"+8613800138003": {"Few", "", "", "CN", map[string]string{}, enum.ConsentUnknown},
			"+8613800138006": {"=1+1", "", "", "CN", map[string]string{"city": "=cmd()"}, enum.ConsentUnknown},
		}
		if diff := cmp.Diff(want, h.people(t)); diff != "" {
			t.Error(diff)
		}

		var rejected []string
		rows, err := h.Rejections(h.ctx, []uid.ID{im.ID}, 20)
		if err != nil {
			t.Fatal(err)
		}

		for _, r := range rows[im.ID] {
			rejected = append(rejected, fmt.Sprintf("%d %.20s: %.60s", r.Line, r.Value, r.Reason))
		}

		wantRejected := []string{
			`3 12345: "12345" is not a phone number: write it with its country cod`,
			`7 +8613800138002,"Brok: a quote (") stands inside a value: put the whole value in qu`,
			`9 Klingon: "Klingon" is not a language: write its code, e.g. zh_CN or e`,
			`10 Mars/Olympus: "Mars/Olympus" is not a time zone: write its IANA name, e.g.`,
			`11 : the phone number is missing`,
			`13 xxxxxxxxxxxxxxxxxxxx: the name has 257 characters; at most 256`,
			`14 長長長長長長長長長長長長長長長長長長長長: the value of city has 1025 characters; at most 1024`,
			"15 +8613800138009,\uFFFD,,,: the row is no text in the encoding of the file: save the fil",
		}
		if diff := cmp.Diff(wantRejected, rejected); diff != "" {
			t.Error(diff)
		}
		if sizes, err := h.ListSizes(h.ctx, []uid.ID{list}); err != nil || sizes[list] != 4 {
			t.Errorf("the list has %v contacts, %v", sizes, err)
		}
		if n := db.Client.ImportChunk.Query().CountX(h.ctx); n != 0 {
			t.Errorf("%d pieces of the file are left", n)
		}

		var out bytes.Buffer
		if err := h.WriteRejections(h.ctx, im.ID, &out); err != nil {
			t.Fatal(err)
		}
		if all, err := csv.NewReader(&out).ReadAll(); err != nil || len(all) != 9 || all[1][0] != "3" {
			t.Errorf("the file of rejections is %q, %v", all, err)
		}
	})
}

func TestAnImportUsesTheCountryOfTheRow(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		h := open(t, db)
		h.load(t, audience.NewImport{DefaultCountry: new("CN")},
			"phone,country\n07400 123456,gb\n13800138000,\n13800138001,China\n+14155552671,US\n")
		want := map[string]person{
			"+447400123456":  {Country: "GB", Attributes: map[string]string{}, Consent: enum.ConsentUnknown},
			"+8613800138000": {Country: "CN", Attributes: map[string]string{}, Consent: enum.ConsentUnknown},
			"+8613800138001": {Country: "CN", Attributes: map[string]string{}, Consent: enum.ConsentUnknown},
			"+14155552671":   {Country: "US", Attributes: map[string]string{}, Consent: enum.ConsentUnknown},
		}
		if diff := cmp.Diff(want, h.people(t)); diff != "" {
			t.Error(diff)
		}
	})
}

func TestAnImportTakesFilesOfOtherProgramsOnBothDatabases(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		for name, want := range map[string]string{
			"decimals-national.csv": "COMPLETED: 1 of 1 read, 1 created, 0 updated, 0 rejected",
			"decimals.csv":          "COMPLETED: 6 of 6 read, 5 created, 0 updated, 1 rejected",
			"countries.csv":         "COMPLETED: 4 of 4 read, 4 created, 0 updated, 0 rejected",
			"without-plus.csv":      "COMPLETED: 7 of 7 read, 6 created, 0 updated, 1 rejected",
			"ragged.csv":            "COMPLETED: 4 of 4 read, 4 created, 0 updated, 0 rejected",
			"empty-columns.csv":     "COMPLETED: 2 of 2 read, 2 created, 0 updated, 0 rejected",
			"sep.csv":               "COMPLETED: 1 of 1 read, 1 created, 0 updated, 0 rejected",
			"semicolons.csv":        "COMPLETED: 1 of 1 read, 1 created, 0 updated, 0 rejected",
			"index-column.csv":      "COMPLETED: 2 of 2 read, 2 created, 0 updated, 0 rejected",
			"apostrophe.csv":        "COMPLETED: 1 of 1 read, 1 created, 0 updated, 0 rejected",
			"formula.csv":           "COMPLETED: 2 of 2 read, 2 created, 0 updated, 0 rejected",
		} {
			h := open(t, db)
			file, err := os.ReadFile(filepath.Join("testdata", "files", name))
			if err != nil {
				t.Fatal(err)
			}

			if got := counts(h.load(t, audience.NewImport{FileName: name, DefaultCountry: new("DE")},
				string(file))); got != want {
				t.Errorf("%s: %s; want %s", name, got, want)
			}

			for phone := range h.people(t) {
				if _, err := h.CreateContact(h.ctx, audience.NewContact{Phone: phone}); !slices.Equal(inputs(err),
					[]string{"phone TAKEN"}) {
					t.Errorf("%s of %s is not a contact: %v", phone, name, err)
				}
			}
		}
	})
}

func TestAnImportKeepsToTheFormOfItsNumbers(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		for form, want := range map[enum.NumberForm]string{enum.NumberFormNational: "+8615012345678",
			enum.NumberFormInternational: "+15012345678"} {
			h := open(t, db)
			h.load(t, audience.NewImport{DefaultCountry: new("CN"), NumberForm: &form}, "phone\n15012345678\n")
			if people := h.people(t); len(people) != 1 || people[want].Country == "" {
				t.Errorf("%s: %v", form, people)
			}
		}
	})
}

func TestAnImportChangesOnlyWhatItSays(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		h := open(t, db)
		h.load(t, audience.NewImport{}, "phone,name,language,city,tier\n+8613800138000,Li Lei,zh_CN,Beijing,gold\n")
		im := h.load(t, audience.NewImport{},
			"phone,name,language,city,note\n+8613800138000,,en,,vip\n+8613800138000,Lei,,Xi'an,\n")
		if got, want := counts(im), "COMPLETED: 2 of 2 read, 0 created, 2 updated, 0 rejected"; got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}

		want := map[string]person{"+8613800138000": {"Lei", "en", "", "CN",
			map[string]string{"city": "Xi'an", "tier": "gold", "note": "vip"}, enum.ConsentUnknown}}
		if diff := cmp.Diff(want, h.people(t)); diff != "" {
			t.Error(diff)
		}
	})
}

func TestAnImportNeverOptsInWhoHasOptedOut(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		h := open(t, db)
		for phone, consent := range map[string]enum.Consent{"+8613800138001": enum.ConsentOptedOut,
			"+8613800138002": enum.ConsentOptedIn, "+8613800138003": enum.ConsentUnknown} {
			if _, err := h.CreateContact(h.ctx, audience.NewContact{Phone: phone,
				Consent: &jsonfield.ImportConsent{Consent: consent, Source: "web"}}); err != nil {
				t.Fatal(err)
			}
		}

		file := "phone,name\n+8613800138001,One\n+8613800138002,Two\n+8613800138003,Three\n+8613800138004,Four\n"
		h.load(t, audience.NewImport{FileName: `C:\lists\fair.csv`,
			Consent: &jsonfield.ImportConsent{Consent: enum.ConsentOptedIn, Source: "fair", Evidence: "booth 7"}}, file)
		want := map[string]enum.Consent{"+8613800138001": enum.ConsentOptedOut, "+8613800138002": enum.ConsentOptedIn,
			"+8613800138003": enum.ConsentOptedIn, "+8613800138004": enum.ConsentOptedIn}
		got, history := map[string]enum.Consent{}, map[string]string{}

		for _, c := range db.Client.Contact.Query().WithConsentHistory().AllX(h.ctx) {
			got[*c.Phone] = c.MarketingConsent
			for _, r := range c.Edges.ConsentHistory {
				if r.Source == "fair" {
					history[*c.Phone] += fmt.Sprintf("%s %s %v", r.Consent, *r.Evidence, r.RecordedAt.Equal(h.present))
				}
			}

			if c.Name == nil {
				t.Errorf("%s was not updated", *c.Phone)
			}
		}

		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}

		record := "OPTED_IN booth 7 (fair.csv) true"
		if diff := cmp.Diff(map[string]string{"+8613800138003": record, "+8613800138004": record}, history); diff != "" {
			t.Error(diff)
		}

		h.load(t,
			audience.NewImport{Consent: &jsonfield.ImportConsent{Consent: enum.ConsentOptedOut, Source: "complaints"}}, file)
		if n := db.Client.Contact.Query().Where(contact.MarketingConsentNEQ(enum.ConsentOptedOut)).CountX(h.ctx); n != 0 {
			t.Errorf("%d contacts are still in after an import of opt-outs", n)
		}
	})
}

// numbers is a file of so many rows, every tenth of them wrong and every seventh a number seen
// before.
func numbers(rows int) (file string, distinct, rejected int) {
	var b strings.Builder
	b.WriteString("phone,name,note\n")
	seen := map[int]bool{}

	for i := range rows {
		switch {
		case i%10 == 9:
			rejected++
			fmt.Fprintf(&b, "12%d,Wrong,\n", i)
		case i%7 == 6:
			seen[i/7] = true
			fmt.Fprintf(&b, "+86138%08d,Again %d,\n", i/7, i)
		default:
			seen[i] = true
			fmt.Fprintf(&b, "+86138%08d,Name %d,\"two\nlines\"\n", i, i)
		}
	}

	return b.String(), len(seen), rejected
}

func TestTwoWorkersTakeEachRowOfAnImportOnce(t *testing.T) {
	t.Parallel()
	file, distinct, rejected := numbers(5500)
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		h := open(t, db)
		list := h.list(t, "all")
		id := h.start(t, audience.NewImport{ListID: &list,
			Consent: &jsonfield.ImportConsent{Consent: enum.ConsentOptedIn, Source: "form"}}, file)
		var workers sync.WaitGroup

		for range 3 {
			workers.Go(func() {
				if err := h.RunImport(h.system, id); err != nil {
					t.Error(err)
				}
			})
		}

		workers.Wait()
		h.checkNumbers(t, id, list, 5500, distinct, rejected)
	})
}

func TestAnImportThatWasCutOffGoesOnWhereItStood(t *testing.T) {
	t.Parallel()
	file, distinct, rejected := numbers(5500)
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		h := open(t, db)
		list := h.list(t, "all")
		id := h.start(t, audience.NewImport{ListID: &list,
			Consent: &jsonfield.ImportConsent{Consent: enum.ConsentOptedIn, Source: "form"}}, file)
		runs := 0

		for done := false; !done; runs++ {
			ctx, cutOff := context.WithCancel(h.system)
			news := 0
			worker := audience.New(db, func() time.Time { return h.present }, func(context.Context, uid.ID, uid.ID) {
				if news++; news == 2 {
					cutOff()
				}
			})

			err := worker.RunImport(ctx, id)
			waiting, _ := h.WaitingImports(h.system)
			done = len(waiting) == 0
			if !done && !errors.Is(err, context.Canceled) {
				t.Fatal(err)
			}

			cutOff()
		}

		if runs < 3 {
			t.Errorf("it was cut off %d times only", runs)
		}

		h.checkNumbers(t, id, list, 5500, distinct, rejected)
	})
}

func (h *house) checkNumbers(t *testing.T, id, list uid.ID, rows, distinct, rejected int) {
	t.Helper()
	im := h.db.Client.ContactImport.GetX(h.ctx, id)
	want := fmt.Sprintf("COMPLETED: %d of %d read, %d created, %d updated, %d rejected", rows, rows, distinct,
		rows-distinct-rejected, rejected)
	if got := counts(im); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}

	sizes, err := h.ListSizes(h.ctx, []uid.ID{list})
	got := map[string]int{"contacts": h.db.Client.Contact.Query().CountX(h.ctx), "on the list": sizes[list],
		"consents":   h.db.Client.ConsentRecord.Query().CountX(h.ctx),
		"rejections": h.db.Client.ImportRejection.Query().CountX(h.ctx)}
	if diff := cmp.Diff(map[string]int{"contacts": distinct, "on the list": distinct, "consents": distinct,
		"rejections": rejected}, got); diff != "" || err != nil {
		t.Error(diff, err)
	}

	for i, r := range h.db.Client.ImportRejection.Query().AllX(h.ctx) {
		var n int
		if _, err := fmt.Sscanf(r.Value, "12%d", &n); err != nil {
			t.Fatalf("rejection %d is of %q", i, r.Value)
		}
		if lines := 2 + n + (n - n/10) - sevenths(n); r.Line != lines {
			t.Fatalf("%q is said to be on line %d, not %d", r.Value, r.Line, lines)
		}
	}
}

// sevenths is how many rows before n are of numbers seen before; those have one line each.
func sevenths(n int) (count int) {
	for i := range n {
		if i%10 != 9 && i%7 == 6 {
			count++
		}
	}

	return count
}

func TestImportsOfTheSameNumbersDoNotHoldEachOtherUp(t *testing.T) {
	t.Parallel()
	lines := make([]string, 3000)
	for i := range lines {
		lines[i] = fmt.Sprintf("+86138%08d\n", i)
	}

	forth := strings.Join(lines, "")
	slices.Reverse(lines)
	back := strings.Join(lines, "")

	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		h := open(t, db)
		var workers sync.WaitGroup
		for _, rows := range []string{forth, back, forth} {
			id := h.start(t, audience.NewImport{}, "phone\n"+rows)
			workers.Go(func() {
				if err := h.RunImport(h.system, id); err != nil {
					t.Error(err)
				}
			})
		}

		workers.Wait()
		created, updated := 0, 0
		for _, im := range db.Client.ContactImport.Query().AllX(h.ctx) {
			created, updated = created+im.Created, updated+im.Updated
		}

		if n := db.Client.Contact.Query().CountX(h.ctx); n != 3000 || created != 3000 || updated != 6000 {
			t.Errorf("%d contacts; %d created, %d updated", n, created, updated)
		}
	})
}

func TestAnImportTellsOfEveryCommit(t *testing.T) {
	t.Parallel()
	file, _, _ := numbers(2500)
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		h := open(t, db)
		var read []int
		told := audience.New(db, func() time.Time { return h.present }, func(ctx context.Context, _, id uid.ID) {
			read = append(read, db.Client.ContactImport.GetX(ctx, id).RowsRead)
		})
		im, err := told.StartImport(h.ctx, audience.NewImport{File: strings.NewReader(file)})
		if err != nil {
			t.Fatal(err)
		}
		if err := told.RunImport(h.system, im.ID); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]int{0, 0, 1000, 2000, 2500}, read); diff != "" {
			t.Error(diff)
		}
	})
}

func TestAnImportFailsWhenItsListOrFileIsGone(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		h := open(t, db)
		list := h.list(t, "gone")
		row := "phone\n+8613800138000\n"
		withoutList := h.start(t, audience.NewImport{ListID: &list}, row)
		db.Client.ContactList.DeleteOneID(list).ExecX(h.ctx)
		withoutFile := h.start(t, audience.NewImport{}, row)
		db.Client.ImportChunk.Delete().Where(importchunk.ContactImportID(withoutFile)).ExecX(h.ctx)

		for id, want := range map[uid.ID]string{withoutList: "the list was deleted",
			withoutFile: "a piece of the uploaded file is missing"} {
			if err := h.RunImport(h.system, id); err != nil {
				t.Error(err)
			}

			im := db.Client.ContactImport.GetX(h.ctx, id)
			if im.Status != enum.JobStatusFailed || *im.StatusReason != want || im.FinishedAt == nil {
				t.Errorf("it is %s because %v; want %q", im.Status, *im.StatusReason, want)
			}
		}

		if n := h.db.Client.ImportChunk.Query().CountX(h.ctx); n != 0 {
			t.Errorf("%d pieces of files are left", n)
		}
	})
}

func TestImportsOfOneOrganizationAreNothingToAnother(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		mine := open(t, db)
		theirs := mine.neighbor(t)
		list := theirs.list(t, "theirs")
		_, err := mine.StartImport(mine.ctx, audience.NewImport{File: strings.NewReader("phone\n"), ListID: &list})
		if diff := cmp.Diff([]string{"listId NOT_FOUND"}, inputs(err)); diff != "" {
			t.Error(diff)
		}

		id := theirs.start(t, audience.NewImport{ListID: &list}, "phone,name\n+8613800138000,Theirs\n1,Wrong\n")
		if err := mine.RunImport(mine.ctx, id); err != nil {
			t.Error(err)
		}
		if waiting, err := mine.WaitingImports(mine.ctx); err != nil || len(waiting) != 0 {
			t.Errorf("I see imports %v, %v", waiting, err)
		}
		if waiting, err := mine.WaitingImports(mine.system); err != nil || !slices.Equal(waiting, []uid.ID{id}) {
			t.Errorf("the system sees imports %v, %v", waiting, err)
		}

		mine.load(t, audience.NewImport{}, "phone,name\n+8613800138000,Mine\n")
		if err := mine.RunImport(mine.system, id); err != nil {
			t.Error(err)
		}
		if got := mine.people(t)["+8613800138000"].Name + theirs.people(t)["+8613800138000"].Name; got != "MineTheirs" {
			t.Errorf("the same number is %s", got)
		}
		if rows, err := mine.Rejections(mine.ctx, []uid.ID{id}, 10); err != nil || len(rows[id]) != 0 {
			t.Errorf("I see rejections %v, %v", rows, err)
		}
		if err := mine.WriteRejections(mine.ctx, id, new(bytes.Buffer)); !usererror.Is(err, usererror.NotFound) {
			t.Errorf("I read the rejections of another: %v", err)
		}
		if sizes, err := mine.ListSizes(mine.ctx, []uid.ID{list}); err != nil || sizes[list] != 0 {
			t.Errorf("I see how long another's list is: %v, %v", sizes, err)
		}
	})
}

func BenchmarkImport(b *testing.B) {
	for name, dsn := range map[string]func(testing.TB) string{"sqlite": dbtest.SQLite, "postgres": dbtest.Postgres} {
		for kind, more := range map[string]bool{"contacts": false, "contacts, list and consent": true} {
			b.Run(name+"/"+kind, func(b *testing.B) { benchmarkImport(b, dbtest.Open(b, dsn(b)), more) })
		}
	}
}

func benchmarkImport(b *testing.B, db *database.DB, more bool) {
	const rows = 100_000
	h := open(b, db)
	var file strings.Builder
	file.WriteString("phone,name,language,city\n")
	for i := range rows {
		fmt.Fprintf(&file, "+86138%08d,Customer %d,zh_CN,Shanghai\n", (i*7919)%rows, i)
	}

	n := audience.NewImport{}
	if more {
		n.ListID, n.Consent = new(h.list(b, "all")), &jsonfield.ImportConsent{Consent: enum.ConsentOptedIn, Source: "form"}
	}

	for b.Loop() {
		h.load(b, n, file.String())
	}

	b.ReportMetric(float64(b.N*rows)/b.Elapsed().Seconds(), "rows/s")
}

// +55 11 0000 1111 is in no numbering plan.
func TestAnImportTakesNumbersThatOnlyWhatsAppKnows(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		h := open(t, db)
		h.identify(t, audience.Identity{Phone: "551100001111", Name: "Ana", Make: audience.MakeContact})
		h.identify(t, audience.Identity{Phone: "551100002222", UserID: "BR.1234567890"}) // told of, and no contact
		file := "phone,name\n+55 1100001111,Ana B\n00551100002222,Bea\n+551100003333,Nobody\n" +
			"+551100001111.0,Wrong\n551100001111,Ana C\n"
		im := h.load(t, audience.NewImport{}, file)

		if got, want := counts(im), "COMPLETED: 5 of 5 read, 1 created, 2 updated, 2 rejected"; got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}

		names := map[string]string{}
		for phone, p := range h.people(t) {
			names[phone] = p.Name
		}

		if diff := cmp.Diff(map[string]string{"+551100001111": "Ana C", "+551100002222": "Bea"}, names); diff != "" {
			t.Error(diff)
		}

		rows, err := h.Rejections(h.ctx, []uid.ID{im.ID}, 20)
		if err != nil || len(rows[im.ID]) != 2 || rows[im.ID][0].Line != 4 || rows[im.ID][0].Value != "+551100003333" {
			t.Errorf("%v, %v", rows[im.ID], err)
		}
	})
}
