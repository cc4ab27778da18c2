package app_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"carillon/caller"
	"carillon/database"
	"carillon/database/dbtest"
	"carillon/delivery"
	"carillon/ent/campaign"
	"carillon/ent/enum"
	"carillon/ent/message"
	"carillon/whatsapp"
	"carillon/whatsapp/sandbox"
)

const clients = 50

// failing are the sandbox's numbers to which messages fail, in a way that may pass.
var failing = []string{"+14165550141", "+14165550146"}

// said are the codes of what an answer refuses, of errors and of user errors.
type said struct {
	Errors []struct {
		Message    string
		Extensions struct{ Code string }
	}
	Data map[string]struct {
		Campaign   struct{ ID string }
		UserErrors []struct{ Code, Message string }
	}
}

// call sends a mutation with its input, and returns what was said; refusals are answers here.
func (s *service) call(mutation, selection string, input map[string]any) (out said) {
	kind := strings.ToUpper(mutation[:1]) + mutation[1:] + "Input!"
	query := fmt.Sprintf("mutation($i: %s) { %s(input: $i) { %s } }", kind, mutation, selection)
	body, _ := json.Marshal(map[string]any{"query": query, "variables": map[string]any{"i": input}})
	request, _ := http.NewRequestWithContext(s.t.Context(), http.MethodPost, s.url+"/graphql", bytes.NewReader(body))
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Authorization", "Bearer "+s.token)

	response, err := http.DefaultClient.Do(request)
	if err != nil {
		s.t.Error(err)
		return out
	}

	defer response.Body.Close()
	text, _ := io.ReadAll(response.Body)
	if err := json.Unmarshal(text, &out); err != nil {
		s.t.Errorf("%s: %d %s", mutation, response.StatusCode, text)
	}

	return out
}

const changed = "campaign { id } userErrors { code message }"

// deeds are what clients do to a campaign, each as often as it stands here.
var deeds = []func(s *service, campaign string){
	calls("launchCampaign"), calls("launchCampaign"), calls("launchCampaign"), calls("pauseCampaign"),
	calls("resumeCampaign"), calls("resumeCampaign"), calls("resumeCampaign"),
	calls("retryCampaign"), calls("retryCampaign"), updates, updates, schedules, adds,
	func(s *service, c string) {
		s.deed("estimateCampaign", "estimate { recipients }", map[string]any{"campaignId": c})
	},
	func(s *service, c string) { s.deed("duplicateCampaign", changed, map[string]any{"campaignId": c}) },
	func(s *service, c string) {
		s.deed("testCampaign", "message { id } userErrors { code message }",
			map[string]any{"campaignId": c, "to": "+14165551234"})
	},
}

// refusals are what a client may hear that does any of these at any time.
var refusals = []string{"CONFLICT", "REQUIRED", "INVALID", "NOT_ALLOWED", "STALE", "LIMIT_EXCEEDED"}

func (s *service) deed(mutation, selection string, input map[string]any) {
	out := s.call(mutation, selection, input)
	for _, e := range out.Errors {
		if !slices.Contains(refusals, e.Extensions.Code) {
			s.t.Errorf("%s %v: %+v", mutation, input, e)
		}
	}

	for _, answer := range out.Data {
		for _, e := range answer.UserErrors {
			if !slices.Contains(refusals, e.Code) {
				s.t.Errorf("%s %v: %+v", mutation, input, e)
			}
		}
	}
}

func calls(mutation string) func(*service, string) {
	return func(s *service, c string) { s.deed(mutation, changed, map[string]any{"campaignId": c}) }
}

func updates(s *service, c string) {
	input := map[string]any{"campaignId": c, "failureThreshold": 1, "name": fmt.Sprint("Spring ", rand.IntN(100))}
	switch rand.IntN(4) {
	case 0:
		input["rateLimit"] = []any{nil, 50, 100, 1000}[rand.IntN(4)]
	case 1:
		input["audience"] = map[string]any{"filter": map[string]any{"country": []string{"CA"}}}
	case 2:
		input["expiresAt"] = []any{nil, time.Now().Add(time.Hour)}[rand.IntN(2)]
	}

	s.deed("updateCampaign", changed, input)
}

// adds names somebody who is in the audience already, so that they are one person all the same.
func adds(s *service, c string) {
	s.deed("addCampaignRecipients", changed, map[string]any{"campaignId": c, "recipients": []any{
		map[string]any{"phone": failing[rand.IntN(len(failing))], "reference": fmt.Sprint("r", rand.IntN(100))}}})
}

func schedules(s *service, c string) {
	at := any(time.Now().Add(time.Duration(rand.IntN(3000)) * time.Millisecond))
	if rand.IntN(2) == 0 {
		at = nil
	}

	s.deed("updateCampaign", changed, map[string]any{"campaignId": c, "scheduledAt": at})
}

