package audience_test

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"carillon/audience"
	"carillon/database"
	"carillon/database/dbtest"
	"carillon/ent/contactimport"
	"carillon/ent/enum"
	"carillon/ent/jsonfield"
	"carillon/uid"
	"carillon/usererror"
)

func TestAnImportReadsWhatSpreadsheetsWrite(t *testing.T) {
	t.Parallel()
	rows := "手机%sname%scity\n+8613800138000%sLi Lei%s北京\n"
	with := func(d string) string { return fmt.Sprintf(rows, d, d, d, d) }

	utf16 := func(order []byte, s string) string {
		var b bytes.Buffer
		b.Write(order)
		for _, r := range s {
			if order[0] == 0xff {
				b.Write([]byte{byte(r), byte(r >> 8)})
			} else {
				b.Write([]byte{byte(r >> 8), byte(r)})
			}
		}

		return b.String()
	}

	files := map[string]string{
		"commas": with(","), "semicolons": with(";"), "tabs": with("\t"), "a byte order mark": "\ufeff" + with(","),
		"UTF-16, little end first": utf16([]byte{0xff, 0xfe}, with("\t")),
		"UTF-16, big end first":    utf16([]byte{0xfe, 0xff}, with("\t")),
		"blank lines above":        "\n\n" + with(","), "lone carriage returns": strings.ReplaceAll(with(","), "\n", "\r"),
	}

	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		for name, file := range files {
			h := open(t, db)
			h.load(t, audience.NewImport{}, file)
			want := map[string]person{"+8613800138000": {Name: "Li Lei", Country: "CN",
				Attributes: map[string]string{"city": "北京"}, Consent: enum.ConsentUnknown}}
			if diff := cmp.Diff(want, h.people(t)); diff != "" {
				t.Errorf("%s: %s", name, diff)
			}
		}
	})
}

func TestAnImportRefusesAFileThatItCannotUnderstand(t *testing.T) {
	t.Parallel()
	files := map[string]struct{ file, want string }{
		"empty":                        {"", "the file is empty"},
		"blank":                        {"\n,,\n", "the file is empty"},
		"without a number":             {"name,city\nLi Lei,Beijing\n", `no column phone: its columns are "name, city"`},
		"with two numbers":             {"tel,mobile\n1,2\n", `columns "tel" and "mobile" both say the phone`},
		"with a column twice":          {"phone,city,City\n", `columns 2 and 3 are both called "City"`},
		"without names":                {"+14155552671,Ana\n+14155552672,Bo\n", "holds a number and no names of columns"},
		"with a broken header":         {"phone,\"city\n1,2\n", "in the header line, a quote"},
		"that is a workbook":           {"PK\x03\x04…", "the file is a broken workbook"},
		"of an old Excel":              {"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1…", "a workbook of an old Excel (.xls)"},
		"with a header without end":    {"phone," + strings.Repeat("x", 70<<10), "longer than 64 KiB"},
		"too large":                    {"phone\n" + strings.Repeat("+8613800138000\n", 7_000_000), "larger than 100 MB"},
		"with a long name of a column": {"phone," + strings.Repeat("x", 65) + "\n", "has 65 characters; at most 64"},
	}

	db := dbtest.Open(t, dbtest.SQLite(t))
	h := open(t, db)

	for name, tc := range files {
		_, err := h.StartImport(h.ctx, audience.NewImport{FileName: "people.csv", File: strings.NewReader(tc.file)})
		var in usererror.Fields
		if !errors.As(err, &in) || !strings.Contains(err.Error(), tc.want) || in[0].Path[0] != "file" {
			t.Errorf("a file %s: %v; want %q", name, err, tc.want)
		}
	}

	if n := db.Client.ImportChunk.Query().CountX(h.ctx); n != 0 {
		t.Errorf("%d pieces of refused files are left", n)
	}

	_, err := h.StartImport(h.ctx, audience.NewImport{File: strings.NewReader("phone"), DefaultCountry: new("China"),
		ListID: new(uid.New(uid.ContactList)), Consent: &jsonfield.ImportConsent{Consent: "MAYBE"}})
	if diff := cmp.Diff([]string{"listId NOT_FOUND", "defaultCountry INVALID", "consent.consent INVALID",
		"consent.source REQUIRED"}, inputs(err)); diff != "" {
		t.Error(diff)
	}
}

