package audience

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"carillon/ent"
	"carillon/ent/enum"
)

// taken is what a file's rows become: of each that is taken its number, name and attributes, and
// of each that is not its line and reason.
func taken(t *testing.T, upload, region string, form enum.NumberForm) (people, rejected []string, err error) {
	t.Helper()
	all, start, encoding, err := understood(t, upload, NewImport{DefaultCountry: &region, NumberForm: &form})
	if err != nil {
		return nil, nil, err
	}

	im := &ent.ContactImport{Columns: start.header.columns, Plan: start.header.plan(), Delimiter: string(start.delimiter),
		NextOffset: start.Offset, NextLine: start.Line, Encoding: encoding, DefaultCountry: &region, NumberForm: &form}
	r, err := newRows(im, func() ([]byte, error) { return all[start.Offset:], io.EOF })
	if err != nil {
		t.Fatal(err)
	}

	p, err := r.page()
	if err != nil {
		t.Fatal(err)
	}

	for _, e := range p.entries {
		person := e.phone
		if e.name != nil {
			person += " " + *e.name
		}

		var attributes []string
		for key, value := range e.attributes {
			attributes = append(attributes, key+"="+value)
		}

		slices.Sort(attributes)
		people = append(people, strings.TrimSpace(person+" "+strings.Join(attributes, " ")))
	}

	for _, one := range p.rejected {
		rejected = append(rejected, fmt.Sprintf("%d: %s", one.line, one.reason))
	}

	return people, rejected, nil
}

// understood is a file's text and what its beginning says.
func understood(t testing.TB, upload string, f NewImport) (text []byte, at start, encoding string, err error) {
	t.Helper()
	s := &Service{workbooks: make(chan struct{}, 1)}
	f.File = strings.NewReader(upload)
	table, err := s.open(t.Context(), f)
	if err != nil {
		return nil, start{}, "", err
	}

	defer table.close()
	if text, err = io.ReadAll(table.text); err != nil {
		t.Fatal(err)
	}

	return text, table.start, table.encoding, nil
}

// Each of these files is in testdata/files as a program wrote it.
func TestFilesOfOtherProgramsAreTaken(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		region           string
		people, rejected []string
	}{
		"decimals-national.csv": {"DE", []string{"+491601234567 Anna"}, nil},
		"decimals.csv": {"DE", []string{"+14155552671 Cat", "+491601234567 Anna", "+4915112345678 Fay",
			"+6281234567890 Budi", "+919876543210 Dev"},
			[]string{`6: "4.91601E+11" is not a phone number: a spreadsheet has shortened it`}},
		"countries.csv": {"DE", []string{"+447400123456 Finn", "+447400123457 Gus", "+447400123458 Hal",
			"+5511987654321 Iara"}, nil},
		"without-plus.csv": {"DE", []string{"+14155552671 Cat", "+447400123456 Ed", "+4915112345678 Anna",
			"+4915112345679 Gerd", "+5511987654321 Davi",
			"+919876543210 Dev"}, []string{`7: "15732345678" can be two numbers, +4915732345678 (DE) or +15732345678 (US)`}},
		"ragged.csv": {"", []string{"+14155552671 Ana city=Lima note=vip", "+14155552672 Bo city=Oslo",
			"+14155552673 Cy", "+14155552674"}, nil},
		"empty-columns.csv": {"", []string{"+14155552671 Ana", "+14155552672 Bo"}, nil},
		"sep.csv":           {"", []string{"+14155552671 Ana"}, nil},
		"semicolons.csv":    {"", []string{"+14155552671 Silva; Ana note=a, b, c, d, e"}, nil},
		"index-column.csv":  {"", []string{"+14155552671 Ana", "+14155552672 Bo"}, nil},
		"apostrophe.csv":    {"", []string{"+14155552671 Ana"}, nil},
		"formula.csv":       {"", []string{"+14155552671 Ana", "+14155552672 007"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file, err := os.ReadFile(filepath.Join("testdata", "files", name))
			if err != nil {
				t.Fatal(err)
			}

			checkTaken(t, string(file), tc.region, "", tc.people, tc.rejected)
		})
	}
}

