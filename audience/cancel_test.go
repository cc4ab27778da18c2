package audience_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/xuri/excelize/v2"

	"carillon/audience"
	"carillon/database"
	"carillon/database/dbtest"
	"carillon/ent/contactidentifier"
	"carillon/ent/enum"
	"carillon/identity"
	"carillon/uid"
	"carillon/usererror"
)

func TestACanceledImportStopsAndKeepsWhatItHasTaken(t *testing.T) {
	t.Parallel()
	file, _, _ := numbers(5000)
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		h := open(t, db)
		news := 0
		var id uid.ID
		worker := audience.New(db, func() time.Time { return h.present }, func(context.Context, uid.ID, uid.ID) {
			if news++; news == 3 { // two pages are committed
				if _, err := h.CancelImport(h.ctx, id); err != nil {
					t.Error(err)
				}
			}
		})

		id = h.start(t, audience.NewImport{}, file)
		if err := worker.RunImport(h.system, id); err != nil {
			t.Fatal(err)
		}

		im := db.Client.ContactImport.GetX(h.ctx, id)
		want := fmt.Sprintf("Canceled after %d rows: what they brought stays.", im.RowsRead)
		if im.Status != enum.JobStatusCanceled || *im.StatusReason != want || im.RowsRead != 2000 || im.FinishedAt == nil {
			t.Errorf("it is %s because %v after %d rows", im.Status, im.StatusReason, im.RowsRead)
		}
		if n := db.Client.Contact.Query().CountX(h.ctx); n != im.Created || n == 0 {
			t.Errorf("%d contacts are there of %d", n, im.Created)
		}
		if n := db.Client.ImportChunk.Query().CountX(h.ctx); n != 0 {
			t.Errorf("%d pieces of the file are left", n)
		}

		if err := h.RunImport(h.system, id); err != nil {
			t.Error(err)
		}
		if again := db.Client.ContactImport.GetX(h.ctx, id); again.RowsRead != 2000 {
			t.Errorf("it went on to row %d", again.RowsRead)
		}
		if _, err := h.CancelImport(h.ctx, id); !usererror.Is(err, usererror.Conflict) {
			t.Errorf("canceled twice: %v", err)
		}
		if _, err := h.neighbor(t).CancelImport(h.neighbor(t).ctx, id); !usererror.Is(err, usererror.NotFound) {
			t.Errorf("another organization cancels it: %v", err)
		}
	})
}

func TestAnImportIsCanceledWhileWorkersRunIt(t *testing.T) {
	t.Parallel()
	file, _, _ := numbers(4000)
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		for round := range 3 {
			h := open(t, db)
			id := h.start(t, audience.NewImport{}, file)
			var workers sync.WaitGroup

			for range 2 {
				workers.Go(func() {
					if err := h.RunImport(h.system, id); err != nil {
						t.Error(err)
					}
				})
			}

			workers.Go(func() {
				for range round {
					_, _ = h.WaitingImports(h.system)
				}
				if _, err := h.CancelImport(h.ctx, id); err != nil && !usererror.Is(err, usererror.Conflict) {
					t.Error(err)
				}
			})
			workers.Wait()

			im := db.Client.ContactImport.GetX(h.ctx, id)
			if im.Status != enum.JobStatusCanceled && im.Status != enum.JobStatusCompleted || im.FinishedAt == nil {
				t.Errorf("it is %s", im.Status)
			}
			n := db.Client.Contact.Query().CountX(h.ctx)
			if n != im.Created || im.Created+im.Updated+im.Rejected != im.RowsRead {
				t.Errorf("%d contacts, and counts %+v", n, im)
			}
			if n := db.Client.ImportChunk.Query().CountX(h.ctx); n != 0 {
				t.Errorf("%d pieces of the file are left", n)
			}
		}
	})
}

func TestAnImportWithAnIdempotencyKeyIsBegunOnce(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		h := open(t, db)
		h.RememberBy(identity.New(db, identity.Terms{}, time.Now, identity.Options{}).Once)
		begin := func(key, file string) (uid.ID, error) {
			im, err := h.StartImport(h.ctx, audience.NewImport{FileName: "a.csv",
				File: strings.NewReader(file), IdempotencyKey: key})
			if err != nil {
				return uid.ID{}, err
			}

			return im.ID, nil
		}

		var callers sync.WaitGroup
		var mu sync.Mutex
		ids := map[uid.ID]int{}
		for range 5 {
			callers.Go(func() {
				id, err := begin("k", "phone\n+8613800138000\n")
				if err != nil {
					t.Error(err)
				}

				mu.Lock()
				defer mu.Unlock()
				ids[id]++
			})
		}

		callers.Wait()
		imports, pieces := db.Client.ContactImport.Query().CountX(h.ctx), db.Client.ImportChunk.Query().CountX(h.ctx)
		if len(ids) != 1 || imports != 1 || pieces != 1 {
			t.Errorf("imports %v, %d pieces", ids, pieces)
		}

		_, err := begin("k", "phone\n+8613800138001\n")
		if diff := cmp.Diff([]string{"idempotencyKey INVALID"}, inputs(err)); diff != "" {
			t.Error(diff)
		}
		if other, err := begin("other", "phone\n+8613800138000\n"); err != nil || ids[other] != 0 {
			t.Errorf("another key gives %s, %v", other, err)
		}
	})
}

