package transactional_test

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"carillon/audience"
	"carillon/caller"
	"carillon/database"
	"carillon/database/dbtest"
	"carillon/delivery"
	"carillon/ent"
	"carillon/ent/contact"
	"carillon/ent/enum"
	"carillon/ent/jsonfield"
	"carillon/identity"
	"carillon/transactional"
	"carillon/uid"
	"carillon/usererror"
	"carillon/whatsapp"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreTopFunction("database/sql.(*DB).connectionOpener"))
}

// People of a stage.
const (
	wrote     = "+14162000001" // an hour ago
	silent    = "+14162000002" // wrote a day and a second ago
	optedOut  = "+14162000003" // and wrote an hour ago
	optedIn   = "+14162000004"
	noContact = "+14162000005"
)

type stage struct {
	*transactional.Service
	db            *database.DB
	owner, system context.Context
	organization  uid.ID
	number        uid.ID // of a connected account
	lost          uid.ID // of an account whose token has expired
	templates     map[string]uid.ID
	inbound       uid.ID // what wrote has written
	queued        uid.ID // a message that WhatsApp does not have yet
	foreign       *stage // another organization's

	mu    sync.Mutex
	woken []uid.ID
}

func (s *stage) WakeLaneFirst(_ context.Context, n uid.ID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.woken = append(s.woken, n)
}
func (s *stage) Publish(context.Context, uid.ID, []delivery.Event) {}
func (s *stage) Notify(context.Context, uid.ID, ...uid.ID)         {}

func stand(t testing.TB, db *database.DB, email string) *stage {
	t.Helper()
	s := &stage{db: db, system: caller.System(t.Context()), templates: map[string]uid.ID{}}
	who := identity.New(db, identity.DefaultTerms(), database.Now,
		identity.Options{Costs: identity.Costs{MemoryKiB: 64, Passes: 1, Threads: 1}})
	journal := delivery.NewJournal(db, s, database.Now, slog.New(slog.DiscardHandler))
	s.Service = transactional.New(db, delivery.NewQueue(db, journal, s, database.Now), who, s, database.Now)
	signed, err := who.SignUp(t.Context(), identity.SignUp{Email: email, Password: "correct horse battery", Name: "O",
		OrganizationName: "Lucky Shrub", AcceptTermsVersion: who.Terms().Version})
	if err != nil {
		t.Fatal(err)
	}

	s.owner, s.organization = identity.With(t.Context(), signed.Viewer), signed.Viewer.Organization
	c, o := db.Client, s.organization
	connected := c.Account.Create().SetOrganizationID(o).SetWabaID("1" + email).SetName("Shrub").SetToken([]byte{1}).
		SaveX(s.owner)
	expired := c.Account.Create().SetOrganizationID(o).SetWabaID("2" + email).SetName("Old").SetToken([]byte{1}).
		SetStatus(enum.AccountStatusTokenExpired).SaveX(s.owner)
	number := func(a *ent.Account) uid.ID {
		return c.PhoneNumber.Create().SetOrganizationID(o).SetAccountID(a.ID).SetMetaID("3").SetDisplayNumber("+1 555").
			SetVerifiedName("n").SaveX(s.owner).ID
	}

	s.number, s.lost = number(connected), number(expired)
	for name, raw := range map[string]string{
		"sale":    `[{"type":"BODY","text":"Hi {{1}}, {{2}} begins."},{"type":"BUTTONS","buttons":[{"type":"QUICK_REPLY","text":"Stop"}]}]`,
		"order":   `[{"type":"BODY","text":"Your order is on its way."}]`,
		"waiting": `[{"type":"BODY","text":"Not approved yet."}]`,
		"other":   `[{"type":"BODY","text":"Of the other account."}]`,
	} {
		of, status, category := connected.ID, enum.TemplateStatusApproved, enum.TemplateCategoryUtility
		switch name {
		case "sale":
			category = enum.TemplateCategoryMarketing
		case "waiting":
			status = enum.TemplateStatusPending
		case "other":
			of = expired.ID
		}

		s.templates[name] = c.Template.Create().SetOrganizationID(o).SetAccountID(of).SetName(name).SetLanguage("en").
			SetCategory(category).SetStatus(status).SetComponents([]byte(raw)).SaveX(s.owner).ID
	}

	for phone, consent := range map[string]enum.Consent{wrote: enum.ConsentUnknown, silent: enum.ConsentUnknown,
		optedOut: enum.ConsentOptedOut, optedIn: enum.ConsentOptedIn} {
		create := c.Contact.Create().SetOrganizationID(o).SetPhone(phone).SetMarketingConsent(consent)
		switch phone {
		case wrote, optedOut:
			create.SetServiceWindowClosesAt(database.Now().Add(23 * time.Hour))
		case silent:
			create.SetServiceWindowClosesAt(database.Now().Add(-time.Second))
		}

		person := create.SaveX(s.owner)
		c.ContactIdentifier.Create().SetOrganizationID(o).SetKind(enum.IdentifierKindPhone).SetValue(phone).
			SetContactID(person.ID).SetSince(database.Now()).ExecX(s.owner)
	}

	message := func(wamid *string, direction enum.Direction, status enum.MessageStatus) uid.ID {
		return c.Message.Create().SetOrganizationID(o).SetPhoneNumberID(s.number).SetAccountID(connected.ID).
			SetAddress(wrote).SetDirection(direction).SetType(enum.MessageTypeText).
			SetStatus(status).SetNillableWamid(wamid).SetNotBefore(database.Now().Add(time.Hour)).SaveX(s.owner).ID
	}

	wamid := "wamid.HBgL"
	s.inbound, s.queued = message(&wamid, enum.DirectionInbound, enum.MessageStatusReceived),
		message(nil, enum.DirectionOutbound, enum.MessageStatusQueued)

	return s
}