func checkTaken(t *testing.T, file, region string, form enum.NumberForm, people, rejected []string) {
	t.Helper()
	got, not, err := taken(t, file, region, form)
	if err != nil {
		t.Fatal(err)
	}

	slices.Sort(people)
	if diff := cmp.Diff(people, got); diff != "" {
		t.Error(diff)
	}
	if len(rejected) != len(not) {
		t.Fatalf("rejected are %q", not)
	}

	for i := range not {
		if !strings.HasPrefix(not[i], rejected[i]) {
			t.Errorf("rejected is %q, want %q", not[i], rejected[i])
		}
	}
}

func TestTheShapeOfAFile(t *testing.T) {
	t.Parallel()
	const ana, bo = "+14155552671 Ana", "+14155552672 Bo"
	rows := "+14155552671,Ana\n+14155552672,Bo\n"

	for name, tc := range map[string]struct {
		file             string
		people, rejected []string
	}{
		"sep= with a comma":                   {"sep=,\nphone,name\n" + rows, []string{ana, bo}, nil},
		"SEP= in quotes, and cells behind it": {"\"SEP=;\";;\r\nphone;name\r\n+14155552671;Ana\r\n", []string{ana}, nil},
		"sep= with a tab":                     {"sep=\t\nphone\tname\n+14155552671\tAna\n", []string{ana}, nil},
		"sep= with a pipe, behind a mark":     {"\ufeffsep=|\nphone|name\n+14155552671|Ana\n", []string{ana}, nil},
		"sep= that says an odd delimiter":     {"sep=^\nphone^name\n+14155552671^Ana\n", []string{ana}, nil},
		"three byte order marks":              {"\ufeff\ufeff\ufeffphone,name\n" + rows, []string{ana, bo}, nil},
		"a byte order mark before a quote":    {"\ufeff\"phone\",\"name\"\n" + rows, []string{ana, bo}, nil},
		"a byte order mark between two parts": {"phone,name\n+14155552671,Ana\n\ufeff+14155552672,Bo\n",
			[]string{ana, bo}, nil},
		"UTF-16 with two marks": {
			"\xff\xfe\xff\xfep\x00h\x00o\x00n\x00e\x00\n\x00+\x001\x004\x001\x005\x005\x005\x005\x002\x006\x007\x001\x00",
			[]string{"+14155552671"}, nil},
		"pipes around each row": {"|phone|name|\n|+14155552671|Ana|\n", []string{ana}, nil},
		"tabs":                  {"phone\tname\n+14155552671\tAna\n", []string{ana}, nil},
		"a comma in the name of a column": {"\"Name, first\";Phone\nx;+14155552671\n",
			[]string{"+14155552671 Name, first=x"}, nil},
		"more commas than semicolons": {"Name (last, first, middle);Phone\nx;+14155552671\n",
			[]string{"+14155552671 Name (last, first, middle)=x"}, nil},
		"old line ends":   {"phone,name\r+14155552671,Ana\r+14155552672,Bo\r", []string{ana, bo}, nil},
		"mixed line ends": {"phone,name\r\n+14155552671,Ana\n+14155552672,Bo\r", []string{ana, bo}, nil},
		"blank lines at its head and inside": {"\n\r\n , \nphone,name\n+14155552671,Ana\n\n,\n+14155552672,Bo\n\n",
			[]string{ana, bo}, nil},
		"the end mark of DOS": {"phone,name\n" + rows + "\x1a", []string{ana, bo}, nil},
		"cleared columns": {"phone,name,,,\n+14155552671,Ana,,,\n+14155552672,Bo\n",
			[]string{ana, bo}, nil},
		"a cleared column in the middle": {"phone,,name\n+14155552671,,Ana\n+14155552672, ,Bo\n",
			[]string{ana, bo}, nil},
		"thousands of cleared columns": {"phone,name" + strings.Repeat(",", 16_000) + "\n" + rows,
			[]string{ana, bo}, nil},
		"values under a column without a name": {"phone,name,\n+14155552671,Ana,vip\n+14155552672,Bo,\n", []string{bo},
			[]string{"2: the row has 3 values and the header line names 2 columns: name the others"}},
		"more values than columns": {"phone,name\n+14155552671,Ana,vip\n+14155552672,Bo,,\n", []string{bo},
			[]string{"2: the row has 3 values and the header line names 2 columns: name the others, or put a value"}},
		"row numbers of pandas": {"Unnamed: 0,phone,name\n0,+14155552671,Ana\n1,+14155552672,Bo\n",
			[]string{ana, bo}, nil},
		"row numbers written twice": {"Unnamed: 0.1,Unnamed: 0,phone,name\n0,,+14155552671,Ana\n",
			[]string{ana}, nil},
		"row numbers of R": {"\"\",\"phone\",\"name\"\n\"1\",\"+14155552671\",\"Ana\"\n",
			[]string{ana}, nil},
		"no row numbers in the first column": {",phone,name\nvip,+14155552671,Ana\n", nil,
			[]string{`2: column 1 holds "vip" and has no name`}},
		"a total at its end": {"phone,name\n" + rows + "Total,2\n", []string{ana, bo},
			[]string{`4: "Total" is not a phone number: it has letters`}},
		"a total without a number": {"phone,name,amount\n+14155552671,Ana,5\n,,5\n",
			[]string{ana + " amount=5"}, []string{"3: the phone number is missing"}},
		"the header line once more": {"phone,name\n+14155552671,Ana\nphone,name\n+14155552672,Bo\n",
			[]string{ana, bo}, []string{`3: "phone" is not a phone number: it has letters`}},
		"blanks around values and quotes": {"phone, name\n+14155552671, \"Ana\" \n\" +14155552672 \",\tBo\n",
			[]string{ana, bo}, nil},
		"a quote inside a value": {"phone,name,size\n+14155552671,Ana,5\" pipe\n",
			[]string{ana + ` size=5" pipe`}, nil},
		"a quote inside a value and too few": {"phone,name,size\n+14155552671,Ana \"Nana\n+14155552672,Bo,\n",
			[]string{bo}, []string{"2: a quote (\") stands inside a value"}},
		"a quote that is never closed": {"phone,name\n+14155552671,\"Ana\n", nil,
			[]string{"2: a quote (\") is opened and never closed"}},
		"formulas that keep text as it is": {"phone,name,code\n=\"14155552671\",=\"Ana\",=\"0042\"\n",
			[]string{ana + " code=0042"}, nil},
		"formulas inside of quotes": {"phone,name,code\n\"=\"\"+14155552671\"\"\",Ana,\"=\"\"0042\"\"\"\n",
			[]string{ana + " code=0042"}, nil},
		"apostrophes": {"phone,name\n'+14155552671,Ana\n`+14155552672`,Bo\n",
			[]string{ana, bo}, nil},
		"two lines in one value": {"phone,name,note\n+14155552671,Ana,\"a\nb\"\n",
			[]string{ana + " note=a\nb"}, nil},
		"one column":           {"phone\n+14155552671\n", []string{"+14155552671"}, nil},
		"a header and no rows": {"phone,name", nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			checkTaken(t, tc.file, "", "", tc.people, tc.rejected)
		})
	}
}

