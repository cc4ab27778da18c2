package operator_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"entgo.io/ent/dialect/sql/schema"
	"entgo.io/ent/schema/field"
	"go.uber.org/goleak"

	"carillon/account"
	"carillon/audience"
	"carillon/audit"
	"carillon/caller"
	"carillon/campaign"
	"carillon/database"
	"carillon/database/dbtest"
	"carillon/delivery"
	"carillon/ent"
	"carillon/ent/auditevent"
	"carillon/ent/enum"
	"carillon/ent/jsonfield"
	"carillon/ent/migrate"
	"carillon/identity"
	"carillon/operator"
	"carillon/secret"
	"carillon/uid"
	"carillon/usererror"
	"carillon/whatsapp"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreTopFunction("database/sql.(*DB).connectionOpener"),
		goleak.IgnoreTopFunction("internal/poll.runtime_pollWait"),
		goleak.IgnoreTopFunction("net/http.(*persistConn).writeLoop"))
}

// stage is the operator's service on one database, with a Meta that counts who takes their webhooks
// off.
type stage struct {
	*operator.Service
	t            *testing.T
	db           *database.DB
	who          *identity.Service
	keys         *secret.Keyring
	ctx          context.Context
	unsubscribed atomic.Int64
	told         atomic.Int64
	ahead        atomic.Int64 // of the clock, in nanoseconds
}

func (s *stage) Publish(context.Context, uid.ID, []delivery.Event) {}
func (s *stage) Notify(context.Context, uid.ID, ...uid.ID)         {}
func (s *stage) Announce(context.Context, uid.ID)                  { s.told.Add(1) }
func (s *stage) WakeEnrollment(context.Context, uid.ID)            {}
func (s *stage) WakeLane(context.Context, uid.ID)                  {}

func (s *stage) now() time.Time          { return database.Now().Add(time.Duration(s.ahead.Load())) }
func (s *stage) advance(d time.Duration) { s.ahead.Add(int64(d)) }

func stand(t *testing.T, db *database.DB) *stage {
	t.Helper()
	s := &stage{t: t, db: db, ctx: audit.AsOperator(t.Context())}
	meta := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodDelete && strings.HasSuffix(r.URL.Path, "/subscribed_apps") {
			s.unsubscribed.Add(1)
		}

		_, _ = w.Write([]byte(`{"success":true}`))
	}))

	t.Cleanup(meta.Close)
	var err error
	if s.keys, err = secret.NewKeyring(secret.NewKey()); err != nil {
		t.Fatal(err)
	}

	s.who = identity.New(db, identity.DefaultTerms(), database.Now,
		identity.Options{Costs: identity.Costs{MemoryKiB: 64, Passes: 1, Threads: 1}})
	accounts := account.New(db, s.keys, whatsapp.NewClient(meta.URL, "v26.0"), s.who, account.Options{}, database.Now)
	queue := delivery.NewQueue(db, delivery.NewJournal(db, s, database.Now, slog.New(slog.DiscardHandler)), s,
		database.Now)
	campaigns := campaign.New(db, queue, audience.New(db, database.Now, nil), s.who, accounts, s, s, database.Now)
	s.Service = operator.New(db, accounts, campaigns, s, s.now)

	return s
}

func each(t *testing.T, test func(t *testing.T, s *stage)) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) { test(t, stand(t, db)) })
}

// shop is an organization with something of everything.
type shop struct {
	id      uid.ID
	account *ent.Account
	viewer  *identity.Viewer
}

