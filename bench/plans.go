package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"time"

	"carillon/campaign"
	"carillon/database"
	"carillon/delivery"
	"carillon/ent"
	"carillon/ent/enum"
	"carillon/ent/jsonfield"
	"carillon/ent/message"
	"carillon/graph"
	"carillon/metawebhook"
	"carillon/transactional"
	"carillon/uid"
	"carillon/whatsapp"
	"carillon/whatsapp/sandbox"
	"carillon/worker"
)

// benchPlans plays every query of the API and every step of the engine on large tables, and says
// how PostgreSQL carried out each statement. It fails when one reads a large table whole, or far
// more than it gives.
func benchPlans(ctx context.Context, o options) error {
	plans, err := playAll(ctx, o.rowsOr(1_000_000), (*stage).time)
	if err != nil {
		return err
	}

	wasteful := 0
	for _, p := range plans {
		why, excuse := p.wasteful(), p.excuse()
		if why != "" && excuse == "" {
			wasteful++
		}

		f := figures{"name": p.name, "statement": p.query, "nodes": p.nodes, "rows_read": p.rows,
			"rows_passed_over": p.passed, "rows_returned": p.returned, "blocks": p.blocks, "sums": p.sums, "wasteful": why,
			"excuse": excuse}
		if err := f.print("plans"); err != nil {
			return err
		}
	}

	if wasteful > 0 {
		return fmt.Errorf("%d of %d plans are wasteful", wasteful, len(plans))
	}

	return nil
}

// playAll plays everything on tables with a past of that many messages, after first has seen them.
func playAll(ctx context.Context, messages int, first func(*stage, context.Context, *past) error) ([]*plan, error) {
	m, err := startMeta(ctx, sandbox.Options{Throughput: anyRate, NoLimits: true, NoWebhooks: true})
	if err != nil {
		return nil, err
	}

	defer m.close()
	e := &explainer{plans: map[string]*plan{}}
	s, err := setStage(ctx, "postgres", m.url, e.explain)
	if err != nil {
		return nil, err
	}

	defer s.close()
	p, err := s.fill(ctx, messages)
	if err != nil {
		return nil, err
	}
	if err := first(s, ctx, p); err != nil {
		return nil, err
	}
	if err := s.playQuestions(ctx, e, p); err != nil {
		return nil, err
	}
	if err := s.playEngine(e, p); err != nil {
		return nil, err
	}

	e.play("")

	return e.all(), nil
}

// api is the GraphQL API over the stage; its lists and statistics are read through db.
func (s *stage) api(db *database.DB) http.Handler {
	return graph.New(graph.Deps{DB: db, Identity: s.who, Accounts: s.accounts, Audience: s.audience,
		Campaigns: s.campaigns, Direct: transactional.New(s.db, s.queue, s.who, s.tasks, database.Now),
		Log: delivery.NewLog(db), Hub: s.hub, Rates: worker.NewPace(s.redis, s.prefix),
		Now: database.Now, Logger: slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError}))})
}

// someOf is a message of the past's campaign.
func (s *stage) someOf(p *past) (*ent.Message, error) {
	some, err := s.db.Client.Message.Query().Where(message.CampaignID(p.campaign), message.ContactIDNotNil()).
		First(s.system)
	if err == nil && some.TemplateID == nil {
		err = errors.New("a campaign's message without a template")
	}

	return some, err
}

func (s *stage) playQuestions(ctx context.Context, e *explainer, p *past) error {
	some, err := s.someOf(p)
	if err != nil {
		return err
	}

	questions := p.questions(s.account.ID, s.number.ID, *some.TemplateID, *some.ContactID, some.ID, some.Address)
	maps.Copy(questions, p.reports(s.account.ID, s.number.ID, *some.TemplateID))
	api := s.api(s.db)

	for _, name := range slices.Sorted(maps.Keys(questions)) {
		e.play(name)
		if err := s.ask(ctx, api, questions[name]); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}

	return nil
}