func TestTheNamesOfColumns(t *testing.T) {
	t.Parallel()
	for _, header := range []string{"phone,name", "Phone,Name", " PHONE , Name ", "phone_number,name",
		"Phone-Number,NAME", "phoneNumber,fullName",
		"Phone Number*,Full Name", "Mobile Phone,Name", "MobilePhone,Name", "Mobile No.,Name", "Cell #,Name", "Tel.,Name",
		"Phone (E.164),Name",
		"Telefonnummer,Name", "Handynummer,Name", "Mobil,Name", "Teléfono,Nombre", "Número de teléfono,Nombre completo",
		"Celular,Nome", "Telefone,Nome",
		"Numéro de téléphone,Nom complet", "TÉLÉPHONE,Nom", "Cellulare,Nome", "Telefoonnummer,Naam", "Telefon,Ad Soyad",
		"Телефон,Имя", "Номер телефона,ФИО",
		"手机号码,姓名", "手機,姓名", "電話番号,氏名", "휴대폰 번호,이름", "رقم الجوال,الاسم", "Nomor HP,Nama", "No. WA,Nama",
		"WhatsApp Number,Name", "WhatsApp,Name", "wa_id,name",
		"\ufeffphone,\u200bname", "e164,name", "msisdn,name", "Phone 1 - Value,Name", "मोबाइल नंबर,नाम", "เบอร์โทร,ชื่อ",
		"số điện thoại,họ tên"} {
		people, rejected, err := taken(t, header+"\n+14155552671,Ana\n", "", "")
		if err != nil || len(rejected) > 0 || !slices.Equal(people, []string{"+14155552671 Ana"}) {
			t.Errorf("%s: %q, %q, %v", header, people, rejected, err)
		}
	}
}