func (s *stage) open(name string, contacts int) shop {
	s.t.Helper()
	signed, err := s.who.SignUp(s.t.Context(), identity.SignUp{Email: name + "@example.com",
		Password: "correct horse battery", Name: name, OrganizationName: name, AcceptTermsVersion: s.who.Terms().Version})
	if err != nil {
		s.t.Fatal(err)
	}

	o, c, system := signed.Viewer.Organization, s.db.Client, caller.System(s.t.Context())
	id := uid.New(uid.Account)
	a := c.Account.Create().SetID(id).SetOrganizationID(o).SetWabaID("1" + name).SetName(name).
		SetToken(s.keys.Seal([]byte("EAA"+name), id[:])).SaveX(system)
	n := c.PhoneNumber.Create().SetOrganizationID(o).SetAccountID(id).SetMetaID("2" + name).SetDisplayNumber("+1 555").
		SetVerifiedName("n").SaveX(system)
	t := c.Template.Create().SetOrganizationID(o).SetAccountID(id).SetName("t").SetLanguage("en").
		SetCategory(enum.TemplateCategoryUtility).SetStatus(enum.TemplateStatusApproved).SetComponents([]byte("[]")).
		SaveX(system)
	list := c.ContactList.Create().SetOrganizationID(o).SetName("l").SaveX(system)
	cmp := c.Campaign.Create().SetOrganizationID(o).SetName("c").SetStatus(enum.CampaignStatusRunning).
		SetTemplateID(t.ID).SetPhoneNumberID(n.ID).SetCreatedByID(signed.Viewer.Member.ID).
		SetAudienceRule(jsonfield.Audience{}).SetParameters([]jsonfield.ParameterBinding{}).SaveX(system)

	err = s.db.InTx(system, func(tx *database.Tx) error {
		for i := range contacts {
			person := tx.Client.Contact.Create().SetOrganizationID(o).SetPhone(fmt.Sprintf("+1555%07d", i)).SaveX(system)
			tx.Client.ContactIdentifier.Create().SetOrganizationID(o).SetKind(enum.IdentifierKindPhone).
				SetValue(*person.Phone).SetContactID(person.ID).SetSince(database.Now()).ExecX(system)
			tx.Client.ListMember.Create().SetOrganizationID(o).SetContactID(person.ID).SetContactListID(list.ID).ExecX(system)
			tx.Client.ConsentRecord.Create().SetOrganizationID(o).SetContactID(person.ID).SetConsent(enum.ConsentOptedIn).
				SetSource("test").ExecX(system)
			m := tx.Client.Message.Create().SetOrganizationID(o).SetDirection(enum.DirectionOutbound).SetCampaignID(cmp.ID).
				SetPhoneNumberID(n.ID).SetAccountID(id).SetContactID(person.ID).
				SetAddress(*person.Phone).SetType(enum.MessageTypeTemplate).SetStatus(enum.MessageStatusQueued).
				SetNotBefore(database.Now()).SaveX(system)

			tx.Client.DeliveryEvent.Create().SetID(int64(i + 1)).SetOrganizationID(o).SetMessageID(m.ID).
				SetPhoneNumberID(n.ID).SetStatus(enum.MessageStatusQueued).SetAt(database.Now()).SetRecordedAt(database.Now()).
				ExecX(system)
		}

		return nil
	})
	if err != nil {
		s.t.Fatal(err)
	}

	c.EventCounter.Create().SetID(o).SetLast(int64(contacts)).ExecX(system)
	c.QuotaUsage.Create().SetID(o).SetDay(database.Now()).ExecX(system)
	c.Statistic.Create().SetOrganizationID(o).SetHour(database.Now().Truncate(time.Hour)).SetAccountID(id).
		SetPhoneNumberID(n.ID).SetTemplateID(t.ID).SetCampaignID(cmp.ID).
		SetCategory("UTILITY").SetCountry("US").SetErrorCode(0).SetAccepted(7).ExecX(system)
	c.UnmatchedWebhook.Create().SetReason("UNKNOWN_MESSAGE").SetBody([]byte(`{"phone_number_id":"2` + name + `"}`)).
		SetBodyHash([]byte(name)).ExecX(system)

	return shop{o, a, signed.Viewer}
}

