package main

import (
	"archive/zip"
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"carillon/audience"
	"carillon/caller"
	"carillon/database"
	"carillon/ent"
	"carillon/ent/enum"
	"carillon/ent/jsonfield"
)

// benchImport is how fast files become contacts, and what memory that takes as they grow.
func benchImport(ctx context.Context, o options) error {
	for _, store := range o.stores {
		for format, write := range map[string]func(io.Writer, int) error{"csv": writeCSV, "xlsx": writeWorkbook} {
			for _, n := range o.sizes() {
				if err := importOnce(ctx, store, format, n, write); err != nil {
					return err
				}
			}
		}
	}

	return nil
}

// sizes are how many contacts there are in turn.
func (o options) sizes() []int {
	if o.n > 0 {
		return []int{o.n}
	}
	return []int{10_000, 100_000, 1_000_000}
}

// upload is a file as the API gives it.
type upload struct {
	*os.File
	size int64
}

func (u upload) Size() int64 { return u.size }

// newUpload is a file of n people, which remove takes away.
func newUpload(write func(io.Writer, int) error, n int) (u upload, err error) {
	if u.File, err = os.CreateTemp("", "carillon-bench-"); err != nil {
		return u, err
	}

	buffered := bufio.NewWriterSize(u.File, 1<<20)
	if err := errors.Join(write(buffered, n), buffered.Flush()); err != nil {
		u.remove()
		return u, err
	}

	u.size, err = u.Seek(0, io.SeekEnd)

	return u, err
}

func (u upload) remove() {
	_ = u.Close()
	_ = os.Remove(u.Name())
}

func importOnce(ctx context.Context, store, format string, n int, write func(io.Writer, int) error) error {
	file, err := newUpload(write, n)
	if err != nil {
		return err
	}

	defer file.remove()
	s, err := openStore(ctx, store, nil)
	if err != nil {
		return err
	}

	defer s.close()
	organization := s.db.Client.Organization.Create().SetName("organization").SaveX(caller.System(ctx)).ID
	f, err := importFile(caller.In(ctx, organization), s, audience.New(s.db, database.Now, nil), file, n)
	if err != nil {
		return err
	}

	f["store"], f["format"], f["file_mib"] = store, format, float64(file.size)/(1<<20)

	return f.print("import")
}

func importFile(owner context.Context, s *store, people *audience.Service, file upload, n int) (figures, error) {
	system := caller.System(owner)
	list, err := people.CreateList(owner, "everybody")
	if err != nil {
		return nil, err
	}

	forgetPeak()
	before, server, begun := peakMiB(), s.serverCPU(owner), costNow()
	im, err := people.StartImport(owner, audience.NewImport{FileName: "people", File: file, ListID: &list.ID,
		Consent: &jsonfield.ImportConsent{Consent: enum.ConsentOptedIn, Source: "bench"}})
	if err != nil {
		return nil, err
	}

	stored := time.Since(begun.at)
	if err := people.RunImport(system, im.ID); err != nil {
		return nil, err
	}

	f := figures{"store_seconds": stored.Seconds(), "peak_mib": peakMiB(), "peak_mib_before": before}.since(begun, n)
	f["database_cpu_seconds_per_1000"] = (s.serverCPU(owner) - server).Seconds() * 1000 / float64(n)

	return f, taken(s.db.Client.ContactImport.GetX(system, im.ID), n)
}

func taken(im *ent.ContactImport, n int) error {
	if im.Status != enum.JobStatusCompleted || im.Created != n {
		return fmt.Errorf("the import is %s with %d of %d contacts", im.Status, im.Created, n)
	}
	return nil
}

// forgetPeak lets the peak of memory begin anew, where the system can.
func forgetPeak() {
	_ = os.WriteFile("/proc/self/clear_refs", []byte("5"), 0)
}

func writeCSV(w io.Writer, n int) error {
	_, err := io.WriteString(w, "phone,name,city,since\n")
	for i := 0; i < n && err == nil; i++ {
		_, err = fmt.Fprintf(w, "+86138%08d,Customer Number %d,City %d,2024-05-17\n", i, i, i%100)
	}

	return err
}

// writeWorkbook writes what Excel does: numbers as such, a shared text for each name and city,
// dates.
func writeWorkbook(w io.Writer, n int) error {
	z := zip.NewWriter(w)
	for _, part := range []struct {
		name  string
		write func(w io.Writer)
	}{
		{"xl/workbook.xml", func(w io.Writer) {
			_, _ = io.WriteString(w, `<workbook xmlns:r="r"><sheets><sheet name="One" sheetId="1" r:id="rId1"/></sheets></workbook>`)
		}},
		{"xl/_rels/workbook.xml.rels", func(w io.Writer) {
			_, _ = io.WriteString(w, `<Relationships><Relationship Id="rId1" Type="x/worksheet" Target="worksheets/sheet1.xml"/>`+
				`<Relationship Id="rId2" Type="x/sharedStrings" Target="sharedStrings.xml"/>`+
				`<Relationship Id="rId3" Type="x/styles" Target="styles.xml"/></Relationships>`)
		}},
		{"xl/styles.xml", func(w io.Writer) {
			_, _ = io.WriteString(w, `<styleSheet><cellXfs><xf numFmtId="0"/><xf numFmtId="14"/></cellXfs></styleSheet>`)
		}},
		{"xl/sharedStrings.xml", func(w io.Writer) { writeTexts(w, n) }},
		{"xl/worksheets/sheet1.xml", func(w io.Writer) { writeSheet(w, n) }},
	} {
		to, err := z.Create(part.name)
		if err != nil {
			return err
		}

		buffered := bufio.NewWriterSize(to, 1<<20)
		part.write(buffered)
		if err := buffered.Flush(); err != nil {
			return err
		}
	}

	return z.Close()
}

const cities = 100

func writeTexts(w io.Writer, n int) {
	texts := []string{"phone", "name", "city", "since"}
	_, _ = io.WriteString(w, "<sst><si><t>"+strings.Join(texts, "</t></si><si><t>")+"</t></si>")
	for i := range cities {
		_, _ = fmt.Fprintf(w, "<si><t>City %d</t></si>", i)
	}

	for i := range n {
		_, _ = fmt.Fprintf(w, "<si><t>Customer Number %d</t></si>", i)
	}

	_, _ = io.WriteString(w, "</sst>")
}

func writeSheet(w io.Writer, n int) {
	const first = 4 // texts of the header line
	_, _ = io.WriteString(w, `<worksheet><sheetData><row r="1"><c t="s"><v>0</v></c><c t="s"><v>1</v></c>`+
		`<c t="s"><v>2</v></c><c t="s"><v>3</v></c></row>`)
	for i := range n {
		row := i + 2
		_, _ = fmt.Fprintf(w, `<row r="%d"><c r="A%d"><v>86138%08d</v></c><c r="B%d" t="s"><v>%d</v></c>`+
			`<c r="C%d" t="s"><v>%d</v></c><c r="D%d" s="1"><v>45429</v></c></row>`, row, row, i, row, first+cities+i, row,
			first+i%cities, row)
	}

	_, _ = io.WriteString(w, "</sheetData></worksheet>")
}
