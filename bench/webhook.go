package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"carillon/database"
	"carillon/delivery"
	"carillon/ent"
	"carillon/ent/message"
	"carillon/metawebhook"
	"carillon/uid"
	"carillon/whatsapp"
	"carillon/whatsapp/sandbox"
)

// benchWebhook is signed statuses a second until they are committed, beside a handler that does
// nothing but verify and one that also parses.
func benchWebhook(ctx context.Context, o options) error {
	for _, store := range o.stores {
		for _, each := range o.each {
			for _, atOnce := range o.atOnce {
				if err := webhookOnce(ctx, o, store, each, atOnce); err != nil {
					return fmt.Errorf("%s, %d a post, %d posts at once: %w", store, each, atOnce, err)
				}
			}
		}
	}

	return nil
}

func webhookOnce(ctx context.Context, o options, store string, each, atOnce int) error {
	n := o.count(10_000) // messages; each has three statuses
	_, s, end, err := setScene(ctx, store, sandbox.Options{Throughput: 80})
	if err != nil {
		return err
	}

	defer end()
	if _, err := s.fill(ctx, o.rows); err != nil {
		return err
	}

	ids, c, err := s.accepted(ctx, n)
	if err != nil {
		return err
	}

	posts := signedPosts(ids, each)
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	handler := metawebhook.New(metawebhook.Parts{DB: s.db, Journal: s.journal, Queue: s.queue, Accounts: s.accounts,
		Audience: s.audience, Campaigns: s.campaigns, Now: database.Now, Log: log},
		metawebhook.Options{Secrets: []string{appSecret}, VerifyToken: verifyToken})
	verifies, parses := bareWebhook(false), bareWebhook(true)
	verify, err := postAll(ctx, verifies, posts, atOnce)
	if err != nil {
		return err
	}

	parse, err := postAll(ctx, parses, posts, atOnce)
	if err != nil {
		return err
	}

	profiled, err := startProfile(o.profile)
	if err != nil {
		return err
	}

	begun, server := costNow(), s.serverCPU(ctx)
	took, err := postAll(ctx, handler, posts, atOnce)
	f := figures{"store": store, "statuses_per_post": each, "at_once": atOnce, "rows": o.rows}.since(begun, 3*n)
	f["database_cpu_seconds_per_1000"] = (s.serverCPU(ctx) - server).Seconds() * 1000 / float64(3*n)
	profiled()
	if err != nil {
		return err
	}

	var commits int
	if err := s.db.QueryRow(ctx,
		"SELECT count(DISTINCT recorded_at) FROM delivery_event WHERE campaign_id = $1 AND status <> 'ACCEPTED'", c.ID).
		Scan(&commits); err != nil {
		return err
	}

	f["per_commit"] = float64(3*n) / float64(max(1, commits))
	again, err := postAll(ctx, verifies, posts, atOnce)
	if err != nil {
		return err
	}

	verify = (verify + again) / 2
	f["bare_verify_per_second"], f["bare_parse_per_second"] = float64(3*n)/verify.Seconds(), float64(3*n)/parse.Seconds()
	f["ratio"], f["ratio_to_parse"] = verify.Seconds()/took.Seconds(), parse.Seconds()/took.Seconds()
	if err := s.until(ctx, c.ID, func(c *ent.Campaign) bool { return c.Read == n }); err != nil {
		return err
	}
	if err := s.verified(o.rows); err != nil {
		return err
	}

	return f.print("webhook")
}

// accepted is a campaign whose n messages have been accepted.
func (s *stage) accepted(ctx context.Context, n int) ([]uid.ID, *ent.Campaign, error) {
	c, err := s.enrolled(n)
	if err != nil {
		return nil, nil, err
	}

	ids, err := s.db.Client.Message.Query().Where(message.CampaignID(c.ID)).Order(ent.Asc(message.FieldID)).IDs(s.system)
	if err != nil {
		return nil, nil, err
	}

	for from := 0; from < n; from += 1000 {
		var facts []delivery.Fact
		for i, id := range ids[from:min(from+1000, n)] {
			facts = append(facts, delivery.Fact{Message: id, Attempt: 0, Kind: delivery.Accepted,
				WAMID: fmt.Sprintf("wamid.bench%d", from+i), At: database.Now()})
		}

		if _, err := s.journal.Record(ctx, facts...); err != nil {
			return nil, nil, err
		}
	}

	return ids, c, nil
}