// rows counts an organization's rows of every table.
func (s *stage) rows(o uid.ID) map[string]int {
	s.t.Helper()
	counts := map[string]int{}
	for _, t := range migrate.Tables {
		column := "id"
		if slices.ContainsFunc(t.Columns, func(c *schema.Column) bool { return c.Name == "organization_id" }) {
			column = "organization_id"
		}

		var n int
		if err := s.db.QueryRow(s.ctx, "SELECT count(*) FROM "+t.Name+" WHERE "+column+" = $1", ofTable(t.Name, o)).
			Scan(&n); err != nil {
			s.t.Fatal(err)
		}

		if n > 0 {
			counts[t.Name] = n
		}
	}

	return counts
}

// ofUser are the tables that have something of an organization's user.
func (s *stage) ofUser(o shop) (tables []string) {
	s.t.Helper()
	for _, t := range migrate.Tables {
		if !has(t, "user_id") {
			continue
		}

		var n int
		if err := s.db.QueryRow(s.ctx, "SELECT count(*) FROM "+t.Name+" WHERE user_id = $1", o.viewer.User.ID).
			Scan(&n); err != nil {
			s.t.Fatal(err)
		}
		if n > 0 {
			tables = append(tables, t.Name)
		}
	}

	return tables
}

// ofTable is what to compare with: two tables have ids of another kind.
func ofTable(table string, o uid.ID) any {
	switch table {
	case "service_state":
		return 0
	case "data_step":
		return ""
	}

	return o
}

// fill makes a row of the organization, or of its user, in every table that has none yet. The
// schema says what a row needs; what refers to another row is tried again once that is there.
func (s *stage) fill(o shop) {
	s.t.Helper()
	for range 4 {
		for _, t := range migrate.Tables {
			if s.rows(o.id)[t.Name] == 0 && s.owned(t) {
				_ = s.insert(t, o) // what it refers to may be yet to come
			}
		}
	}

	have := s.rows(o.id)
	for _, t := range migrate.Tables {
		if !s.owned(t) || has(t, "user_id") && !has(t, "organization_id") {
			continue
		}
		if have[t.Name] == 0 {
			s.t.Errorf("%s has no row: %v", t.Name, s.insert(t, o))
		}
	}
}

func has(t *schema.Table, column string) bool {
	return slices.ContainsFunc(t.Columns, func(c *schema.Column) bool { return c.Name == column })
}

// owned reports whether rows of a table are an organization's, or its user's.
func (s *stage) owned(t *schema.Table) bool {
	return has(t, "organization_id") || has(t, "user_id") ||
		slices.Contains([]string{"event_counter", "quota_usage", "retention"}, t.Name)
}

func (s *stage) insert(t *schema.Table, o shop) error {
	var names, places []string
	var values []any
	for _, c := range t.Columns {
		value := s.valueOf(t, c, o)
		if value == nil {
			continue
		}

		values = append(values, value)
		names, places = append(names, `"`+c.Name+`"`), append(places, fmt.Sprintf("$%d", len(values)))
	}

	return s.db.InTx(s.ctx, func(tx *database.Tx) error {
		_, err := tx.ExecContext(s.ctx, "INSERT INTO "+t.Name+" ("+strings.Join(names, ", ")+") VALUES ("+
			strings.Join(places, ", ")+")", values...)
		return err
	})
}

// valueOf is something that a column takes; nil where it may be left out.
func (s *stage) valueOf(t *schema.Table, c *schema.Column, o shop) any {
	for _, key := range t.ForeignKeys {
		if key.Columns[0].Name == c.Name && has(key.RefTable, "organization_id") {
			var id uid.ID
			_ = s.db.QueryRow(s.ctx, "SELECT id FROM "+key.RefTable.Name+" WHERE organization_id = $1 LIMIT 1", o.id).
				Scan(&id)
			return id
		}
	}

	switch {
	case c.Name == "organization_id", c.Name == "id" && !has(t, "organization_id") && !has(t, "user_id"):
		return o.id
	case c.Name == "user_id":
		return o.viewer.User.ID
	case c.Name == "events": // of an endpoint of webhooks, a list
		return "[]"
	case c.Nullable || c.Default != nil:
		return nil
	}

	switch c.Type {
	case field.TypeUUID:
		return uid.New(uid.Message)
	case field.TypeTime:
		return database.Now()
	case field.TypeBool:
		return false
	case field.TypeJSON:
		return "{}"
	case field.TypeBytes:
		return o.id[:]
	case field.TypeEnum:
		return c.Enums[0]
	case field.TypeString:
		return o.id.String()
	}

	return time.Now().UnixNano() % (1 << 30)
}

