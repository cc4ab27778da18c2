package metawebhook_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"carillon/audit"
	"carillon/database"
	"carillon/database/dbtest"
	"carillon/ent/auditevent"
	"carillon/ent/enum"
	"carillon/ent/jsonfield"
	"carillon/ent/message"
	"carillon/metawebhook"
)

// change is a webhook with one change of the account with that id.
func change(waba, field, value string) string {
	return fmt.Sprintf(
		`{"object":"whatsapp_business_account","entry":[{"id":%q,"time":1750030073,"changes":[{"field":%q,"value":%s}]}]}`,
		waba, field, value)
}

// inApp is what the business wrote to somebody in the WhatsApp Business app.
const inApp = `{"messaging_product":"whatsapp","metadata":{"display_phone_number":"1","phone_number_id":"106540352242922"},
	"message_echoes":[{"from":"1","to":"16505551234","id":"wamid.echo","timestamp":"1750030073","type":"text","text":{"body":"Your table is ready"}}]}`

func TestWhatTheBusinessWroteInTheAppIsOneSentMessage(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		s := stand(t, db)
		who := s.contact(t, "+16505551234")
		var all sync.WaitGroup

		for range 4 { // Meta repeats itself, to several processes at once
			all.Go(func() {
				if code := s.told(change("1", "smb_message_echoes", inApp)); code != http.StatusOK {
					t.Errorf("answered %d", code)
				}
			})
		}

		all.Wait()
		s.told(status(metaNumber, "wamid.echo", "", "read"))
		m := db.Client.Message.Query().Where(message.Wamid("wamid.echo")).OnlyX(s.system)
		at := time.Unix(1750030073, 0)

		if m.Direction != enum.DirectionOutbound || m.Status != enum.MessageStatusRead || m.Address != "+16505551234" ||
			m.ContactID == nil || *m.ContactID != who.ID ||
			!m.SentAt.Equal(at) || !strings.Contains(string(m.Content), "Your table is ready") {
			t.Errorf("stored as %+v", m)
		}

		if n := db.Client.DeliveryEvent.Query().CountX(s.system); n != 2 {
			t.Errorf("%d events, want one that it was sent and one that it was read", n)
		}
		if wrong, err := s.Queue.Verify(s.system); err != nil || len(wrong) > 0 {
			t.Errorf("a recount finds %v, %v", wrong, err)
		}
		if kept := s.kept(); len(kept) > 0 {
			t.Errorf("kept %s", kept[0].Body)
		}
	})
}

func preference(value string, at int) string {
	return change("1", "user_preferences", fmt.Sprintf(
		`{"metadata":{"phone_number_id":%q},"user_preferences":[{"wa_id":"16505551234","detail":"d","category":"marketing_messages","value":%q,"timestamp":%d}]}`,
		metaNumber, value, at))
}

func TestEachOptOutCountsOnce(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		s := stand(t, db)
		o := db.Client.Organization.Query().OnlyX(s.system)
		o.Update().SetSendingPolicy(jsonfield.SendingPolicy{OptOutKeywords: []string{"STOP"},
			OptInKeywords: []string{"START"}}).ExecX(s.system)

		optedOut := func() (n int) {
			t.Helper()
			if err := db.QueryRow(s.system, "SELECT coalesce(sum(opted_out), 0) FROM statistic WHERE organization_id = $1",
				o.ID).Scan(&n); err != nil {
				t.Fatal(err)
			}

			return n
		}

		now := int(time.Now().Unix())
		if s.told(preference("stop", now)); optedOut() != 1 || len(s.kept()) != 0 { // by somebody who is no contact yet
			t.Fatalf("%d opted out; kept %v", optedOut(), s.kept())
		}

		says := func(wamid, text string, at int) {
			s.told(change("1", "messages", fmt.Sprintf(
				`{"metadata":{"phone_number_id":%q},"messages":[{"from":"16505551234","id":%q,"timestamp":"%d","type":"text","text":{"body":%q}}]}`,
				metaNumber, wamid, at, text)))
		}

		for i, step := range []struct {
			tell func(at int)
			want int
		}{
			{func(at int) { says("wamid.1", "hello", at) }, 1},
			{func(at int) { s.told(preference("stop", at)) }, 1},
			{func(at int) { s.told(preference("stop", at)) }, 1},
			{func(at int) { says("wamid.2", "stop", at) }, 1},
			{func(at int) { says("wamid.3", "start", at) }, 1},
			{func(at int) { says("wamid.4", "STOP", at) }, 2},
			{func(at int) { says("wamid.4", "STOP", at) }, 2},
			{func(at int) { s.told(preference("resume", at)) }, 2},
		} {
			if step.tell(now + 10*(i+1)); optedOut() != step.want {
				t.Errorf("after step %d, %d opted out, want %d", i, optedOut(), step.want)
			}
		}

		if wrong, err := s.Queue.Verify(s.system); err != nil || len(wrong) > 0 {
			t.Errorf("a recount finds %v, %v", wrong, err)
		}
	})
}