func TestWhichOfSeveralColumnsIsTheNumber(t *testing.T) {
	t.Parallel()
	for header, want := range map[string]string{
		"phone,mobile":           "+14155552671 mobile=+14155552672",
		"mobile,phone":           "+14155552672 mobile=+14155552671",
		"phone,WhatsApp Number":  "+14155552672 phone=+14155552671",
		"phone,whatsapp":         "+14155552671 whatsapp=+14155552672",
		"mobile,whatsapp":        "+14155552671 whatsapp=+14155552672",
		"mobile,name":            "+14155552671 +14155552672",
		"Business Phone,Tel":     "+14155552672 Business Phone=+14155552671",
		"wa_id,phone":            "+14155552671 phone=+14155552672",
		"full name,phone":        "+14155552672 +14155552671",
		"phone,Preferred Colour": "+14155552671 Preferred Colour=+14155552672",
	} {
		people, rejected, err := taken(t, header+"\n+14155552671,+14155552672\n", "", "")
		if err != nil || len(rejected) > 0 || !slices.Equal(people, []string{want}) {
			t.Errorf("%s: %q, %q, %v; want %q", header, people, rejected, err, want)
		}
	}

	for header, want := range map[string]string{
		"tel,mobile":           `columns "tel" and "mobile" both say the phone: rename one`,
		"Handy,Telefon":        `columns "Handy" and "Telefon" both say the phone: rename one`,
		"wa_id,WhatsApp Phone": `columns "wa_id" and "WhatsApp Phone" both say the phone: rename one`,
		"city,City":            `columns 1 and 2 are both called "City"`,
		"phone,Phone":          `columns 1 and 2 are both called "Phone"`,
		"+14155552671,Ana":     "the first line holds a number and no names of columns",
		"Adresse,Ort":          `the header line has no column phone: its columns are "Adresse, Ort"`,
	} {
		if _, _, err := taken(t, header+"\n+14155552671,+14155552672\n", "", ""); err == nil ||
			!strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v; want %q", header, err, want)
		}
	}
}