func TestErasingAnOrganizationLeavesNothingOfItAndAllOfTheOthersHoweverOftenItIsInterrupted(t *testing.T) {
	each(t, func(t *testing.T, s *stage) {
		gone, stays := s.open("gone", 1500), s.open("stays", 3)
		s.fill(gone)
		s.fill(stays)
		before := s.rows(stays.id)
		user := s.ofUser(gone)
		span, tries := time.Millisecond, 0

		for {
			ctx, cancel := context.WithTimeout(s.ctx, span)
			_, err := s.Erase(ctx, gone.id)
			cancel()
			if err == nil {
				break
			}
			if tries++; tries > 20 {
				t.Fatal(err)
			}

			span *= 2
		}

		if tries == 0 {
			t.Error("it was not interrupted once")
		}

		want := map[string]int{"organization": 1, "account": 1, "phone_number": 1, "statistic": 1, "audit_chain": 1,
			"audit_event": 1}
		if got := s.rows(gone.id); fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("left: %v, want %v", got, want)
		}
		if got := s.rows(stays.id); fmt.Sprint(got) != fmt.Sprint(before) {
			t.Errorf("another organization has %v, had %v", got, before)
		}
		if n := s.db.Client.User.Query().CountX(s.ctx); n != 1 {
			t.Errorf("%d users", n)
		}
		if left := s.ofUser(gone); len(user) < 6 || len(left) != 0 {
			t.Errorf("of its user there was something in %v, and is in %v", user, left)
		}
		if n := s.db.Client.UnmatchedWebhook.Query().CountX(s.ctx); n != 1 {
			t.Errorf("%d kept webhooks", n)
		}

		a := s.db.Client.Account.GetX(s.ctx, gone.account.ID)
		if len(a.Token) > 0 || a.Name != "" || a.Status != enum.AccountStatusDisconnected || s.unsubscribed.Load() == 0 {
			t.Errorf("the account is %+v, and %d calls took webhooks off", a, s.unsubscribed.Load())
		}
		if err := s.Resume(s.ctx, gone.id); !usererror.Is(err, usererror.Conflict) {
			t.Errorf("resuming what was erased gave %v", err)
		}

		trails, err := audit.Walk(s.ctx, s.db)
		for _, trail := range trails {
			if trail.Break != "" {
				t.Errorf("the audit trail of %s: %s", trail.Organization, trail.Break)
			}
		}

		if err != nil {
			t.Error(err)
		}
	})
}