func TestAnImportTakesUserIDsAndMergesNobody(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		h := open(t, db)
		h.identify(t, audience.Identity{Phone: "4915100000001", Name: "One", Make: audience.MakeContact},
			audience.Identity{UserID: "DE.22", Name: "Two", Make: audience.MakeContact},
			audience.Identity{Phone: "4915100000003", UserID: "DE.33", Name: "Three", Make: audience.MakeContact})
		im := h.load(t, audience.NewImport{}, "phone,bsuid,name\n"+
			"+4915100000001,DE.11,\n"+ // a known number's first user id
			"+4915100000002,DE.22,Zwei\n"+ // a known user id's first number
			",DE.44,Four\n"+ // a new person without a number
			"+4915100000005,DE.55,Five\n"+
			",DE.55,Fünf\n"+
			"+4915100000001,DE.33,\n"+ // two people
			"+4915100000006,DE.55,\n"+ // another number on this page
			"+4915100000005,DE.66,\n"+ // another user id on this page
			",x,\n"+
			",,\n"+
			",,Nobody\n")
		if got, want := counts(im), "COMPLETED: 10 of 10 read, 2 created, 3 updated, 5 rejected"; got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}

		got := map[string]string{}
		for _, c := range db.Client.Contact.Query().AllX(h.ctx) {
			phone := ""
			if c.Phone != nil {
				phone = *c.Phone
			}
			got[*c.Name] = phone + " " + *c.WaUserID
		}

		want := map[string]string{"One": "+4915100000001 DE.11", "Zwei": "+4915100000002 DE.22",
			"Three": "+4915100000003 DE.33", "Four": " DE.44", "Fünf": "+4915100000005 DE.55"}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
		mine := contactidentifier.OrganizationID(h.owner)
		if n := db.Client.ContactIdentifier.Query().Where(mine).CountX(h.system); n != 9 {
			t.Errorf("%d identifiers are kept", n)
		}

		again := h.load(t, audience.NewImport{}, "bsuid\nDE.44\nDE.11\n")
		if got, want := counts(again), "COMPLETED: 2 of 2 read, 0 created, 2 updated, 0 rejected"; got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	})
}

func TestAWorkbookIsImported(t *testing.T) {
	t.Parallel()
	f := excelize.NewFile()
	rows := [][]any{{"Newsletter 2026"}, {}, {"Handy", "Vorname", "Nachname", "Seit", "Kunde"},
		{491511234567.0 * 10, "Anna", "Müller", time.Date(2024, 5, 17, 0, 0, 0, 0, time.UTC), true},
		{"+49 151 23456789", "Bo", "Ng", nil, false}, {}, {"nobody"}, {1.5e11}, {"+4915198765432", "Hidden"}}
	for i, cells := range rows {
		cell, _ := excelize.CoordinatesToCellName(1, i+1)
		if err := f.SetSheetRow("Sheet1", cell, &cells); err != nil {
			t.Fatal(err)
		}
	}

	if err := errors.Join(f.SetRowVisible("Sheet1", 9, false)); err != nil {
		t.Fatal(err)
	}

	var b bytes.Buffer
	if err := f.Write(&b); err != nil {
		t.Fatal(err)
	}

	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		h := open(t, db)
		p := h.preview(t, audience.NewImport{}, b.String())
		if p.Encoding != "XLSX" || p.Delimiter != nil || *p.RowsTotal != 5 {
			t.Errorf("%s, %v, %d rows", p.Encoding, p.Delimiter, *p.RowsTotal)
		}

		im := h.load(t, audience.NewImport{FileName: "book.xlsx"}, b.String())
		if got, want := counts(im), "COMPLETED: 5 of 5 read, 2 created, 0 updated, 3 rejected"; got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}

		want := map[string]person{
			"+4915112345670": {"Anna Müller", "", "", "DE", map[string]string{"Vorname": "Anna", "Nachname": "Müller",
				"Seit": "2024-05-17", "Kunde": "TRUE"}, enum.ConsentUnknown},
			"+4915123456789": {"Bo Ng", "", "", "DE", map[string]string{"Vorname": "Bo", "Nachname": "Ng", "Kunde": "FALSE"},
				enum.ConsentUnknown}}
		if diff := cmp.Diff(want, h.people(t)); diff != "" {
			t.Error(diff)
		}

		rejected, err := h.Rejections(h.ctx, []uid.ID{im.ID}, 10)
		if err != nil {
			t.Fatal(err)
		}

		var lines []string
		for _, r := range rejected[im.ID] {
			lines = append(lines, fmt.Sprintf("%d %.36s", r.Line, r.Reason))
		}

		if diff := cmp.Diff([]string{`7 "nobody" is not a phone number: it h`, `8 "150000000000" is not a phone number`,
			"9 the row is hidden in the workbook: s"}, lines); diff != "" {
			t.Error(diff)
		}
	})
}
