package spreadsheet

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/korean"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/traditionalchinese"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/encoding/unicode/utf32"
)

// read is a file's text and its encoding.
func read(t testing.TB, file, country string) (text, encoding string, err error) {
	t.Helper()
	opened, err := Open(strings.NewReader(file), Options{Country: country})
	if err != nil {
		return "", "", err
	}

	defer opened.Close()
	all, err := io.ReadAll(opened)

	return string(all), opened.Encoding, err
}

var unmarkedUTF16 = unicode.UTF16(unicode.LittleEndian, unicode.IgnoreBOM)

func encoded(t testing.TB, e encoding.Encoding, text string) string {
	t.Helper()
	file, err := e.NewEncoder().String(text)
	if err != nil {
		t.Fatal(err)
	}

	return file
}

func TestTheEncodingOfAFileIsFound(t *testing.T) {
	t.Parallel()
	const (
		chinese     = "手机,姓名,城市\n13800138000,李雷,北京\n13800138001,韩梅梅,上海\n13800138002,王鑫昊,乌鲁木齐\n"
		german      = "Handy;Vorname;Straße\n0151;Jürgen;Größenwahnstraße 5\n0152;Zoë;Äckerweg\n"
		traditional = "手機,姓名\n0912345678,陳怡君\n0912345679,張志明\n0912345670,林雅婷\n"
		japan       = "電話番号,氏名\n09012345678,山田太郎\n09012345679,さとう はなこ\n"
		russian     = "Телефон;Имя\n79161234567;Иван\n79161234568;Юлия Яковлева\n"
		polish      = "telefon;imię\n501;Łukasz Wójcik\n502;Agnieszka Dąbrowska\n503;Żaneta Świątek\n"
		french      = "Téléphone;Prénom;Remarque\n06;Hélène;l’été\n07;Gaël;façade\n"
	)

	unmarked := func(order unicode.Endianness) encoding.Encoding { return unicode.UTF16(order, unicode.IgnoreBOM) }
	for name, tc := range map[string]struct {
		encoding      encoding.Encoding
		text, country string
		want          string
	}{
		"UTF-8":                  {encoding.Nop, chinese, "", "UTF-8"},
		"UTF-8 with a mark":      {encoding.Nop, "\ufeff" + german, "", "UTF-8"},
		"ASCII":                  {encoding.Nop, "phone,name\n1,Ana\n", "CN", "UTF-8"},
		"UTF-16 with a mark":     {unicode.UTF16(unicode.LittleEndian, unicode.UseBOM), chinese, "", "UTF-16LE"},
		"UTF-16BE with a mark":   {unicode.UTF16(unicode.BigEndian, unicode.UseBOM), chinese, "", "UTF-16BE"},
		"UTF-16 without a mark":  {unmarked(unicode.LittleEndian), chinese, "", "UTF-16LE"},
		"UTF-16BE without one":   {unmarked(unicode.BigEndian), german, "", "UTF-16BE"},
		"UTF-32":                 {utf32.UTF32(utf32.LittleEndian, utf32.UseBOM), chinese, "", "UTF-32LE"},
		"GB18030":                {simplifiedchinese.GB18030, chinese, "", "GB18030"},
		"GB18030, read in Spain": {simplifiedchinese.GB18030, chinese, "ES", "GB18030"},
		"GBK with one name":      {simplifiedchinese.GBK, "phone,name\n13800138000,李雷\n", "", "GB18030"},
		"GBK with one sign":      {simplifiedchinese.GBK, "phone,name\n13800138000,王\n", "CN", "GB18030"},
		"Big5":                   {traditionalchinese.Big5, traditional, "", "Big5"},
		"Shift_JIS":              {japanese.ShiftJIS, japan, "", "Shift_JIS"},
		"EUC-KR":                 {korean.EUCKR, "전화,이름\n01012345678,김민수\n01012345679,박지영\n", "KR", "EUC-KR"},
		"windows-1252":           {charmap.Windows1252, german, "", "windows-1252"},
		"windows-1252, French":   {charmap.Windows1252, french, "CN", "windows-1252"},
		"one accent":             {charmap.Windows1252, "phone,name\n1,José\n", "", "windows-1252"},
		"windows-1251":           {charmap.Windows1251, russian, "", "windows-1251"},
		"windows-1250":           {charmap.Windows1250, polish, "PL", "windows-1250"},
		"windows-1250, no hint":  {charmap.Windows1250, polish, "", "windows-1250"},
		"windows-1254":           {charmap.Windows1254, "telefon;ad\n5;Ayşe Yıldız\n6;Çağrı Öztürk\n", "TR", "windows-1254"},
		"windows-1253":           {charmap.Windows1253, "τηλέφωνο;όνομα\n6;Γιώργος Παπαδόπουλος\n", "", "windows-1253"},
		"windows-1256":           {charmap.Windows1256, "الهاتف,الاسم\n5,محمد أحمد\n6,فاطمة علي\n", "", "windows-1256"},
		"windows-1255":           {charmap.Windows1255, "טלפון,שם\n5,משה כהן\n", "IL", "windows-1255"},
		"windows-874":            {charmap.Windows874, "โทรศัพท์,ชื่อ\n8,สมชาย ใจดี\n", "TH", "windows-874"},
		"Excel for Mac":          {charmap.Macintosh, german, "", "macintosh"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text, got, err := read(t, encoded(t, tc.encoding, tc.text), tc.country)
			if err != nil || got != tc.want || text != strings.TrimPrefix(tc.text, "\ufeff") {
				t.Errorf("%s, want %s: %q, %v", got, tc.want, text, err)
			}
		})
	}
}