func TestWhatARowSaysOfItsCountryGoesBeforeTheDefault(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ header, row, want string }{
		"a code":                     {"phone,country", "07400 123456,GB", "+447400123456"},
		"a code in lower case":       {"phone,Country", "07400 123456,gb", "+447400123456"},
		"a code of three letters":    {"phone,country", "07400 123456,GBR", "+447400123456"},
		"UK":                         {"phone,country", "07400 123456,UK", "+447400123456"},
		"U.K.":                       {"phone,country", "07400 123456,U.K.", "+447400123456"},
		"a part of a country":        {"phone,country", "07400 123456,England", "+447400123456"},
		"an English name":            {"phone,country", "11 98765-4321,Brazil", "+5511987654321"},
		"a local name":               {"phone,country", "11 98765-4321,Brasil", "+5511987654321"},
		"a name in a third language": {"phone,Land", "11 98765-4321,Brasilien", "+5511987654321"},
		"a name with accents":        {"phone,país", "55 1234 5678,México", "+525512345678"},
		"a name without its accents": {"phone,pais", "55 1234 5678,MEXICO", "+525512345678"},
		"a name in Chinese":          {"phone,国家", "138 0013 8000,中国", "+8613800138000"},
		"a name in Arabic":           {"phone,الدولة", "050 123 4567,الإمارات العربية المتحدة", "+971501234567"},
		"a name in Russian":          {"phone,страна", "8 916 123-45-67,Россия", "+79161234567"},
		"USA":                        {"phone,country", "(415) 555-2671,USA", "+14155552671"},
		"a long name": {"phone,country", "(415) 555-2671,United States of America",
			"+14155552671"},
		"EE.UU.":                      {"phone,pais", "(415) 555-2671,EE.UU.", "+14155552671"},
		"UAE":                         {"phone,country", "050 123 4567,UAE", "+971501234567"},
		"Holland":                     {"phone,country", "06 12345678,Holland", "+31612345678"},
		"Türkiye":                     {"phone,country", "0532 123 45 67,Türkiye", "+905321234567"},
		"Hong Kong":                   {"phone,country", "5123 4567,Hong Kong", "+85251234567"},
		"a calling code":              {"phone,country code", "07400 123456,+44", "+447400123456"},
		"a calling code with 00":      {"phone,country code", "07400 123456,0044", "+447400123456"},
		"a bare calling code":         {"phone,dial code", "07400 123456,44", "+447400123456"},
		"a calling code with an area": {"phone,dial code", "242 359 1234,+1-242", "+12423591234"},
		"a calling code and a name": {"phone,dial code,country", "07400 123456,44,United Kingdom",
			"+447400123456"},
		"a name that is not known beside a code": {"phone,country,dial code", "07400 123456,Albion,44", "+447400123456"},
		"a number that could be American":        {"phone,country", "15012345678,China", "+8615012345678"},
		"a number of another country":            {"phone,country", "919876543210,UK", "+919876543210"},
		"a number with its own code":             {"phone,country", "+919876543210,UK", "+919876543210"},
		"nothing, so that the default counts":    {"phone,country", "0151 12345678,", "+4915112345678"},
		"a number with its own code, and a country that is not known": {"phone,country", "+919876543210,Mars",
			"+919876543210"},
		"a number behind 00, and a country that is not known": {"phone,country", "00919876543210,Mars",
			"+919876543210"},
	} {
		people, rejected, err := taken(t, tc.header+"\n"+tc.row+"\n", "DE", "")
		if err != nil || len(rejected) > 0 || !slices.Equal(people, []string{tc.want}) {
			t.Errorf("%s: %q, %q, %v; want %s", name, people, rejected, err, tc.want)
		}
	}

	for name, tc := range map[string]struct{ header, row, want string }{
		"a country that is not known": {"phone,country", "0151 12345678,Mars",
			`2: "Mars" is not a country that is known here: write its ISO 3166 code`},
		"and a bare number": {"phone,country", "4915112345678,Mars",
			`2: "Mars" is not a country that is known here`},
		"a name that two countries have": {"phone,country", "0151 12345678,Congo",
			`2: "Congo" is not a country that is known here`},
		"two countries": {"phone,country,dial code", "0151 12345678,Germany,+44",
			`2: "+44" and "Germany" are two countries: write one`},
		"a number that is not the country's": {"phone,country", "0151 12345678,UK",
			`2: "0151 12345678" is not a phone number: it is too long for its country (+44)`},
		"a code that is none": {"phone,country code", "0151 12345678,+999",
			`2: "+999" is not a country that is known here`},
	} {
		people, rejected, err := taken(t, tc.header+"\n"+tc.row+"\n", "DE", "")
		if err != nil || len(people) > 0 || len(rejected) != 1 || !strings.HasPrefix(rejected[0], tc.want) {
			t.Errorf("%s: %q, %q, %v; want %s", name, people, rejected, err, tc.want)
		}
	}
}

