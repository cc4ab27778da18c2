package audience

import "strings"

// The header names of a contact's own fields, as foldName leaves them, the best first. Every
// other column is an attribute.
var (
	// idNames are columns of WhatsApp's ids: numbers without a + that begin with the country
	// code.
	idNames = names("wa id, waid, whats app id, whatsapp id, jid, wa jid, whatsapp jid")

	// whatsAppNames say that a column is the number on WhatsApp. They go before any other.
	whatsAppNames = append(names(`whatsapp number, whats app number, whatsapp phone, whats app phone, whatsapp phone number,
		whats app phone number, whatsapp no, whatsapp nr, whatsapp mobile, wa number, wa phone, wa no, number whatsapp,
		numero whatsapp, numero de whatsapp, numero do whatsapp, telefono whatsapp, telefone whatsapp, whatsapp nummer,
		nomor whatsapp, nomor wa, no whatsapp, no wa, whatsapp numarası, whatsapp号码, whatsapp 号码, whatsapp号, whatsapp 번호`), idNames...)

	// phoneNames begin with the one that goes before the others. Two of the others are too many.
	phoneNames = names(`phone, phone number, phone no, phone nr, phone num, phonenumber, phones, tel, tel no, tel nr, telephone,
		telephone number, telephone no, mobile, mobile number, mobile no, mobile nr, mobile phone, mobile phone number,
		mobilephone, mob, mob no, cell, cell number, cell phone, cell phone number, cellphone, cellular, msisdn, contact number,
		contact no, contact phone, phone 1 value, primary phone, primary mobile, customer phone, recipient, recipient phone, e 164,
		phone e 164, phone e164, e164,
		telefon, telefonnummer, telefonnr, telefon nr, tel nummer, rufnummer, handy, handynummer, handynr, handy nr, mobil,
		mobilnummer, mobiltelefon, mobilfunknummer, mobilfunk,
		telefono, telefonos, numero de telefono, numero telefonico, nro telefono, celular, numero de celular, nro celular, movil,
		telefono movil, numero movil, telefono celular,
		telefone, numero de telefone, numero do telefone, numero telefone, telemovel, numero de telemovel, numero celular, fone,
		numero de telephone, numero telephone, telephone portable, telephone mobile, portable, n telephone, no telephone, mobile 1,
		numero di telefono, cellulare, numero di cellulare, telefono cellulare, numero cellulare,
		telefoon, telefoonnummer, mobiel, mobiel nummer, gsm, gsm nummer, telefonnummer mobil, mobilnr, puhelin, puhelinnumero,
		telefon komorkowy, numer telefonu, nr telefonu, komorka, telefonni cislo, telefonszam, numar de telefon, τηλεφωνο, κινητο,
		telefon numarası, telefon numarasi, cep telefonu, cep, gsm no, nomor telepon, nomor hp, no hp, no telp, no telepon,
		telepon, handphone, hp, nombor telefon, no telefon, so dien thoai, sđt, sdt, dien thoai, đien thoai, so đien thoai,
		телефон, номер телефона, мобильный, мобильный телефон, мобильныи, мобильныи телефон, моб телефон, номер, телефон мобильный, тел,
		номер телефону, мобільний, هاتف, الهاتف, رقم الهاتف, جوال, الجوال, رقم الجوال, موبايل, طلفون, נייד, טלפון, מספר טלפון,
		手机, 手机号, 手机号码, 联系方式, 联系人电话, 联系人手机, 收货人手机, 收货人电话, 会员手机, 会员手机号, 客户手机, 客户电话, 电话, 电话号码, 联系电话, 移动电话, 手機, 手機號, 手機號碼, 電話, 電話號碼, 行動電話, 聯絡電話,
		電話番号, 携帯, 携帯電話, 携帯番号, 携帯電話番号, 전화, 전화번호, 휴대폰, 휴대폰번호, 휴대폰 번호, 휴대전화, 핸드폰, 연락처,
		फोन, मोबाइल, मोबाइल नंबर, फोन नंबर, เบอร์โทร, เบอร์โทรศัพท์, โทรศัพท์, มือถือ`)

	// lastNames are taken when there is no better one: such a column may also say yes and no.
	lastNames = names("whatsapp, whats app, wa, number, numero, nummer, contact")

	nameNames = names(`name, full name, fullname, contact name, customer name, display name, nombre, nombre completo, nombre y apellido,
		nombre y apellidos, nome, nome completo, nom, nom complet, nom et prenom, nome e cognome, vollstandiger name, naam, navn, namn,
		nama, nama lengkap, ad soyad, adı soyadı, imie i nazwisko, имя, фио, имя и фамилия, الاسم, שם, 姓名, 名字, 名前, 氏名, お名前,
		이름, 성명, 客户姓名, 会员姓名, 联系人, 联系人姓名, 收货人, 收货人姓名, 昵称, 微信昵称, 备注名, नाम, ho ten, ho va ten, ชื่อ`)

	// givenNames and familyNames are parts of a name, which become the name where no column has the
	// whole of it. They remain attributes, too: a message may begin with the first name alone.
	givenNames = names(`first name, firstname, given name, givenname, forename, billing first name, vorname, prenom, primer nombre,
		primeiro nome, nome di battesimo, voornaam, fornavn, fornamn, etunimi, imie, jmeno, krestni jmeno, meno, keresztnev, utonev,
		prenume, ad, adı, nama depan, ten, имя, ім я, ονομα, الاسم الأول, שם פרטי, 名, 이름, ชื่อ`)
	familyNames = names(`last name, lastname, family name, familyname, surname, second name, billing last name, nachname, familienname,
		zuname, apellido, apellidos, primer apellido, sobrenome, apelido, ultimo nome, cognome, nom de famille, achternaam, efternavn,
		efternamn, etternavn, sukunimi, nazwisko, prijmeni, priezvisko, vezeteknev, csaladnev, nume de familie, soyad, soyadı,
		nama belakang, ho, фамилия, прізвище, επωνυμο, اسم العائلة, שם משפחה, 姓, 姓氏, 성, นามสกุล`)
	// These are the whole name, but where another column has the other part.
	givenOrWhole  = names("name, nombre, nombres, nome, имя, 名, 名字, ชื่อ, 이름, nama, naam, navn, namn")
	familyOrWhole = names("nom, nume, name")

	userIDNames = names(`wa user id, whatsapp user id, whats app user id, business scoped user id, bsuid`)

	// billingNames and shippingNames are what shops call a customer's number, where there is no
	// other.
	billingNames = names(`billing phone, billing phone number, billing address phone, phone billing, default address phone,
		customer billing phone, rechnungstelefon, telefono de facturacion, telephone de facturation`)
	shippingNames = names("shipping phone, shipping phone number, shipping address phone, phone shipping, delivery phone")

	languageNames = names("language, language code")
	timeZoneNames = names("time zone, timezone")

	// callingCodeNames are columns of the code that is dialled, e.g. +49. A column country code
	// may also hold ISO 3166, which is known by what stands in it.
	callingCodeNames = names(`calling code, country calling code, dial code, dialing code, dialling code, dial in code, phone code,
		phone country code, phone country, mobile country code, country phone code, country dial code, idd, isd code, isd, ddi,
		landesvorwahl, landervorwahl, indicatif, indicatif pays, codigo de pais, codigo pais, codigo do pais, prefisso internazionale,
		国家代码, 国家区号, 国际区号, 國碼`)
	countryNamesOfColumns = names(`country, country code, countrycode, country iso, country iso code, iso country, iso country code,
		iso, iso 2, iso2, iso 3, iso3, iso code, iso 3166, country name, country region, country or region, land, landercode,
		landerkurzel, pais, pays, code pays, paese, nazione, kraj, zeme, krajina, orszag, tara, ulke, negara, quoc gia, страна, країна,
		χωρα, maa, الدولة, البلد, دولة, ארץ, מדינה, 国家, 國家, 国家 地区, 國家 地區, 国家地区, 国, 国名, 나라, 국가, देश, ประเทศ`)
)

// names reads a list of header names and folds them, as those of files are.
func names(list string) []string {
	all := strings.Split(list, ",")
	for i, name := range all {
		all[i] = foldName(name)
	}

	return all
}