// Fifty clients do whatever comes to their minds to one campaign, over HTTP, while workers send it.
// In every second round some of them cancel it.
func TestChaosOfFiftyClientsAtOneCampaign(t *testing.T) {
	t.Parallel()
	rounds, each := 2, 6
	if os.Getenv(chaosVariable) == "long" {
		rounds, each = 8, 40
	}

	onBoth(t, func(t *testing.T, dsn string) {
		s := deploy(t, dsn, sandbox.Options{Throughput: 30, NoPairLimit: true, DuplicateWebhooks: 0.1, ShuffleWebhooks: 0.1})
		s.environ = append(s.environ, "API_POINTS_PER_TOKEN=0", "API_POINTS_PER_ORGANIZATION=0")
		if strings.HasPrefix(dsn, "sqlite:") {
			s.start("")
		} else {
			shared := []string{"REDIS_URL=" + dbtest.RedisURL(t), "ENCRYPTION_KEY=" + testKey}
			s.start("serve", shared...)
			s.start("work", append(shared, "HTTP_ADDR=127.0.0.1:0")...)
			s.start("work", append(shared, "HTTP_ADDR=127.0.0.1:0")...)
		}

		s.ready()
		first := s.draft(120)
		s.seedPhones(failing...)
		for round := range rounds {
			made := s.call("duplicateCampaign", changed,
				map[string]any{"campaignId": first, "name": fmt.Sprint("Spring ", round)})
			c := made.Data["duplicateCampaign"].Campaign.ID
			s.crowd(c, each, round%2 == 1)
			s.settled(c)
		}

		s.judgeCampaigns()
	})
}

// crowd has all clients do what they like, each so often.
func (s *service) crowd(c string, each int, cancels bool) {
	seed := rand.Uint64()
	s.t.Logf("seed %d", seed)
	var all sync.WaitGroup
	for n := range uint64(clients) {
		all.Go(func() {
			dice := rand.New(rand.NewPCG(seed, n))
			for range each {
				deeds[dice.IntN(len(deeds))](s, c)
				if cancels && dice.IntN(clients*each/3) == 0 {
					calls("cancelCampaign")(s, c)
				}
			}
		})
	}

	all.Wait()
}

// settled helps a campaign to its end, and waits until nothing of it is in anybody's hands.
func (s *service) settled(c string) {
	s.t.Helper()
	s.until("the campaign is over", func() bool {
		status, p := s.progress(c)
		switch status {
		case "DRAFT", "SCHEDULED":
			s.deed("updateCampaign", changed, map[string]any{"campaignId": c, "scheduledAt": nil})
			calls("launchCampaign")(s, c)
		case "PAUSED":
			calls("resumeCampaign")(s, c)
		}

		return (status == "COMPLETED" || status == "CANCELED") && p.Queued+p.Sending+p.Unknown == 0
	})

	s.until("nothing is under way", func() bool { // a test of the campaign, say
		return !s.db.Client.Message.Query().Where(message.StatusIn(enum.MessageStatusQueued, enum.MessageStatusSending)).
			ExistX(caller.System(s.t.Context()))
	})

	if err := s.sandbox.WaitIdle(s.t.Context()); err != nil {
		s.t.Fatal(err)
	}
}

// judgeCampaigns holds what must be true whatever the clients did: no attempt at a message was
// accepted twice, nobody has two messages of one campaign, of one that is completed everybody has
// theirs, and every count is what a recount gives.
func (s *service) judgeCampaigns() {
	s.t.Helper()
	system := caller.System(s.t.Context())
	attempts, got := map[string]int{}, map[string]int{}
	for _, a := range s.sandbox.Accepted() {
		attempts[a.CallbackData]++
		id, _, _ := whatsapp.ParseCallback(a.CallbackData)
		got[id]++
		if attempts[a.CallbackData] > 1 {
			s.t.Errorf("%s was sent to %s twice", a.CallbackData, a.To)
		}
	}

	people := s.db.Client.Contact.Query().CountX(system)
	for _, c := range s.db.Client.Campaign.Query().Where(campaign.NameHasPrefix("Spring ")).AllX(system) {
		if c.Status == enum.CampaignStatusDraft { // somebody's copy
			continue
		}
		if c.StatusReason != nil || c.CompletedAt == nil || c.LaunchedAt == nil && c.Status == enum.CampaignStatusCompleted {
			s.t.Errorf("%s is %s because of %v, launched at %v, over at %v", c.ID, c.Status, c.StatusReason, c.LaunchedAt,
				c.CompletedAt)
		}

		to := map[string]int{}
		messages := s.db.Client.Message.Query().Where(message.CampaignID(c.ID)).AllX(system)
		for _, m := range messages {
			to[m.Address]++
			if to[m.Address] > 1 || got[m.ID.String()] > 1 && !slices.Contains(failing, m.Address) {
				s.t.Errorf("%s is %d times in %s, and got %d messages", m.Address, to[m.Address], c.ID, got[m.ID.String()])
			}
			if c.Status == enum.CampaignStatusCompleted && got[m.ID.String()] == 0 {
				s.t.Errorf("%s got nothing of %s", m.Address, c.ID)
			}
		}
		if c.Status == enum.CampaignStatusCompleted && len(messages) != people {
			s.t.Errorf("%s went to %d of %d people", c.ID, len(messages), people)
		}
	}

	differences, err := delivery.NewQueue(s.db, nil, nil, database.Now).Verify(system)
	if err != nil {
		s.t.Fatal(err)
	}

	for _, d := range differences {
		s.t.Error(d)
	}
}