func TestAFileIsUnderstoodByWhatComesLate(t *testing.T) {
	t.Parallel()
	ascii := strings.Repeat("0151 1234567;Anna\n", 20_000)
	text, got, err := read(t, "phone;name\n"+ascii+encoded(t, charmap.Windows1252, "0151 1234568;Jürgen\n"), "")
	if err != nil || got != "windows-1252" || !strings.HasSuffix(text, "Jürgen\n") {
		t.Errorf("%s, %v", got, err)
	}
}

func TestAFewBrokenBytesMakeNoOtherEncoding(t *testing.T) {
	t.Parallel()
	text, got, err := read(t, "电话,名字,城市\n1,李雷,北京\n2,\xff,上海\n", "")
	if err != nil || got != "UTF-8" || !strings.Contains(text, "2,\xff,上海") {
		t.Errorf("%s, %q, %v", got, text, err)
	}
}

func TestABrokenCharacterCostsItsRowAlone(t *testing.T) {
	t.Parallel()
	file := encoded(t, simplifiedchinese.GB18030, "手机,姓名,城市\n1,李雷,北京市朝阳区\n2,") + "\xff\xff" +
		encoded(t, simplifiedchinese.GB18030, "\n3,韩梅梅,上海\n")
	text, got, err := read(t, file, "CN")
	if err != nil || got != "GB18030" {
		t.Fatal(got, err)
	}

	rows, _ := scan(t, text, 1000)
	if len(rows) != 4 || rows[2].Wrong != rowNotText || rows[3].Cells[1] != "韩梅梅" {
		t.Errorf("%+v", rows)
	}
}

func TestFilesThatAreNoTablesAreRefusedWithWhatToDo(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ file, want string }{
		"a PDF":             {"%PDF-1.7\n", "a PDF document"},
		"gzip":              {"\x1f\x8b\x08", "compressed"},
		"a web page":        {"\ufeff\n <HTML><table><tr>", "a web page or XML, whatever its name says"},
		"XML of Excel 2003": {"<?xml version=\"1.0\"?><Workbook>", "a web page or XML"},
		"Excel 97":          {oldWorkbook + strings.Repeat("\x00", 2000), "a workbook of an old Excel"},
		"a password": {oldWorkbook + strings.Repeat("\x00", 65_530) + encoded(t, unmarkedUTF16, "EncryptedPackage"),
			"protected by a password"},
		"half an archive":    {"PK\x03\x04 and no more", "a broken workbook"},
		"an empty archive":   {zipped(t, nil), "an archive"},
		"OpenDocument":       {zipped(t, map[string]string{"content.xml": "<a/>"}), "an OpenDocument spreadsheet"},
		"a binary workbook":  {zipped(t, map[string]string{"xl/workbook.bin": "x"}), "a binary workbook"},
		"a text document":    {zipped(t, map[string]string{"word/document.xml": "<a/>"}), "a text document"},
		"a workbook of junk": {zipped(t, map[string]string{"xl/workbook.xml": "<a"}), "a broken workbook"},
	} {
		_, _, err := read(t, tc.file, "")
		var u Unreadable
		if !errors.As(err, &u) || !strings.Contains(u.Reason, tc.want) {
			t.Errorf("%s: %v, want %q", name, err, tc.want)
		}
	}
}

func TestLostCharactersAreFoundWhereverTheyAreCut(t *testing.T) {
	t.Parallel()
	const text = "a\uFFFDb\uFFFD\uFFFD長\uFFFD"
	for _, pieces := range []func(io.Reader) io.Reader{iotest.OneByteReader, iotest.HalfReader, iotest.DataErrReader} {
		got, err := io.ReadAll(newLostReader(pieces(strings.NewReader(text))))
		if want := []byte("a\xffb\xff\xff長\xff"); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%q, %v", got, err)
		}
	}
}

func FuzzOpen(f *testing.F) {
	f.Add("phone,name\n1,Ana\n", "CN")
	f.Add("\xff\xfep\x00", "")
	f.Add("\xca\xd6\xbb\xfa,\xd0\xd5\xc3\xfb\n", "CN")
	f.Add(zipped(f, map[string]string{"xl/workbook.xml": "<workbook/>"}), "")
	f.Fuzz(func(t *testing.T, file, country string) {
		_, name, err := read(t, file, country)
		var u Unreadable
		if err != nil && !errors.As(err, &u) {
			t.Fatalf("an error that is not the file's: %v", err)
		}
		if err == nil && name == "" {
			t.Fatal("a file without an encoding")
		}
	})
}