// signedPost is a webhook's body and its signature.
type signedPost struct {
	body      []byte
	signature string
}

// signedPosts tell sent, then delivered, then read of every message, so many statuses in each.
func signedPosts(ids []uid.ID, each int) (posts []signedPost) {
	var statuses []string
	flush := func() {
		if len(statuses) > 0 {
			posts = append(posts, sign(statuses))
			statuses = nil
		}
	}

	for _, status := range []string{"sent", "delivered", "read"} {
		for i, id := range ids {
			if statuses = append(statuses, statusOf(id, i, status)); len(statuses) == each {
				flush()
			}
		}

		flush()
	}

	return posts
}

func sign(statuses []string) signedPost {
	body := []byte(`{"object":"whatsapp_business_account","entry":[{"id":"` + waba +
		`","changes":[{"value":{"messaging_product":"whatsapp","metadata":{"display_phone_number":"14165550199","phone_number_id":"` +
		metaNumber + `"},"statuses":[` + strings.Join(statuses, ",") + `]},"field":"messages"}]}]}`)
	return signedPost{body, whatsapp.Sign(appSecret, body)}
}

func statusOf(id uid.ID, i int, status string) string {
	pricing := `,"pricing":{"billable":true,"pricing_model":"PMP","type":"regular","category":"utility"}`
	if status == "read" {
		pricing = ""
	}

	return fmt.Sprintf(
		`{"id":"wamid.bench%d","status":%q,"timestamp":"%d","recipient_id":"1416%d","biz_opaque_callback_data":%q%s}`,
		i, status, time.Now().Unix(), 2_000_000+i, whatsapp.CallbackData(id.String(), 0), pricing)
}

// bareWebhook verifies, parses if asked to, and answers.
func bareWebhook(parse bool) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil || !whatsapp.Verify([]string{appSecret}, body, r.Header.Get("X-Hub-Signature-256")) {
			http.Error(w, "unauthorized", http.StatusUnauthorized)
			return
		}

		if parse {
			if _, err := whatsapp.ParseWebhook(body); err != nil {
				http.Error(w, "not understood", http.StatusBadRequest)
			}
		}
	})
}

// postAll serves a handler and posts everything to it, in order, so many at a time.
func postAll(ctx context.Context, handler http.Handler, posts []signedPost, atOnce int) (time.Duration, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}

	server := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	defer func() { _ = server.Close(); <-served }()
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: atOnce}}
	defer client.CloseIdleConnections()
	var next atomic.Int64
	var failed atomic.Value
	var g sync.WaitGroup
	begun := time.Now()

	for range atOnce {
		g.Go(func() {
			for ctx.Err() == nil && failed.Load() == nil {
				i := int(next.Add(1)) - 1
				if i >= len(posts) {
					return
				}
				if err := post(ctx, client, "http://"+listener.Addr().String(), posts[i]); err != nil {
					failed.Store(err)
				}
			}
		})
	}

	g.Wait()
	if err, is := failed.Load().(error); is {
		return 0, err
	}

	return time.Since(begun), ctx.Err()
}

func post(ctx context.Context, client *http.Client, url string, p signedPost) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(p.body))
	if err != nil {
		return err
	}

	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("X-Hub-Signature-256", p.signature)
	w, err := client.Do(r)
	if err != nil {
		return err
	}

	defer w.Body.Close()
	_, _ = io.Copy(io.Discard, w.Body)
	if w.StatusCode != http.StatusOK {
		return fmt.Errorf("a webhook was answered %s", w.Status)
	}

	return nil
}
