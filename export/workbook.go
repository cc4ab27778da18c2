package export

import (
	"archive/zip"
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"time"

	"github.com/xuri/excelize/v2"

	"carillon/ent"
	"carillon/uid"
)

const (
	// mostSheetRows is how many rows a sheet has at most, its header among them.
	mostSheetRows = excelize.TotalRows
	// xlsxTime is how a workbook shows times. They are in UTC.
	xlsxTime = "yyyy-mm-dd hh:mm:ss"
)

// book is a workbook that is written row by row. Rows lie in files of the folder until the end.
type book struct {
	*excelize.File
	columns   []column
	timeStyle int
	sheet     *excelize.StreamWriter
	sheets    int
	row       int // of the sheet, from 1
	perSheet  int
}

func newBook(columns []column, folder string, sheetRows int) (*book, error) {
	if err := os.MkdirAll(folder, 0o700); err != nil { // without it excelize would hold all rows in memory
		return nil, err
	}

	b := &book{File: excelize.NewFile(excelize.Options{TmpDir: folder}), columns: columns, perSheet: sheetRows}
	format := xlsxTime

	var err error
	if b.timeStyle, err = b.NewStyle(&excelize.Style{CustomNumFmt: &format}); err != nil {
		return nil, errors.Join(err, b.Close())
	}

	return b, b.nextSheet()
}

// nextSheet begins a sheet with a header.
func (b *book) nextSheet() (err error) {
	if b.sheet != nil {
		if err := b.sheet.Flush(); err != nil {
			return err
		}
	}

	b.sheets++
	name := "Sheet" + strconv.Itoa(b.sheets) // the first is there already
	if b.sheets > 1 {
		if _, err := b.NewSheet(name); err != nil {
			return err
		}
	}

	if b.sheet, err = b.NewStreamWriter(name); err != nil {
		return err
	}

	b.row = 0
	header := make([]any, len(b.columns))
	for i, c := range b.columns {
		header[i] = c.name
	}

	return b.set(header)
}

func (b *book) set(cells []any) error {
	b.row++
	return b.sheet.SetRow("A"+strconv.Itoa(b.row), cells)
}

// add takes a line of cellRows. A text is never a formula: it stands in a cell of texts.
func (b *book) add(line []byte) error {
	var cells []any
	read := json.NewDecoder(bytes.NewReader(line))
	read.UseNumber()
	if err := read.Decode(&cells); err != nil {
		return fmt.Errorf("read a row back: %w", err)
	}

	for i, cell := range cells {
		cells[i] = b.cell(b.columns[i].is, cell)
	}

	if b.row == b.perSheet {
		if err := b.nextSheet(); err != nil {
			return err
		}
	}

	return b.set(cells)
}

func (b *book) cell(is kindOfCell, value any) any {
	switch v := value.(type) {
	case json.Number:
		n, _ := v.Int64() // all numbers are counts

		return n
	case string:
		switch is {
		case isTime:
			if at, err := time.Parse(time.RFC3339Nano, v); err == nil {
				return excelize.Cell{StyleID: b.timeStyle, Value: at.UTC().Truncate(time.Second)}
			}
		case isDecimal:
			if n, err := strconv.ParseFloat(v, 64); err == nil {
				return n
			}
		}
	}

	return value
}

// writeTo ends the workbook. Its zip is written as it comes: excelize would hold it in memory.
func (b *book) writeTo(w io.Writer) error {
	if err := b.sheet.Flush(); err != nil {
		return err
	}

	b.SetZipWriter(func(io.Writer) excelize.ZipWriter { return zip.NewWriter(w) })
	_, err := b.WriteToBuffer()

	return err
}

// workbook makes a workbook of an export's parts and keeps it as one part.
func (s *Service) workbook(ctx context.Context, e *ent.Export, parts []*ent.ExportPart,
	columns []column) (part, error) {
	b, err := newBook(columns, s.Folder, s.sheetRows)
	if err != nil {
		return part{}, fmt.Errorf("begin a workbook: %w", err)
	}

	defer b.Close()
	in := bufio.NewReaderSize(s.partsFrom(ctx, e.ID, parts, 0), 1<<20)
	for {
		line, err := in.ReadBytes('\n')
		if errors.Is(err, io.EOF) && len(line) == 0 {
			break
		}
		if err != nil {
			return part{}, fmt.Errorf("read parts: %w", err)
		}
		if err := b.add(line); err != nil {
			return part{}, fmt.Errorf("write a workbook: %w", err)
		}
	}

	read, write := io.Pipe()
	over := make(chan struct{})
	go func() {
		defer close(over)
		_ = write.CloseWithError(b.writeTo(write))
	}()

	made := part{name: partName(0)}
	made.bytes, err = s.Files.Put(ctx, folderOf(e.ID)+"/"+made.name, -1, read)
	_ = read.CloseWithError(io.ErrClosedPipe) // where Put failed, the other end stops
	<-over

	return made, err
}

// folderOf is where the files of an export lie.
func folderOf(id uid.ID) string { return id.String() }
