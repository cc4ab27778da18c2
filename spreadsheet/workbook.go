package spreadsheet

import (
	"archive/zip"
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"path"
	"strconv"
	"strings"
	"unicode/utf16"
)

const (
	// oldWorkbook is what files of Excel 97, and those with a password, begin with.
	oldWorkbook = "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"

	maxDirectory = 8 << 20 // bytes of a workbook's table of contents
	maxUnpacked  = 2 << 30 // bytes of XML that are read of one workbook
	maxToken     = 1 << 20 // bytes of one value or tag
	maxSheets    = 1024
	maxStyles    = 64 << 10
	// firstRows is how many rows of a sheet are asked whether they are its header.
	firstRows = 10
)

// workbook is an XLSX file (ECMA-376) that is open.
type workbook struct {
	parts    map[string]*zip.File // by path, in lower case
	left     int64                // bytes of XML that may still be read
	sheets   []sheet
	styles   styles
	strings  *sharedStrings
	date1904 bool
}

type sheet struct {
	name, part string
	hidden     bool
}

var errBroken = unreadable("the file is a broken workbook: open it in a spreadsheet, save it again, and import that")

func openWorkbook(file Upload, o Options) (text *Text, err error) {
	bounded := &boundedAt{ReaderAt: file, left: maxDirectory}
	archive, err := zip.NewReader(bounded, file.Size())
	if err != nil {
		return nil, errBroken
	}

	bounded.left = -1
	w := &workbook{parts: make(map[string]*zip.File, len(archive.File)), left: maxUnpacked, strings: &sharedStrings{}}
	for _, f := range archive.File {
		w.parts[strings.ToLower(strings.TrimPrefix(strings.ReplaceAll(f.Name, `\`, "/"), "/"))] = f
	}

	defer func() {
		if err != nil {
			w.strings.close()
		}
	}()

	if err := w.readParts(); err != nil {
		return nil, err
	}

	chosen, err := w.choose(o.Header)
	if err != nil {
		return nil, err
	}

	var rows *sheetRows
	if chosen != nil {
		if rows, err = w.rows(*chosen); err != nil {
			return nil, err
		}
	}

	return &Text{Reader: &sheetText{rows: rows}, Encoding: XLSX, Workbook: true, close: func() {
		rows.close()
		w.strings.close()
	}}, nil
}

// boundedAt reads no more than so many bytes. A negative number is no bound.
type boundedAt struct {
	io.ReaderAt
	left int64
}

func (b *boundedAt) ReadAt(p []byte, at int64) (int, error) {
	if b.left < 0 {
		return b.ReaderAt.ReadAt(p, at)
	}
	if b.left -= int64(len(p)); b.left < 0 {
		b.left = 0
		return 0, errBroken
	}

	return b.ReaderAt.ReadAt(p, at)
}

// readParts reads all that is needed before the rows.
func (w *workbook) readParts() error {
	main := w.mainPart()
	if _, ok := w.parts[main]; !ok {
		return w.refuseKind()
	}

	targets := map[string]string{} // paths by id
	var styles, shared string

	err := w.each(relations(main), func(e xml.StartElement) {
		if e.Name.Local != "Relationship" || len(targets) > maxSheets {
			return
		}

		target := strings.ToLower(resolve(main, attribute(e, "Target")))
		targets[attribute(e, "Id")] = target
		switch kind := attribute(e, "Type"); {
		case strings.HasSuffix(kind, "/styles"):
			styles = target
		case strings.HasSuffix(kind, "/sharedStrings"):
			shared = target
		}
	})
	if err != nil {
		return err
	}

	err = w.each(main, func(e xml.StartElement) {
		switch {
		case e.Name.Local == "workbookPr":
			w.date1904 = isTrue(attribute(e, "date1904"))
		case e.Name.Local == "sheet" && len(w.sheets) < maxSheets:
			state := attribute(e, "state")
			w.sheets = append(w.sheets, sheet{attribute(e, "name"), targets[relationID(e)], state != "" && state != "visible"})
		}
	})
	if err != nil {
		return err
	}

	if _, ok := w.parts[styles]; ok {
		if err := w.readStyles(styles); err != nil {
			return err
		}
	}

	if _, ok := w.parts[shared]; ok {
		return w.readStrings(shared)
	}

	return nil
}

// mainPart is the path of the workbook's own part.
func (w *workbook) mainPart() string {
	main := "xl/workbook.xml"
	if _, ok := w.parts["_rels/.rels"]; !ok {
		return main
	}

	_ = w.each("_rels/.rels", func(e xml.StartElement) { // one that is broken leaves the usual path
		if strings.HasSuffix(attribute(e, "Type"), "/officeDocument") {
			main = strings.ToLower(resolve("", attribute(e, "Target")))
		}
	})

	return main
}

// refuseKind says what an archive is that is no workbook.
func (w *workbook) refuseKind() error {
	for part, what := range map[string]string{
		"xl/workbook.bin":    "the file is a binary workbook (.xlsb): save it as XLSX and import that",
		"content.xml":        "the file is an OpenDocument spreadsheet (.ods): save it as XLSX or CSV UTF-8 and import that",
		"index/document.iwa": "the file is a Numbers document: export it as XLSX or CSV and import that",
		"word/document.xml":  "the file is a text document: save its table as CSV UTF-8 and import that",
	} {
		if _, ok := w.parts[part]; ok {
			return unreadable("%s", what)
		}
	}

	return unreadable("the file is an archive: unpack it and import what is in it")
}

// refuseOldWorkbook tells a workbook with a password from one of Excel 97.
func refuseOldWorkbook(file Upload) error {
	var marker []byte
	for _, unit := range utf16.Encode([]rune("EncryptedPackage")) {
		marker = append(marker, byte(unit), byte(unit>>8))
	}

	buffer, kept := make([]byte, readAtOnce+len(marker)), 0
	for at := int64(0); at < file.Size(); {
		n, err := file.ReadAt(buffer[kept:kept+readAtOnce], at)
		if err != nil && !errors.Is(err, io.EOF) {
			return fmt.Errorf("look through a file: %w", err)
		}
		if bytes.Contains(buffer[:kept+n], marker) {
			return unreadable("the workbook is protected by a password: take it off, save the workbook and import that")
		}
		if n == 0 {
			break
		}

		at += int64(n)
		kept = copy(buffer, buffer[max(0, kept+n-len(marker)):kept+n])
	}

	return unreadable("the file is a workbook of an old Excel (.xls): save it as XLSX or CSV UTF-8 and import that")
}

// relations is the path of the part that says where others are which one names.
func relations(part string) string {
	return path.Join(path.Dir(part), "_rels", path.Base(part)+".rels")
}

// resolve is the path of a target that a part names.
func resolve(part, target string) string {
	target = strings.ReplaceAll(target, `\`, "/")
	if strings.HasPrefix(target, "/") {
		return strings.TrimPrefix(path.Clean(target), "/")
	}

	return path.Join(path.Dir(part), target)
}

func attribute(e xml.StartElement, name string) string {
	for _, a := range e.Attr {
		if a.Name.Local == name {
			return a.Value
		}
	}

	return ""
}

// relationID is the id of a sheet's relation, which has a prefix that may be any.
func relationID(e xml.StartElement) string {
	for _, a := range e.Attr {
		if a.Name.Local == "id" && a.Name.Space != "" {
			return a.Value
		}
	}

	return attribute(e, "id")
}

func isTrue(value string) bool { return value == "1" || value == "true" }

// part is XML that is being read. No token of it may be longer than maxToken.
type part struct {
	*xml.Decoder
	w     *workbook
	from  io.ReadCloser
	leash int64 // bytes until the present token is too long
}

func (w *workbook) open(name string) (*part, error) {
	f, ok := w.parts[name]
	if !ok {
		return nil, errBroken
	}

	from, err := f.Open()
	if err != nil {
		return nil, errBroken
	}

	p := &part{w: w, from: from, leash: maxToken}
	p.Decoder = xml.NewDecoder(p)

	return p, nil
}

// Read is the decoder's.
func (p *part) Read(b []byte) (int, error) {
	if p.leash <= 0 {
		return 0, Unreadable{TooLarge: true, Reason: "the workbook holds a value of more than 1 MiB: shorten it"}
	}
	if p.w.left <= 0 {
		return 0, Unreadable{TooLarge: true,
			Reason: "the workbook unpacks to more than 2 GiB: split it, or save it as CSV UTF-8 and import that"}
	}

	n, err := p.from.Read(b)
	p.leash -= int64(n)
	p.w.left -= int64(n)

	return n, err
}

// next is the next token; nil at the end. It is good until the one after it.
func (p *part) next() (xml.Token, error) {
	token, err := p.RawToken()
	p.leash = maxToken
	if errors.Is(err, io.EOF) {
		return nil, nil
	}

	var known Unreadable
	if errors.As(err, &known) {
		return nil, known
	}
	if err != nil {
		return nil, errBroken // no XML, or no archive
	}

	return token, nil
}

// each reads the elements of a whole part.
func (w *workbook) each(name string, do func(xml.StartElement)) error {
	p, err := w.open(name)
	if err != nil {
		return err
	}

	defer func() { _ = p.from.Close() }()

	for {
		token, err := p.next()
		if err != nil || token == nil {
			return err
		}
		if e, ok := token.(xml.StartElement); ok {
			do(e)
		}
	}
}

// choose finds the sheet to read: the first that can be seen whose header says what is looked for,
// or else the first with a value.
func (w *workbook) choose(isHeader func([]string) bool) (*sheet, error) {
	var first *sheet
	for i := range w.sheets {
		s := &w.sheets[i]
		if _, ok := w.parts[s.part]; !ok || s.hidden || strings.Contains(s.part, "chartsheets/") {
			continue
		}

		found, filled, err := w.begins(*s, isHeader)
		if err != nil {
			return nil, err
		}
		if found {
			return s, nil
		}
		if first == nil && filled {
			first = s
		}
	}

	return first, nil
}

func (w *workbook) begins(s sheet, isHeader func([]string) bool) (found, filled bool, err error) {
	rows, err := w.rows(s)
	if err != nil {
		return false, false, err
	}

	defer rows.close()

	for seen := 0; seen < firstRows; {
		r, err := rows.next()
		if err != nil || r == nil {
			return false, filled, err
		}
		if blank(r.cells) {
			continue
		}

		seen, filled = seen+1, true
		if !r.hidden && !r.long && isHeader != nil && isHeader(r.cells) {
			return true, true, nil
		}
	}

	return false, filled, nil
}

// column is the number of a cell's column, from 0, by its name such as AB12; −1 where it has none.
func column(cell string) int {
	n := 0
	for i := 0; i < len(cell) && i < 4; i++ {
		c := cell[i] | 0x20
		if c < 'a' || c > 'z' {
			break
		}

		n = n*26 + int(c-'a') + 1
	}

	return n - 1
}

func number(text string) (int, bool) {
	n, err := strconv.Atoi(strings.TrimSpace(text))
	return n, err == nil && n >= 0
}