func (s *stage) ask(ctx context.Context, api http.Handler, question string) error {
	body, err := json.Marshal(map[string]string{"query": question})
	if err != nil {
		return err
	}

	r := httptest.NewRequestWithContext(ctx, http.MethodPost, "/graphql", bytes.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", "Bearer "+s.session)
	w := httptest.NewRecorder()
	api.ServeHTTP(w, r)
	text, _ := io.ReadAll(w.Result().Body)
	if bytes.Contains(text, []byte(`"errors"`)) {
		return fmt.Errorf("%s: %s", question, text)
	}

	return nil
}

// playEngine sends a campaign and single messages, takes webhooks in, and sweeps, step by step.
func (s *stage) playEngine(e *explainer, p *past) error {
	ctx, n := s.system, 100
	e.play("")
	if err := s.contacts(n); err != nil {
		return err
	}

	c, err := s.draft()
	if err != nil {
		return err
	}

	people, err := s.db.Client.Contact.Query().Limit(50).IDs(s.owner)
	if err != nil {
		return err
	}

	handler := metawebhook.New(metawebhook.Parts{DB: s.db, Journal: s.journal, Queue: s.queue, Accounts: s.accounts,
		Audience: s.audience, Campaigns: s.campaigns, Now: database.Now, Log: slog.Default()},
		metawebhook.Options{Secrets: []string{appSecret}, VerifyToken: verifyToken})
	var ids []uid.ID

	tell := func(status string, mine bool) error {
		var statuses []string
		for i, id := range ids {
			text := statusOf(id, i, status)
			if !mine {
				text = strings.Replace(text, "biz_opaque", "other", 1)
			}
			if status == "failed" {
				text = strings.Replace(text, `"status"`, `"errors":[{"code":131026}],"status"`, 1)
			}

			statuses = append(statuses, text)
		}

		_, err := handler.Process(ctx, sign(statuses).body)

		return err
	}

	draft := func(name string, a jsonfield.Audience) func() error {
		return func() error {
			to := "name"
			c, err := s.campaigns.Create(s.owner,
				campaign.Draft{Name: name, TemplateID: s.template.ID, PhoneNumberID: s.number.ID, Audience: a,
					Parameters: []jsonfield.ParameterBinding{{Parameter: "1", ContactField: &to}}})
			if err != nil {
				return err
			}
			if _, err := s.audience.Counts(ctx, s.account.OrganizationID, map[uid.ID]jsonfield.Audience{c.ID: a}); err != nil {
				return err
			}
			if _, err := s.campaigns.Launch(s.owner, c.ID, nil); err != nil {
				return err
			}
			if _, err := s.campaigns.Pause(s.owner, c.ID); err != nil {
				return err
			}

			_, err = s.campaigns.Cancel(s.owner, c.ID)

			return err
		}
	}

	limit := 1_000_000
	log := delivery.NewLog(s.db)

	steps := []struct {
		name string
		do   func() error
	}{
		{"engine: a campaign to a list", draft("list", jsonfield.Audience{ListIDs: []uid.ID{p.list}})},
		{"engine: a campaign to contacts", draft("contacts", jsonfield.Audience{ContactIDs: people})},
		{"engine: launch", func() error { _, err := s.campaigns.Launch(s.owner, c.ID, nil); return err }},
		{"engine: enroll", func() error { return s.campaigns.Enroll(ctx, c.ID) }},
		{"engine: lanes", func() error { _, err := s.queue.Lanes(ctx); return err }},
		{"engine: runnable", func() error { _, err := s.queue.Runnable(ctx, s.number.ID); return err }},
		{"engine: next due", func() error { _, _, err := s.queue.NextDue(ctx, s.number.ID); return err }},
		{"", func() error { return s.template.Update().SetCategory(enum.TemplateCategoryMarketing).Exec(ctx) }},
		{"engine: claim by night", func() error {
			policy := jsonfield.SendingPolicy{QuietHours: &jsonfield.QuietHours{Start: "00:00", End: "23:59"}}
			_, _, err := s.queue.Claim(ctx, s.number.ID, 50, []delivery.Runnable{{Campaign: c.ID, Most: -1}},
				delivery.Limit{Quiet: delivery.QuietHoursOf(&ent.Organization{TimeZone: "UTC", SendingPolicy: policy})})
			return err
		}},
		{"engine: release what is held", func() error { _, err := s.queue.ReleaseHeld(ctx); return err }},
		{"", func() error { return s.template.Update().SetCategory(enum.TemplateCategoryUtility).Exec(ctx) }},
		{"engine: claim and return", func() error {
			claimed, _, err := s.queue.Claim(ctx, s.number.ID, 50, []delivery.Runnable{{Campaign: c.ID, Most: -1}},
				delivery.Limit{Account: s.account.ID, People: &limit})
			if err != nil {
				return err
			}

			var facts []delivery.Fact
			for _, m := range claimed {
				facts = append(facts, delivery.Fact{Message: m.ID, Attempt: m.Attempt, Kind: delivery.Return, At: database.Now()})
			}

			_, err = s.journal.Record(ctx, facts...)

			return err
		}},
		{"engine: drain", func() error { _, _, err := s.lanes.Drain(ctx, s.number.ID); return err }},
		{"engine: finish", func() error { return s.campaigns.Finish(ctx, s.number.ID) }},
		{"", func() error {
			ids, err = s.db.Client.Message.Query().Where(message.CampaignID(c.ID)).Order(ent.Asc(message.FieldID)).IDs(ctx)
			return err
		}},
		{"webhook: sent", func() error { return tell("sent", true) }},
		{"webhook: delivered, by wamid", func() error { return tell("delivered", false) }},
		{"webhook: failed", func() error { return tell("failed", true) }},
		{"webhook: received", func() error {
			_, err := handler.Process(ctx, []byte(`{"object":"whatsapp_business_account","entry":[{"id":"`+waba+
				`","changes":[{"value":{"messaging_product":"whatsapp","metadata":{"phone_number_id":"`+metaNumber+
				`"},"contacts":[{"profile":{"name":"Ana"},"wa_id":"14162000001"}],"messages":[{"from":"14162000001","id":"wamid.in","timestamp":"1700000000","type":"text","text":{"body":"STOP"}}]},"field":"messages"}]}]}`))
			return err
		}},
		{"engine: retry", func() error { _, err := s.campaigns.Retry(s.owner, p.campaign, []int{131049}); return err }},
		{"engine: requeue", func() error {
			_, err := s.queue.Requeue(ctx, p.campaign, func(code int) bool { return code == 131049 })
			return err
		}},
		{"engine: close", func() error { _, err := s.queue.Close(ctx, c.ID, delivery.Cancel); return err }},
		{"engine: last failures", func() error {
			_, err := s.queue.LastFailures(ctx, s.account.OrganizationID, p.campaign, 50)
			return err
		}},
		{"", func() error { // a worker that is gone
			_, err := s.db.Client.Claim.Create().SetUntil(database.Now().Add(-time.Minute)).Save(ctx)
			return err
		}},
		{"engine: expire leases", func() error { _, err := s.queue.ExpireLeases(ctx); return err }},
		{"engine: settle unknown", func() error {
			if _, err := s.queue.UnknownOwners(ctx); err != nil {
				return err
			}

			_, err := s.queue.SettleUnknown(ctx,
				map[uid.ID]jsonfield.SendingPolicy{s.account.OrganizationID: {UnknownOther: enum.UnknownPolicyPreferNoDuplicate}},
				whatsapp.CodeLostAnswer, "lost")
			return err
		}},
		{"engine: sweep windows", func() error { _, err := s.queue.SweepWindows(ctx); return err }},
		{"engine: used", func() error { _, err := s.queue.Used(ctx, s.account.ID); return err }},
		{"engine: sweep campaigns", func() error { return s.campaigns.Sweep(ctx) }},
		{"engine: sweep identity", func() error { return s.who.Sweep(ctx) }},
		{"engine: waiting imports", func() error { _, err := s.audience.WaitingImports(ctx); return err }},
		{"hub: read the log", func() error { _, err := log.Read(ctx, s.account.OrganizationID, 1000, 256); return err }},
		{"hub: the log's end", func() error { _, err := log.Last(ctx, []uid.ID{s.account.OrganizationID}); return err }},
		{"hub: its bounds", func() error { _, _, err := log.Bounds(ctx, s.account.OrganizationID); return err }},
		{"engine: expire events", func() error {
			_, err := s.queue.ExpireEvents(ctx, time.Now().Add(-5*24*time.Hour))
			return err
		}},
		{"engine: end of messages", func() error { return s.playRetention(ctx) }},
	}

	for _, step := range steps {
		e.play(step.name)
		if err := step.do(); err != nil {
			return fmt.Errorf("%s: %w", step.name, err)
		}
	}

	return nil
}

// playRetention plays a page of what an organization's retention does to messages and the log.
func (s *stage) playRetention(ctx context.Context) error {
	organization, before := s.account.OrganizationID, time.Now().Add(-4*24*time.Hour)
	return s.db.InTx(ctx, func(tx *database.Tx) error {
		_, err := s.queue.Retire(ctx, tx, organization, uid.ID{}, uid.From(time.Now()), 100)
		if err == nil {
			_, _, err = s.queue.ExpireLog(ctx, tx, organization, before)
		}

		return err
	})
}