func each(t *testing.T, test func(t *testing.T, s *stage)) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) { test(t, stand(t, db, "o@example.com")) })
}

// sale is a message that can be sent.
func (s *stage) sale() transactional.Message {
	return transactional.Message{PhoneNumberID: s.number, To: wrote,
		Template: &transactional.Template{TemplateID: s.templates["sale"],
			Values: []transactional.Value{{Parameter: "1", Value: "Ana"}, {Parameter: "2", Value: "spring"}}}}
}

func (s *stage) text(body string) transactional.Message {
	return transactional.Message{PhoneNumberID: s.number, To: wrote, Text: &transactional.Text{Body: body}}
}

func (s *stage) media(m transactional.Media) transactional.Message {
	return transactional.Message{PhoneNumberID: s.number, To: wrote, Media: &m}
}

// faults are an error's faults of input, as "field CODE".
func faults(err error) (out []string) {
	var in usererror.Fields
	if !errors.As(err, &in) {
		if err != nil {
			out = append(out, err.Error())
		}
		return out
	}

	for _, one := range in {
		out = append(out, strings.TrimSpace(strings.Join(one.Path, ".")+" "+string(one.Code)))
	}

	return out
}

func TestWhatCannotBeSentIsRefusedWithEverythingThatIsWrong(t *testing.T) {
	each(t, func(t *testing.T, s *stage) {
		s.foreign = stand(t, s.db, "p@example.com")
		with := func(m transactional.Message, edit func(*transactional.Message)) transactional.Message {
			edit(&m)
			return m
		}

		values := func(v ...transactional.Value) transactional.Message {
			return with(s.sale(), func(m *transactional.Message) { m.Template.Values = v })
		}
		template := func(name string) transactional.Message {
			return with(s.sale(), func(m *transactional.Message) {
				m.Template = &transactional.Template{TemplateID: s.templates[name]}
			})
		}

		const link = "https://example.com/a.jpg"
		for name, tc := range map[string]struct {
			message transactional.Message
			want    []string
		}{
			"nothing at all": {transactional.Message{}, []string{"phoneNumberId NOT_FOUND", "to REQUIRED", "content INVALID"}},
			"two contents": {with(s.sale(), func(m *transactional.Message) {
				m.Text = &transactional.Text{Body: "x"}
			}), []string{"content INVALID"}},
			"three contents": {with(s.sale(), func(m *transactional.Message) {
				m.Text, m.Media = &transactional.Text{}, &transactional.Media{}
			}), []string{"content INVALID"}},
			"another organization's number": {with(s.sale(),
				func(m *transactional.Message) { m.PhoneNumberID = s.foreign.number }),
				[]string{"phoneNumberId NOT_FOUND"}},
			"an account that cannot send": {with(template("other"),
				func(m *transactional.Message) { m.PhoneNumberID = s.lost }), []string{"phoneNumberId NOT_ALLOWED"}},
			"no number to write to": {with(s.text("Hi"), func(m *transactional.Message) { m.To = "Ana" }),
				[]string{"to INVALID"}},

			"another organization's template": {with(s.sale(), func(m *transactional.Message) {
				m.Template.TemplateID = s.foreign.templates["sale"]
			}),
				[]string{"content.template.templateId NOT_FOUND"}},
			"a template of another account": {template("other"), []string{"content.template.templateId INVALID"}},
			"a template without approval":   {template("waiting"), []string{"content.template.templateId INVALID"}},
			"marketing to who is opted out": {with(s.sale(), func(m *transactional.Message) { m.To = optedOut }),
				[]string{"to NOT_ALLOWED"}},
			"marketing to the United States": {with(s.sale(), func(m *transactional.Message) { m.To = "+1 212 555 0123" }),
				[]string{"to NOT_ALLOWED"}},
			"marketing to a user id of there": {with(s.sale(), func(m *transactional.Message) { m.To = "US.123" }),
				[]string{"to NOT_ALLOWED"}},
			"a template that quotes": {with(s.sale(), func(m *transactional.Message) { m.ReplyTo = &s.inbound }),
				[]string{"replyToMessageId INVALID"}},
			"parameters without values": {values(transactional.Value{Parameter: "2", Value: ""}),
				[]string{"content.template.values REQUIRED", "content.template.values.0.value REQUIRED"}},
			"values that WhatsApp refuses": {values(transactional.Value{Parameter: "1", Value: "a\nb"},
				transactional.Value{Parameter: "2", Value: strings.Repeat("x", 1100)}),
				[]string{"content.template.values.0.value INVALID", "content.template.values.1.value TOO_LONG"}},
			"a value that is no text": {values(transactional.Value{Parameter: "1", Value: "a\x00"},
				transactional.Value{Parameter: "2", Value: "b"}), []string{"content.template.values.0.value INVALID"}},
			"values that have no place": {values(transactional.Value{Parameter: "1", Value: "a"},
				transactional.Value{Parameter: "2", Value: "b"}, transactional.Value{Parameter: "3", Value: "c"},
				transactional.Value{Parameter: "1", Value: "d"}),
				[]string{"content.template.values.2.parameter INVALID", "content.template.values.3.parameter INVALID"}},
			"more values than any takes": {values(make([]transactional.Value, 201)...),
				[]string{"content.template.values LIMIT_EXCEEDED"}},
			"text outside the window": {with(s.text("Hi"), func(m *transactional.Message) { m.To = silent }),
				[]string{"content.text NOT_ALLOWED"}},
			"text to who is no contact": {with(s.text("Hi"), func(m *transactional.Message) { m.To = noContact }),
				[]string{"content.text NOT_ALLOWED"}},
			"no text":                 {s.text(" \n"), []string{"content.text.body REQUIRED"}},
			"a text that is too long": {s.text(strings.Repeat("é", 4097)), []string{"content.text.body TOO_LONG"}},
			"a text that is none":     {s.text("a\x00b"), []string{"content.text.body INVALID"}},
			"a quote of what is not there": {with(s.text("Hi"), func(m *transactional.Message) { m.ReplyTo = &s.number }),
				[]string{"replyToMessageId NOT_FOUND"}},
			"a quote of another's message": {with(s.text("Hi"),
				func(m *transactional.Message) { m.ReplyTo = &s.foreign.inbound }), []string{"replyToMessageId NOT_FOUND"}},
			"a quote of what was never sent": {with(s.text("Hi"), func(m *transactional.Message) { m.ReplyTo = &s.queued }),
				[]string{"replyToMessageId INVALID"}},

			"media outside the window": {with(s.media(transactional.Media{Kind: "IMAGE", Link: link}),
				func(m *transactional.Message) { m.To = silent }), []string{"content.media NOT_ALLOWED"}},
			"media from nowhere": {s.media(transactional.Media{Kind: "IMAGE"}), []string{"content.media REQUIRED"}},
			"media from two places": {s.media(transactional.Media{Kind: "IMAGE", Link: link, MediaID: "1"}),
				[]string{"content.media INVALID"}},
			"a link without TLS": {s.media(transactional.Media{Kind: "IMAGE", Link: "http://example.com/a.jpg"}),
				[]string{"content.media.link INVALID"}},
			"a link to nowhere": {s.media(transactional.Media{Kind: "IMAGE", Link: "https:///a.jpg"}),
				[]string{"content.media.link INVALID"}},
			"a link with spaces": {s.media(transactional.Media{Kind: "IMAGE", Link: "https://example.com/a b.jpg"}),
				[]string{"content.media.link INVALID"}},
			"a link that is too long": {s.media(transactional.Media{Kind: "IMAGE",
				Link: link + strings.Repeat("x", 2048)}), []string{"content.media.link TOO_LONG"}},
			"an upload of a strange name": {s.media(transactional.Media{Kind: "IMAGE", MediaID: "1 2"}),
				[]string{"content.media.mediaId INVALID"}},
			"a kind that is no media": {s.media(transactional.Media{Kind: "TEXT", Link: link}),
				[]string{"content.media.kind INVALID"}},
			"a caption of what has none": {s.media(transactional.Media{Kind: "AUDIO", Link: link, Caption: "x"}),
				[]string{"content.media.caption INVALID"}},
			"a caption that is too long": {s.media(transactional.Media{Kind: "VIDEO", Link: link,
				Caption: strings.Repeat("x", 1025)}), []string{"content.media.caption TOO_LONG"}},
			"a file name of what has none": {s.media(transactional.Media{Kind: "STICKER", Link: link, FileName: "x"}),
				[]string{"content.media.fileName INVALID"}},
			"everything wrong with a file": {s.media(transactional.Media{Kind: "AUDIO", Link: "x", Caption: "c",
				FileName: "f"}), []string{"content.media.caption INVALID", "content.media.fileName INVALID",
				"content.media.link INVALID"}},
			"an idempotency key of no text": {with(s.sale(), func(m *transactional.Message) { m.IdempotencyKey = "a\x00" }),
				[]string{"idempotencyKey INVALID"}},
			"a number and a text all at once": {transactional.Message{PhoneNumberID: s.foreign.number, To: silent,
				Text: &transactional.Text{}, ReplyTo: &s.queued},
				[]string{"phoneNumberId NOT_FOUND", "replyToMessageId INVALID", "content.text.body REQUIRED",
					"content.text NOT_ALLOWED"}},
		} {
			t.Run(name, func(t *testing.T) {
				before := s.db.Client.Message.Query().CountX(s.system)
				_, err := s.Send(s.owner, tc.message)
				if diff := cmp.Diff(tc.want, faults(err)); diff != "" {
					t.Errorf("%s\n%v", diff, err)
				}
				if after := s.db.Client.Message.Query().CountX(s.system); after != before {
					t.Error("it was queued all the same")
				}
			})
		}

		if len(s.woken) > 0 {
			t.Errorf("woken %d times for nothing", len(s.woken))
		}
	})
}