func TestAnImportCanSayHowNumbersWithoutAPlusAreWritten(t *testing.T) {
	t.Parallel()
	const both = "15012345678" // +86 150 1234 5678 and +1 501 234 5678
	for name, tc := range map[string]struct {
		header, number, region string
		form                   enum.NumberForm
		want                   string
	}{
		"by its input, without country codes": {"phone", both, "CN", enum.NumberFormNational, "+8615012345678"},
		"by its input, with country codes":    {"phone", both, "CN", enum.NumberFormInternational, "+15012345678"},
		"by a column of WhatsApp's ids":       {"wa_id", both, "CN", "", "+15012345678"},
		"and of ids in an older plan":         {"wa_id", "551187654321", "", "", "+551187654321"},
		"with country codes, yet a 0": {"phone", "0151 12345678", "DE", enum.NumberFormInternational,
			"+4915112345678"},
		"without country codes, yet a +": {"phone", "+15012345678", "CN", enum.NumberFormNational, "+15012345678"},
	} {
		people, rejected, err := taken(t, tc.header+"\n"+tc.number+"\n", tc.region, tc.form)
		if err != nil || len(rejected) > 0 || !slices.Equal(people, []string{tc.want}) {
			t.Errorf("%s: %q, %q, %v; want %s", name, people, rejected, err, tc.want)
		}
	}

	_, rejected, _ := taken(t, "phone\n4915112345678\n", "DE", enum.NumberFormNational)
	if len(rejected) != 1 {
		t.Error("a number with its country code is taken as one without")
	}
}

func TestCountriesHaveOneNameEach(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{"": "", "  ": "", "0": "", "00": "", "+": "", "Niger": "NE",
		"Nigeria": "NG", "Guinea": "GN", "Guinea-Bissau": "GW",
		"Equatorial Guinea": "GQ", "Papua New Guinea": "PG", "Dominica": "DM", "Dominican Republic": "DO", "Georgia": "GE",
		"South Korea": "KR",
		"Korea":       "", "Congo": "", "DR Congo": "CD", "Congo-Brazzaville": "CG", "the Netherlands": "NL",
		"Deutschland": "DE",
		"Allemagne":   "DE", "Alemania": "DE",
		"Côte d’Ivoire": "CI", "Cote d'Ivoire": "CI", "Ivory Coast": "CI", "中国": "CN", "中國": "CN", "香港": "HK", "日本": "JP",
		"+49": "DE", "0049": "DE", "49": "DE",
		"+1": "US", "+7": "RU", "DEU": "DE", "deu": "DE", "XXX": "", "XX": "", "Atlantis": "", "Schweiz": "CH",
		"Suisse": "CH", "Österreich": "AT", "Osterreich": "AT"} {
		if got := countryOf(text); got != want {
			t.Errorf("%q is %q, want %q", text, got, want)
		}
	}

	for name, region := range countryNames() {
		if region != "" && !isCountry(region) {
			t.Errorf("%q is %q", name, region)
		}
	}
}

func TestAHeaderLineOfAnyKindIsReadInNoTime(t *testing.T) {
	t.Parallel()
	var wide strings.Builder
	for i := range 12_000 {
		fmt.Fprintf(&wide, "%x,", i)
	}

	for name, header := range map[string]string{"many columns": "phone," + wide.String(),
		"many quotes":     "phone" + strings.Repeat(`,""`, 20_000),
		"many delimiters": "phone" + strings.Repeat(",;|\t", 15_000),
		"one long name":   "phone," + strings.Repeat("é", 30_000)} {
		begun := time.Now()
		_, _, _ = taken(t, header+"\n+14155552671\n", "", "")
		if took := time.Since(begun); took > time.Minute { // not how fast it is, but that it ends
			t.Errorf("%s: %s", name, took)
		}
	}
}