func TestEverythingSealedIsSealedAnewAndOpensWithoutTheOldKey(t *testing.T) {
	each(t, func(t *testing.T, s *stage) {
		var shops []shop
		for i := range 3 {
			shops = append(shops, s.open(fmt.Sprint("shop", i), 0))
		}

		oldKey, newKey := secret.NewKey(), secret.NewKey()
		ring := func(keys ...[]byte) *secret.Keyring {
			r, err := secret.NewKeyring(keys...)
			if err != nil {
				t.Fatal(err)
			}

			return r
		}

		system := caller.System(t.Context())
		for _, o := range shops {
			o.account.Update().SetToken(ring(oldKey).Seal([]byte("EAAtoken"), o.account.ID[:])).ExecX(system)
		}

		shops[2].account.Update().SetToken([]byte{}).ExecX(system) // erased
		if done, err := s.Rotate(s.ctx, ring(newKey)); err != nil || done != (operator.Rotation{Failed: 2}) {
			t.Errorf("without the old key: %+v, %v", done, err)
		}
		if done, err := s.Rotate(s.ctx, ring(newKey, oldKey)); err != nil || done != (operator.Rotation{Sealed: 2}) {
			t.Errorf("with both keys: %+v, %v", done, err)
		}
		if done, err := s.Rotate(s.ctx, ring(newKey, oldKey)); err != nil || done != (operator.Rotation{Current: 2}) {
			t.Errorf("again: %+v, %v", done, err)
		}

		recorded, err := s.db.Client.AuditEvent.Query().Where(auditevent.Action(audit.ActionKeysRotate),
			auditevent.Actor("operator")).All(system)
		if err != nil || len(recorded) != 2 || recorded[0].OrganizationID == recorded[1].OrganizationID {
			t.Errorf("recorded %+v, %v", recorded, err)
		}

		for _, o := range shops[:2] {
			a := s.db.Client.Account.GetX(system, o.account.ID)
			if plain, err := ring(newKey).Open(a.Token, a.ID[:]); err != nil || string(plain) != "EAAtoken" {
				t.Errorf("with the new key alone it opens to %q, %v", plain, err)
			}
		}
	})
}