func TestWhatCanBeSentIsQueuedAsWhatsAppWantsIt(t *testing.T) {
	each(t, func(t *testing.T, s *stage) {
		quoting := s.text("Hello")
		quoting.ReplyTo = &s.inbound
		quoting.Text.PreviewURL = true
		stranger := s.sale()
		stranger.To = "+1 (416) 200-0005"
		stranger.Template.Values = append(stranger.Template.Values,
			transactional.Value{Parameter: "button_0_payload", Value: "no"})
		utility := transactional.Message{PhoneNumberID: s.number, To: optedOut,
			Template: &transactional.Template{TemplateID: s.templates["order"]}}
		with := func(m transactional.Message, to string) transactional.Message { m.To = to; return m }
		nobodys := []string{noContact, "+18765550123", "+12125550123"}
		countries := map[string]string{wrote: "CA", optedOut: "CA", noContact: "CA", nobodys[1]: "JM", nobodys[2]: "US"}

		for name, tc := range map[string]struct {
			message    transactional.Message
			kind       enum.MessageType
			category   enum.TemplateCategory
			content    string
			parameters map[string]string
		}{
			"a text that quotes": {quoting, "TEXT", "",
				`{"type":"text","text":{"body":"Hello","preview_url":true},"context":{"message_id":"wamid.HBgL"}}`, nil},
			"a picture by link": {s.media(transactional.Media{Kind: "IMAGE", Link: "https://example.com/a.jpg",
				Caption: "A"}), "IMAGE", "", `{"type":"image","image":{"link":"https://example.com/a.jpg","caption":"A"}}`, nil},
			"a document by id": {s.media(transactional.Media{Kind: "DOCUMENT", MediaID: "123",
				FileName: "a.pdf"}), "DOCUMENT", "", `{"type":"document","document":{"id":"123","filename":"a.pdf"}}`, nil},
			"marketing to Jamaica": {with(s.sale(), "+1 876 555 0123"), "TEMPLATE", "MARKETING", "",
				map[string]string{"1": "Ana", "2": "spring"}},
			"what is no marketing, to the United States": {with(utility, "+1 212 555 0123"), "TEMPLATE", "UTILITY", "", nil},
			"a sticker": {s.media(transactional.Media{Kind: "STICKER", MediaID: "123"}), "STICKER",
				"", `{"type":"sticker","sticker":{"id":"123"}}`, nil},
			"a template to who is no contact": {stranger, "TEMPLATE", "MARKETING", "",
				map[string]string{"1": "Ana", "2": "spring", "button_0_payload": "no"}},
			"no marketing to who is opted out": {utility, "TEMPLATE", "UTILITY", "", nil},
		} {
			t.Run(name, func(t *testing.T) {
				m, err := s.Send(s.owner, tc.message)
				if err != nil {
					t.Fatal(err)
				}

				if m.Status != enum.MessageStatusQueued || m.Type != tc.kind || m.CampaignID != nil || m.QueuedAt == nil ||
					m.Country != countries[m.Address] || m.OrganizationID != s.organization {
					t.Errorf("queued as %+v", m)
				}

				if tc.category == "" && m.Category != nil || tc.category != "" &&
					(m.Category == nil || *m.Category != tc.category) {
					t.Errorf("the category is %v, want %q", m.Category, tc.category)
				}

				if isContact := m.ContactID != nil; isContact == slices.Contains(nobodys, m.Address) {
					t.Errorf("the contact of %s is %v", m.Address, m.ContactID)
				}
				if diff := cmp.Diff(tc.parameters, m.Parameters); diff != "" {
					t.Error(diff)
				}

				checkContent(t, m.Content, tc.content)
			})
		}

		if len(s.woken) != 8 || s.woken[0] != s.number {
			t.Errorf("woken: %v", s.woken)
		}
	})
}