func TestAnUploadThatWasCutOffLeavesNothingForLong(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		h := open(t, db)
		h.present = time.Now()
		piece := func(of uid.ID) {
			db.Client.ImportChunk.Create().SetOrganizationID(h.owner).SetContactImportID(of).SetStart(1 << 30).
				SetData([]byte("phone")).SaveX(h.system)
		}

		waiting := h.start(t, audience.NewImport{}, "phone\n+8613800138000\n")
		over := h.load(t, audience.NewImport{}, "phone\n")
		piece(uid.New(uid.ContactImport)) // a process died during the upload
		piece(over.ID)

		left := func() int { return db.Client.ImportChunk.Query().CountX(h.system) }

		sweep := func() {
			if err := h.Sweep(h.system, h.present.Add(-30*24*time.Hour)); err != nil {
				t.Fatal(err)
			}
		}
		if sweep(); left() != 3 {
			t.Errorf("of uploads that may be under way %d pieces are left, not 3", left())
		}

		h.present = h.present.Add(25 * time.Hour)
		if sweep(); left() != 1 {
			t.Errorf("%d pieces are left, not that of the import that waits", left())
		}
		if err := h.RunImport(h.system, waiting); err != nil || h.people(t)["+8613800138000"].Country != "CN" {
			t.Errorf("the import that waited is %v, %v", h.people(t), err)
		}
	})
}

func TestAnOrganizationHasOnlySoManyImportsUnderWay(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		h := open(t, db)
		other := h.neighbor(t)
		var callers sync.WaitGroup
		var taken, refused atomic.Int32

		for range 30 {
			callers.Go(func() {
				_, err := h.StartImport(h.ctx, audience.NewImport{File: strings.NewReader("phone\n+8613800138000\n")})
				switch {
				case err == nil:
					taken.Add(1)
				case slices.Equal(inputs(err), []string{"file LIMIT_EXCEEDED"}):
					refused.Add(1)
				default:
					t.Error(err)
				}
			})
		}

		callers.Wait()
		if taken.Load() != 20 || refused.Load() != 10 {
			t.Errorf("%d are taken and %d refused", taken.Load(), refused.Load())
		}
		if n := db.Client.ImportChunk.Query().CountX(h.system); n != 20 {
			t.Errorf("%d pieces of files are stored", n)
		}

		other.start(t, audience.NewImport{}, "phone\n")

		first := db.Client.ContactImport.Query().Where(contactimport.OrganizationID(h.owner)).FirstIDX(h.ctx)
		if err := h.RunImport(h.system, first); err != nil {
			t.Fatal(err)
		}

		h.start(t, audience.NewImport{}, "phone\n")
	})
}

func TestTheFilesOfImportsUnderWayHaveOnlySoManyBytes(t *testing.T) {
	t.Parallel()
	h := open(t, dbtest.Open(t, dbtest.SQLite(t)))
	h.db.Client.ContactImport.Create().SetFileName("large.csv").SetFileBytes(500_000_000 - 10).SaveX(h.ctx)
	_, err := h.StartImport(h.ctx, audience.NewImport{File: strings.NewReader("phone\n+8613800138000\n")})
	if diff := cmp.Diff([]string{"file LIMIT_EXCEEDED"}, inputs(err)); diff != "" {
		t.Error(diff)
	}
	if n := h.db.Client.ImportChunk.Query().CountX(h.ctx); n != 0 {
		t.Errorf("%d pieces of the refused file are left", n)
	}

	h.start(t, audience.NewImport{}, "phone\n")
}