func TestNothingThatAWebhookTellsIsDroppedInSilence(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ body, kind, logged string }{
		"a changed PIN": {change("1", "security",
			`{"display_phone_number":"15550783881","event":"PIN_CHANGED","requester":"77"}`), "security", "PIN_CHANGED"},
		"an alert": {change("1", "account_alerts",
			`{"entity_type":"BUSINESS","entity_id":"5","alert_info":{"alert_severity":"WARNING","alert_status":"ACTIVE","alert_type":"OBA_REJECTED","alert_description":"no badge"}}`),
			"account_alert", "no badge"},
		"a partner's event": {change("1", "account_update", `{"event":"VERIFIED_ACCOUNT"}`), "account_update",
			"VERIFIED_ACCOUNT"},
		"a call": {change("1", "calls",
			`{"metadata":{"phone_number_id":"106540352242922"},"event":"connect"}`), "calls", "connect"},
		"a flow":                 {change("1", "flows", `{"event":"FLOW_STATUS_CHANGE"}`), "flows", "FLOW_STATUS_CHANGE"},
		"an old kind of receipt": {status(metaNumber, "wamid.1", "", "deleted"), "status_deleted", metaNumber},
		"an error of no message": {change("1", "messages",
			`{"metadata":{"phone_number_id":"106540352242922"},"errors":[{"code":130429,"title":"too fast"}]}`),
			"error", "130429"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := stand(t, dbtest.Open(t, dbtest.SQLite(t)))
			var log bytes.Buffer
			s.Log = slog.New(slog.NewTextHandler(&log, nil))
			if code := s.told(tc.body); code != http.StatusOK || len(s.kept()) > 0 {
				t.Fatalf("answered %d, kept %v", code, s.kept())
			}
			if !strings.Contains(log.String(), tc.logged) {
				t.Errorf("the log has no %s: %s", tc.logged, log.String())
			}
			if got := kinds(t, s.Metrics()); !slices.Equal(got, []string{tc.kind}) {
				t.Errorf("counted %v, want %s", got, tc.kind)
			}
		})
	}
}

// kinds are the labels of what webhooks told.
func kinds(t *testing.T, collectors []prometheus.Collector) (out []string) {
	t.Helper()
	for _, m := range family(t, collectors, "carillon_webhook_changes_total") {
		out = append(out, m.GetLabel()[0].GetValue())
	}

	return out
}

// counted is one figure of those that have a label.
func counted(t testing.TB, collectors []prometheus.Collector, name, label string) float64 {
	t.Helper()
	for _, m := range family(t, collectors, name) {
		if m.GetLabel()[0].GetValue() == label {
			return m.GetCounter().GetValue()
		}
	}

	return 0
}

func family(t testing.TB, collectors []prometheus.Collector, name string) []*dto.Metric {
	t.Helper()
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors...)
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}

	for _, f := range families {
		if f.GetName() == name {
			return f.GetMetric()
		}
	}

	return nil
}

func TestACriticalAlertShowsOnTheAccount(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		s := stand(t, db)
		s.told(change("1", "account_alerts",
			`{"entity_type":"BUSINESS","entity_id":"5","alert_info":{"alert_severity":"CRITICAL","alert_status":"ACTIVE","alert_type":"X","alert_description":"pay your bill"}}`))
		a := db.Client.Account.Query().OnlyX(s.system)
		if a.Status != enum.AccountStatusConnected || a.StatusReason == nil ||
			*a.StatusReason != "WhatsApp warns: pay your bill" {
			t.Errorf("the account is %s %v", a.Status, a.StatusReason)
		}
	})
}