// checkContent holds what is stored against the parts of Meta's JSON that a caller decides.
func checkContent(t *testing.T, got json.RawMessage, want string) {
	t.Helper()
	if want == "" {
		if len(got) > 0 {
			t.Errorf("a template has the content %s", got)
		}
		return
	}

	var a, b whatsapp.Message
	if err := errors.Join(json.Unmarshal(got, &a), json.Unmarshal([]byte(want), &b)); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(b, a); diff != "" {
		t.Error(diff)
	}
}

// identify tells of a person as WhatsApp does.
func (s *stage) identify(t *testing.T, in audience.Identity) {
	t.Helper()
	in.Organization = s.organization
	err := s.db.InTx(s.system, func(tx *database.Tx) error {
		_, err := audience.New(s.db, database.Now, nil).Identify(s.system, tx, in)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestAMessageGoesToAPersonByWhateverTheyAreKnown(t *testing.T) {
	each(t, func(t *testing.T, s *stage) {
		s.identify(t, audience.Identity{UserID: "US.alone", Make: audience.MakeContact})
		s.identify(t, audience.Identity{Phone: wrote, UserID: "US.both"})
		s.identify(t, audience.Identity{Phone: "5511987650001", Make: audience.MakeContact})
		s.identify(t, audience.Identity{Phone: "88812345", Make: audience.MakeContact}) // of no plan that the library knows

		for to, want := range map[string]struct {
			address, country string
			contact          bool
		}{
			"US.alone":                {"US.alone", "US", true},
			"US.unknown123":           {"US.unknown123", "US", false},
			"US.both":                 {wrote, "CA", true},
			"+55 11 8765-0001":        {"+551187650001", "BR", true},
			"+55 (11) 98765-0001":     {"+5511987650001", "BR", true},
			"+888 12 345":             {"+88812345", "", true},
			" \u200e+1 416 200 0001 ": {wrote, "CA", true},
		} {
			m := transactional.Message{PhoneNumberID: s.number, To: to,
				Template: &transactional.Template{TemplateID: s.templates["order"]}}
			sent, err := s.Send(s.owner, m)
			if err != nil {
				t.Errorf("%q: %v", to, err)
				continue
			}

			if sent.Address != want.address || sent.Country != want.country || (sent.ContactID != nil) != want.contact {
				t.Errorf("%q goes to %s in %q, contact %v", to, sent.Address, sent.Country, sent.ContactID)
			}
		}

		if _, err := s.Send(s.owner, transactional.Message{PhoneNumberID: s.number, To: "+888 99 999",
			Template: &transactional.Template{TemplateID: s.templates["order"]}}); err == nil {
			t.Error("a number that neither a plan nor WhatsApp knows was taken")
		}
	})
}

func TestACodeDoesNotGoToAUserID(t *testing.T) {
	each(t, func(t *testing.T, s *stage) {
		s.db.Client.Template.UpdateOneID(s.templates["order"]).SetCategory(enum.TemplateCategoryAuthentication).ExecX(s.owner)
		m := transactional.Message{PhoneNumberID: s.number, To: "US.alone",
			Template: &transactional.Template{TemplateID: s.templates["order"],
				Values: []transactional.Value{{Parameter: "otp_code", Value: "123456"}}}}
		if _, err := s.Send(s.owner, m); !slices.Equal(faults(err), []string{"to INVALID"}) {
			t.Errorf("%v", err)
		}
	})
}

func TestAStrangerWhoSaidStopGetsNoMarketing(t *testing.T) {
	each(t, func(t *testing.T, s *stage) {
		people := audience.New(s.db, database.Now, nil)
		for _, who := range []string{noContact, "CA.stranger"} {
			m := s.sale()
			m.To = who
			if _, err := s.Send(s.owner, m); err != nil {
				t.Fatalf("%s before they said anything: %v", who, err)
			}

			err := people.RecordConsentOf(s.system, audience.Identity{Organization: s.organization, Phone: who},
				audience.Statement{Consent: enum.ConsentOptedOut, By: enum.ConsentSpeakerContact, Source: "test"})
			if err != nil {
				t.Fatal(err)
			}
			if _, err := s.Send(s.owner, m); !slices.Equal(faults(err), []string{"to NOT_ALLOWED"}) {
				t.Errorf("%s after the stop: %v", who, err)
			}

			claimed, _, err := delivery.NewQueue(s.db, nil, s, database.Now).
				Claim(s.system, s.number, 100, nil, delivery.Limit{})
			if err != nil || slices.ContainsFunc(claimed, func(c delivery.Claimed) bool { return c.Address == who }) {
				t.Errorf("what waited for %s was claimed all the same: %v, %v", who, claimed, err)
			}
		}
	})
}

func TestMarketingNeedsAnOptInWhereTheOrganizationSaysSo(t *testing.T) {
	each(t, func(t *testing.T, s *stage) {
		o := s.db.Client.Organization.GetX(s.system, s.organization)
		policy := o.SendingPolicy
		policy.RequireOptIn = true
		o.Update().SetSendingPolicy(policy).ExecX(s.system)

		for to, want := range map[string][]string{wrote: {"to NOT_ALLOWED"}, noContact: {"to NOT_ALLOWED"}, optedIn: nil} {
			m := s.sale()
			m.To = to
			_, err := s.Send(s.owner, m)
			if diff := cmp.Diff(want, faults(err)); diff != "" {
				t.Errorf("to %s: %s", to, diff)
			}
		}
	})
}

func TestAnOrganizationThatMayNotSendSendsNothing(t *testing.T) {
	each(t, func(t *testing.T, s *stage) {
		s.db.Client.Organization.UpdateOneID(s.organization).SetStatus(enum.OrganizationStatusSuspended).ExecX(s.system)
		s.db.Client.TermsAcceptance.Delete().ExecX(s.system)
		_, err := s.Send(s.owner, s.sale())
		if diff := cmp.Diff([]string{"NOT_ALLOWED", "NOT_ALLOWED"}, faults(err)); diff != "" {
			t.Error(diff)
		}
		if _, err := s.Send(t.Context(), s.sale()); !usererror.Is(err, usererror.Unauthenticated) {
			t.Errorf("a stranger hears %v", err)
		}
	})
}

func TestTheSameIdempotencyKeySendsOneMessage(t *testing.T) {
	each(t, func(t *testing.T, s *stage) {
		m := s.text("Hello")
		m.IdempotencyKey = "k"
		const callers = 4
		ids, errs := make(chan uid.ID, callers), make(chan error, callers)
		var calls sync.WaitGroup

		for range callers {
			calls.Go(func() {
				sent, err := s.Send(s.owner, m)
				if err != nil {
					errs <- err
					return
				}

				ids <- sent.ID
			})
		}

		calls.Wait()
		close(errs)
		for err := range errs {
			t.Fatal(err)
		}

		first := <-ids
		for range callers - 1 {
			if id := <-ids; id != first {
				t.Errorf("%s and %s", first, id)
			}
		}

		s.db.Client.Contact.Update().ClearServiceWindowClosesAt().ExecX(s.owner)
		if again, err := s.Send(s.owner, m); err != nil || again.ID != first {
			t.Errorf("once the window is shut, the same call gives %v", err)
		}

		m.Text.Body = "Something else"
		if _, err := s.Send(s.owner, m); !cmp.Equal(faults(err), []string{"idempotencyKey INVALID"}) {
			t.Errorf("another message under the same key: %v", err)
		}
	})
}

func TestNothingIsSentToASuppressedPersonWhateverItIs(t *testing.T) {
	each(t, func(t *testing.T, s *stage) {
		s.identify(t, audience.Identity{Phone: wrote, UserID: "US.both"})
		people := audience.New(s.db, database.Now, nil)
		if _, err := people.Suppress(s.owner, []string{wrote, "+49 151 12345678"}, nil); err != nil {
			t.Fatal(err)
		}

		order := transactional.Message{Template: &transactional.Template{TemplateID: s.templates["order"]}}
		for to, m := range map[string]transactional.Message{wrote: {Text: &transactional.Text{Body: "Hi"}}, "US.both": order,
			"004915112345678": order} {
			m.PhoneNumberID, m.To = s.number, to
			_, err := s.Send(s.owner, m)
			if diff := cmp.Diff([]string{"to NOT_ALLOWED"}, faults(err)); diff != "" {
				t.Errorf("to %s: %s", to, diff)
			}
		}
	})
}

// It is the middle of the night in the zone of one, and noon in that of the other.
func TestASingleMessageOfMarketingWaitsForTheMorningOfItsPerson(t *testing.T) {
	each(t, func(t *testing.T, s *stage) {
		now := time.Now().UTC()
		policy := jsonfield.DefaultSendingPolicy()
		policy.QuietHours = &jsonfield.QuietHours{Start: now.Add(-time.Hour).Format("15:04"),
			End: now.Add(2 * time.Hour).Format("15:04")}
		s.db.Client.Organization.UpdateOneID(s.organization).SetSendingPolicy(policy).ExecX(s.system)
		zones := map[string]string{optedIn: "UTC", wrote: "Etc/GMT+12", silent: "UTC"}
		for phone, zone := range zones {
			s.db.Client.Contact.Update().Where(contact.Phone(phone)).SetTimeZone(zone).ExecX(s.system)
		}

		for phone, message := range map[string]transactional.Message{optedIn: s.sale(), wrote: s.sale(),
			silent: {PhoneNumberID: s.number, Template: &transactional.Template{TemplateID: s.templates["order"]}}} {
			message.To = phone
			m, err := s.Send(s.owner, message)
			if err != nil {
				t.Fatal(err)
			}

			waits := m.NotBefore.Sub(now) > time.Hour
			if waits != (phone == optedIn) || waits != (m.HeldFrom != nil) || m.Status != enum.MessageStatusQueued ||
				*m.TimeZone != zones[phone] {
				t.Errorf("%s: %s, not before %s, held from %v in %v", phone, m.Status, m.NotBefore, m.HeldFrom, m.TimeZone)
			}
			if want := policy.QuietHours.End; waits && m.NotBefore.UTC().Format("15:04:05") != want+":00" {
				t.Errorf("it waits until %s, want %s", m.NotBefore, want)
			}
		}
	})
}