func TestRotatingKeysKnowsEverySealedColumn(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../ent/schema/*.go")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}

	table, err := os.ReadFile("rotate.go")
	if err != nil {
		t.Fatal(err)
	}

	found := 0
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}

		for _, field := range regexp.MustCompile(`field\.Bytes\("(\w+)"\).*sealed by package secret`).
			FindAllSubmatch(text, -1) {
			found++
			if !bytes.Contains(table, append(append([]byte(`"`), field[1]...), '"')) {
				t.Errorf("%s: %s is sealed, and rotate.go does not know it", file, field[1])
			}
		}
	}

	if found == 0 {
		t.Error("no sealed column was found")
	}
}

func TestTheOperatorsChangesOfAnOrganization(t *testing.T) {
	each(t, func(t *testing.T, s *stage) {
		o := s.open("shop", 2)
		status := func(want enum.OrganizationStatus, campaign enum.CampaignStatus) {
			t.Helper()
			list, err := s.Organizations(s.ctx)
			if err != nil || len(list) != 1 {
				t.Fatal(list, err)
			}

			row := list[0]
			if row.ID != o.id || row.Name != "shop" || row.Status != want || row.Members != 1 || row.Contacts != 2 ||
				row.Numbers != 1 || row.Sent != 7 {
				t.Errorf("the list says %+v", row)
			}

			if got := s.db.Client.Campaign.Query().OnlyX(s.ctx); got.Status != campaign {
				t.Errorf("the campaign is %s", got.Status)
			}
		}

		status(enum.OrganizationStatusActive, enum.CampaignStatusRunning)
		if err := s.Suspend(s.ctx, o.id, " ", nil); err == nil {
			t.Error("suspended without a reason")
		}
		if err := s.Suspend(s.ctx, o.id, "spam", nil); err != nil {
			t.Fatal(err)
		}

		status(enum.OrganizationStatusSuspended, enum.CampaignStatusPaused)
		if err := s.Close(s.ctx, o.id, ""); err != nil {
			t.Fatal(err)
		}
		if err := s.Suspend(s.ctx, o.id, "again", nil); !usererror.Is(err, usererror.Conflict) {
			t.Errorf("suspending what is closed gave %v", err)
		}
		if err := s.Resume(s.ctx, o.id); err != nil {
			t.Fatal(err)
		}
		if err := s.Resume(s.ctx, uid.New(uid.Organization)); !usererror.Is(err, usererror.NotFound) {
			t.Errorf("resuming nothing gave %v", err)
		}

		ten, none := 10, -1
		if err := s.SetQuota(s.ctx, o.id, operator.Quota{Contacts: &none}); err == nil {
			t.Error("a negative quota")
		}
		if err := s.SetQuota(s.ctx, o.id, operator.Quota{MessagesPerDay: &ten, Numbers: &ten}); err != nil {
			t.Fatal(err)
		}
		if list, err := s.Organizations(s.ctx); err != nil || list[0].Quota.Contacts != nil || *list[0].Quota.Numbers != 10 {
			t.Errorf("quotas %+v, %v", list[0].Quota, err)
		}
		if used := s.db.Client.QuotaUsage.GetX(s.ctx, o.id); used.Messages != 7 {
			t.Errorf("%d messages of today count", used.Messages)
		}

		var actions []string
		for _, e := range s.db.Client.AuditEvent.Query().Order(ent.Asc("id")).AllX(s.ctx) {
			if e.Actor == "operator" {
				actions = append(actions, e.Action)
			}
		}

		if want := "[organization.suspend organization.close organization.activate organization.quota]"; fmt.Sprint(
			actions) != want {
			t.Errorf("recorded %v", actions)
		}

		if s.told.Load() < 3 {
			t.Errorf("told %d times", s.told.Load())
		}
	})
}

func TestASuspensionWithAnEndIsOverByItself(t *testing.T) {
	each(t, func(t *testing.T, s *stage) {
		o, other := s.open("shop", 1), s.open("bakery", 1)
		until := s.now().Add(time.Hour).UTC()
		if err := errors.Join(s.Suspend(s.ctx, o.id, "spam", &until), s.Suspend(s.ctx, other.id, "spam", &until),
			s.Suspend(s.ctx, other.id, "spam", nil)); err != nil {
			t.Fatal(err)
		}

		is := func(when string, want enum.OrganizationStatus, end *time.Time) {
			t.Helper()
			if err := s.EndSuspensions(caller.System(t.Context())); err != nil {
				t.Fatal(err)
			}

			list, err := s.Organizations(s.ctx)
			if err != nil || len(list) != 2 {
				t.Fatal(list, err)
			}

			if got := list[0]; got.Status != want || (got.Until == nil) != (end == nil) ||
				end != nil && !got.Until.Equal(*end) || (got.Reason == nil) != (want == enum.OrganizationStatusActive) {
				t.Errorf("%s: %+v", when, got)
			}

			if got := list[1]; got.Status != enum.OrganizationStatusSuspended || got.Until != nil {
				t.Errorf("%s: the one without an end: %+v", when, got)
			}
		}

		s.advance(time.Hour / 2)
		is("before", enum.OrganizationStatusSuspended, &until)
		s.advance(time.Hour / 2)
		told := s.told.Load()
		is("after", enum.OrganizationStatusActive, nil)
		is("again", enum.OrganizationStatusActive, nil)
		if now := s.told.Load(); now != told+1 {
			t.Errorf("told %d times", now-told)
		}

		last := s.db.Client.AuditEvent.Query().Where(auditevent.OrganizationID(o.id)).Order(ent.Desc("sequence")).
			FirstX(s.ctx)
		if last.Action != audit.ActionOrganizationActivate || last.Actor != "system" {
			t.Errorf("recorded %s by %s", last.Action, last.Actor)
		}
	})
}

func TestClosingEndsASuspensionThatWouldHaveEndedByItself(t *testing.T) {
	each(t, func(t *testing.T, s *stage) {
		o := s.open("shop", 1)
		until := s.now().Add(time.Hour)
		if err := errors.Join(s.Suspend(s.ctx, o.id, "spam", &until), s.Close(s.ctx, o.id, "")); err != nil {
			t.Fatal(err)
		}

		s.advance(2 * time.Hour)
		if err := s.EndSuspensions(caller.System(t.Context())); err != nil {
			t.Fatal(err)
		}

		if got := s.db.Client.Organization.GetX(s.ctx, o.id); got.Status != enum.OrganizationStatusClosed ||
			got.SuspendedUntil != nil {
			t.Errorf("it is %s, until %v", got.Status, got.SuspendedUntil)
		}
	})
}