func TestAnAccountThatLeftTheAPISendsNothingUntilItIsBack(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		s := stand(t, db)
		c := db.Client.Campaign.Query().OnlyX(s.system)
		c.Update().SetStatus(enum.CampaignStatusRunning).ExecX(s.system)
		s.told(change("1", "account_update", `{"event":"ACCOUNT_OFFBOARDED"}`))
		c = db.Client.Campaign.GetX(s.system, c.ID)
		if c.Status != enum.CampaignStatusPaused || *c.StatusReason != enum.CampaignStatusReasonAccountRestricted ||
			!strings.Contains(*c.StatusDetail, "left WhatsApp's API") {
			t.Errorf("the campaign is %s %v %v", c.Status, c.StatusReason, c.StatusDetail)
		}

		s.told(change("1", "account_update", `{"event":"ACCOUNT_RECONNECTED"}`))
		if a := db.Client.Account.Query().OnlyX(s.system); a.Status != enum.AccountStatusConnected || a.StatusReason != nil {
			t.Errorf("the account is %s %v", a.Status, a.StatusReason)
		}

		if n := db.Client.AuditEvent.Query().Where(auditevent.Action(audit.ActionAccountRestrict)).
			CountX(s.system); n != 2 {
			t.Errorf("%d entries of the audit trail, want one of the leaving and one of the return", n)
		}
	})
}

func TestWhatIsToldOfAnAccountThatNobodyHasBoundIsKept(t *testing.T) {
	t.Parallel()
	for field, value := range map[string]string{
		"account_review_update":          `{"decision":"APPROVED"}`,
		"business_capability_update":     `{"max_daily_conversations_per_business":"TIER_2K"}`,
		"phone_number_quality_update":    `{"display_phone_number":"1","event":"FLAGGED"}`,
		"message_template_status_update": `{"event":"APPROVED","message_template_id":1,"message_template_name":"t","message_template_language":"en"}`,
	} {
		t.Run(field, func(t *testing.T) {
			t.Parallel()
			s := stand(t, dbtest.Open(t, dbtest.SQLite(t)))
			if code := s.told(change("404", field, value)); code != http.StatusOK {
				t.Errorf("answered %d", code)
			}
			if kept := s.kept(); len(kept) != 1 || kept[0].Reason != metawebhook.UnknownAccount {
				t.Errorf("kept %v", kept)
			}
		})
	}
}

func TestWhatIsKeptIsTrimmedByAgeAndNumber(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		s := stand(t, db, func(o *setting) { o.KeptRows = 11 })
		for i := range 12 {
			s.told(status("999", fmt.Sprint("wamid.", i), "", "sent"))
		}

		first := s.kept()[0]
		first.Update().SetReceivedAt(database.Now().AddDate(0, 0, -31)).ExecX(s.system)
		if err := s.Trim(s.system); err != nil || len(s.kept()) != 11 {
			t.Fatalf("%v, %d are left, want all but the old one", err, len(s.kept()))
		}

		for i := range 3 {
			s.told(status("999", fmt.Sprint("wamid.late", i), "", "sent"))
		}

		if err := s.Trim(s.system); err != nil || len(s.kept()) != 11 ||
			!strings.Contains(string(s.kept()[10].Body), "wamid.late2") {
			t.Errorf("%v, %d are left, want the last 11", err, len(s.kept()))
		}

		if n := counted(t, s.Metrics(), "carillon_kept_webhooks_deleted_total", "age"); n != 1 {
			t.Errorf("%v deleted for their age", n)
		}
		if n := counted(t, s.Metrics(), "carillon_kept_webhooks_deleted_total", "rows"); n != 3 {
			t.Errorf("%v deleted for their number", n)
		}
	})
}

func TestWhatIsKeptIsTrimmedByItsBytesAlsoBetweenSweeps(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		s := stand(t, db, func(o *setting) { o.KeptBytes = 64 << 10 })
		for i := range 40 { // of 4 KiB each
			if code := s.told(fmt.Sprintf(`{"n":%d,"x":%q}`, i, strings.Repeat("x", 4<<10))); code != http.StatusOK {
				t.Fatalf("answered %d", code)
			}

			total := 0
			for _, row := range s.kept() {
				total += len(row.Body)
			}

			if total > 64<<10+8<<10 {
				t.Fatalf("after %d payloads %d bytes are kept", i+1, total)
			}
		}

		if kept := s.kept(); len(kept) < 10 || !strings.Contains(string(kept[len(kept)-1].Body), `{"n":39,`) {
			t.Errorf("%d are left, want the newest", len(kept))
		}
		if n := counted(t, s.Metrics(), "carillon_kept_webhooks_deleted_total", "bytes"); n < 20 {
			t.Errorf("%v deleted for their bytes", n)
		}
	})
}
