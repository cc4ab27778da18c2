package graph_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"carillon/caller"
	"carillon/database"
	"carillon/ent/enum"
	"carillon/ent/message"
	"carillon/uid"
)

// wrong are the user errors of a payload, as "field CODE".
func (a answer) wrong(payload string) (out []string) {
	a.t.Helper()
	for i := range a.list(payload + ".userErrors") {
		var field []string
		for _, step := range a.list(fmt.Sprintf("%s.userErrors.%d.field", payload, i)) {
			field = append(field, step.(string))
		}

		out = append(out,
			strings.TrimSpace(strings.Join(field, ".")+" "+a.text(fmt.Sprintf("%s.userErrors.%d.code", payload, i))))
	}

	return out
}

const send = `mutation($input: SendMessageInput!) { sendMessage(input: $input) {
	message { id direction type status to text campaign { id } template { name } contact { phone } phoneNumber { queued } attempts } userErrors { field code message } clientMutationId } }`

func (o *shop) sale() vars {
	return vars{"phoneNumberId": o.number.ID.String(), "to": *o.contacts[0].Phone, "clientMutationId": "1",
		"content": vars{"template": vars{"templateId": o.template.ID.String(),
			"values": []vars{{"parameter": "first_name", "value": "Ana"}}}}}
}

func (o *shop) free(kind string, content vars) vars {
	return vars{"phoneNumberId": o.number.ID.String(), "to": *o.contacts[0].Phone, "content": vars{kind: content}}
}

// openWindow opens the first contact's service window.
func (o *shop) openWindow() {
	o.contacts[0].Update().SetServiceWindowClosesAt(database.Now().Add(time.Hour)).ExecX(caller.System(o.ctx))
}

func TestSendingSingleMessages(t *testing.T) {
	each(t, func(t *testing.T, s *stage) {
		o := s.signUp().open(1)
		a := o.must(send, vars{"input": o.sale()})
		m := "sendMessage.message."

		if a.text(m+"status") != "QUEUED" || a.text(m+"type") != "TEMPLATE" ||
			a.text(m+"text") != "Hi Ana, our spring sale has begun." || a.at(m+"campaign") != nil ||
			a.text(m+"template.name") != "spring_sale" ||
			a.text(m+"contact.phone") != a.text(m+"to") || a.at(m+"phoneNumber.queued") != 1.0 ||
			a.text("sendMessage.clientMutationId") != "1" {
			t.Errorf("a template: %v", a.Data)
		}

		shut := o.must(send, vars{"input": o.free("text", vars{"body": "Hello"})})
		if got := shut.wrong("sendMessage"); len(got) != 1 || got[0] != "content.text NOT_ALLOWED" ||
			!strings.Contains(shut.text("sendMessage.userErrors.0.message"), "template") {
			t.Errorf("outside the window: %v", shut.Data)
		}

		o.openWindow()
		if a := o.must(send, vars{"input": o.free("text", vars{"body": "Hello", "previewUrl": true})}); a.text(m+
			"text") != "Hello" || a.text(m+"type") != "TEXT" {
			t.Errorf("inside the window: %v", a.Data)
		}

		if a := o.must(send, vars{"input": o.free("media", vars{"kind": "IMAGE", "link": "https://example.com/a.jpg",
			"caption": "Look"})}); a.text(m+"text") != "Look" || a.text(m+"type") != "IMAGE" {
			t.Errorf("a picture: %v", a.Data)
		}

		if n := s.urgent.Load(); n != 3 {
			t.Errorf("the lane was woken %d times for 3 messages", n)
		}

		for _, media := range []any{vars{"kind": "IMAGE", "link": "https://example.com/a.jpg"}, nil} {
			two := o.free("text", vars{"body": "x"})
			two["content"].(vars)["media"] = media
			if got := o.ask(send, vars{"input": two}); got.code() != "BAD_USER_INPUT" ||
				!strings.Contains(got.Errors[0].Message, "$input.content: ") {
				t.Errorf("two contents, of which one is %v, gave %v", media, got)
			}
		}

		if code := o.ask(send, vars{"input": o.free("location", vars{})}).code(); code != "BAD_USER_INPUT" {
			t.Errorf("a content that is none gave %q", code)
		}
	})
}

func TestASingleMessageNamesWhatIsWrongWithIt(t *testing.T) {
	each(t, func(t *testing.T, s *stage) {
		o, other := s.signUp().open(1), s.signUp()
		o.openWindow()
		theirs := o.sale()
		theirs["replyToMessageId"] = o.queued(uid.ID{}, 1)[0].String()

		for name, tc := range map[string]struct {
			as    *person
			input vars
			want  string
		}{
			"another organization's things": {other, theirs,
				"phoneNumberId NOT_FOUND, replyToMessageId INVALID, content.template.templateId NOT_FOUND"},
			"ids that are none": {o.person,
				vars{"phoneNumberId": "x", "to": "x", "content": vars{"text": vars{"body": ""}}, "replyToMessageId": "x"},
				"phoneNumberId NOT_FOUND, to INVALID, replyToMessageId NOT_FOUND, content.text.body REQUIRED"},
			"a value that has no place": {o.person, o.free("template",
				vars{"templateId": o.template.ID.String(), "values": []vars{{"parameter": "firstname", "value": "Ana"}}}),
				"content.template.values.0.parameter INVALID, content.template.values REQUIRED"},
			"a value with a tab": {o.person, o.free("template",
				vars{"templateId": o.template.ID.String(), "values": []vars{{"parameter": "first_name", "value": "A\tna"}}}),
				"content.template.values.0.value INVALID"},
			"a file from two places and a kind that is none": {o.person, o.free("media", vars{"kind": "LOCATION",
				"link": "https://example.com/a", "mediaId": "1"}), "content.media.kind INVALID, content.media INVALID"},
		} {
			a := tc.as.must(send, vars{"input": tc.input})
			if got := strings.Join(a.wrong("sendMessage"), ", "); got != tc.want || a.at("sendMessage.message") != nil {
				t.Errorf("%s: got %s, want %s", name, got, tc.want)
			}
		}

		if n := s.urgent.Load(); n != 0 {
			t.Errorf("the lane was woken %d times", n)
		}
	})
}

func TestTheSameIdempotencyKeyTwiceAtOnceSendsOneMessage(t *testing.T) {
	each(t, func(t *testing.T, s *stage) {
		o := s.signUp().open(1)
		input := o.sale()
		input["idempotencyKey"] = "k"
		ids, calls := make(chan string, 2), sync.WaitGroup{}
		for range 2 {
			calls.Go(func() { ids <- o.must(send, vars{"input": input}).text("sendMessage.message.id") })
		}

		calls.Wait()
		if a, b := <-ids, <-ids; a != b {
			t.Errorf("%s and %s", a, b)
		}
		if n := o.must(`{ messages { totalCount } }`).at("messages.totalCount"); n != 1.0 {
			t.Errorf("%v messages", n)
		}

		input["to"] = "+14167010001"
		if got := o.must(send, vars{"input": input}).wrong("sendMessage"); len(got) != 1 ||
			got[0] != "idempotencyKey INVALID" {
			t.Errorf("another input: %v", got)
		}
	})
}

func TestRetryingACampaign(t *testing.T) {
	each(t, func(t *testing.T, s *stage) {
		o := s.signUp().open(2)
		c := o.campaign("Spring")
		const retry = `mutation($id: ID!, $codes: [Int!]) { retryCampaign(input: {campaignId: $id, errorCodes: $codes}) { campaign { status progress { queued failed } } userErrors { field code message } } }`
		if code := o.ask(retry, vars{"id": c.String()}).code(); code != "CONFLICT" {
			t.Errorf("a draft: %q", code)
		}

		o.queued(c, 2)
		system := caller.System(o.ctx)
		s.db.Client.Campaign.UpdateOneID(c).SetStatus(enum.CampaignStatusCompleted).SetEnrolledAt(database.Now()).
			SetQueued(0).SetFailed(2).ExecX(system)
		for i, m := range s.db.Client.Message.Query().Where(message.CampaignID(c)).AllX(system) {
			m.Update().SetStatus(enum.MessageStatusFailed).SetFailedAt(database.Now()).SetAttempts(1).
				SetErrorCode([]int{131000, 131026}[i]).ExecX(system)
		}

		a := o.must(retry, vars{"id": c.String(), "codes": []int{131000, 131026}})
		if got := a.wrong("retryCampaign"); len(got) != 1 || got[0] != "errorCodes.1 INVALID" ||
			a.at("retryCampaign.campaign") != nil {
			t.Errorf("an error that does not pass: %v", a.Data)
		}

		a = o.must(retry, vars{"id": c.String()})
		if a.text("retryCampaign.campaign.status") != "RUNNING" || a.at("retryCampaign.campaign.progress.queued") != 1.0 ||
			a.at("retryCampaign.campaign.progress.failed") != 1.0 {
			t.Errorf("retried: %v", a.Data)
		}

		for _, who := range []struct {
			*person
			id uid.ID
		}{{s.signUp(), c}, {o.person, uid.New(uid.Campaign)}} {
			if code := who.ask(retry, vars{"id": who.id.String()}).code(); code != "NOT_FOUND" {
				t.Errorf("somebody else's, or nobody's: %q", code)
			}
		}
	})
}

func TestChangingAnOrganization(t *testing.T) {
	each(t, func(t *testing.T, s *stage) {
		p, other := s.signUp(), s.signUp()
		const update = `mutation($input: UpdateOrganizationInput!) { updateOrganization(input: $input) { organization { id name timeZone retentionDays members { role }
			sendingPolicy { requireOptIn optOutKeywords optInKeywords unknownWaitSeconds unknownMarketing unknownOther failureThreshold marketingPerContactPerDay quietHours { start end } } } userErrors { field code } } }`
		a := p.must(update,
			vars{"input": vars{"name": "Lucky Shrub", "timeZone": "Asia/Shanghai", "retentionDays": 30, "sendingPolicy": vars{
				"requireOptIn": true, "marketingPerContactPerDay": 2,
				"quietHours": vars{"start": "21:00", "end": "08:00"}, "optOutKeywords": []string{}, "unknownWaitSeconds": 60,
				"unknownOther": "PREFER_NO_DUPLICATE", "failureThreshold": 0.5}}})

		o, policy := "updateOrganization.organization.", "updateOrganization.organization.sendingPolicy."
		if a.text(o+"name") != "Lucky Shrub" || a.text(o+"timeZone") != "Asia/Shanghai" ||
			a.at(o+"retentionDays") != 30.0 || a.text(o+"members.0.role") != "OWNER" || a.at(policy+"requireOptIn") != true ||
			a.at(policy+"marketingPerContactPerDay") != 2.0 || a.text(policy+"quietHours.start") != "21:00" ||
			a.text(policy+"quietHours.end") != "08:00" ||
			len(a.list(policy+"optOutKeywords")) != 0 || len(a.list(policy+"optInKeywords")) != 2 ||
			a.at(policy+"unknownWaitSeconds") != 60.0 || a.text(policy+"unknownMarketing") != "PREFER_NO_DUPLICATE" ||
			a.text(policy+"unknownOther") != "PREFER_NO_DUPLICATE" || a.at(policy+"failureThreshold") != 0.5 {
			t.Errorf("got %v", a.Data)
		}

		a = p.must(update, vars{"input": vars{"name": nil, "timeZone": "Moon", "retentionDays": 0,
			"sendingPolicy": vars{"optInKeywords": []string{"ok", " "}, "failureThreshold": 2, "requireOptIn": false}}})
		if got := strings.Join(a.wrong("updateOrganization"),
			", "); got != "timeZone INVALID, retentionDays INVALID, sendingPolicy.optInKeywords.1 REQUIRED, "+
			"sendingPolicy.failureThreshold INVALID" ||
			a.at("updateOrganization.organization") != nil {
			t.Errorf("got %s", got)
		}

		if a := p.must(update, vars{"input": vars{}}); a.text(o+"name") != "Lucky Shrub" ||
			a.at(policy+"requireOptIn") != true {
			t.Errorf("changing nothing gave %v", a.Data)
		}

		for _, change := range []struct {
			input vars
			stays bool
		}{{vars{"requireOptIn": true}, true}, {vars{"quietHours": nil}, false}} {
			a := p.must(update, vars{"input": vars{"sendingPolicy": change.input}})
			if is := a.at(policy+"quietHours") != nil; is != change.stays {
				t.Errorf("%v: quiet hours are %v", change.input, a.at(policy+"quietHours"))
			}
		}

		a = p.must(update, vars{"input": vars{"sendingPolicy": vars{"quietHours": vars{"start": "8:00", "end": "8:00"}}}})
		if got := strings.Join(a.wrong("updateOrganization"), ", "); got != "sendingPolicy.quietHours.start INVALID, "+
			"sendingPolicy.quietHours.end INVALID, sendingPolicy.quietHours INVALID" {
			t.Errorf("got %s", got)
		}

		if a := other.must(`{ viewer { organization { name sendingPolicy { requireOptIn } } } }`); a.text(
			"viewer.organization.name") == "Lucky Shrub" || a.at("viewer.organization.sendingPolicy.requireOptIn") != false {
			t.Errorf("another organization is %v", a.Data)
		}
	})
}

func TestChangingAPhoneNumber(t *testing.T) {
	each(t, func(t *testing.T, s *stage) {
		o := s.signUp().open(0)
		change := func(p *person, id uid.ID, input vars) answer {
			input["phoneNumberId"] = id.String()
			return p.ask(`mutation($input: UpdatePhoneNumberInput!) { updatePhoneNumber(input: $input) { phoneNumber { id throughput throughputCap } userErrors { field code } } }`,
				vars{"input": input})
		}

		for _, step := range []struct {
			input vars
			want  any
		}{{vars{"throughputCap": 20}, 20.0}, {vars{}, 20.0}, {vars{"throughputCap": nil}, nil}} {
			if a := change(o.person, o.number.ID, step.input); len(a.Errors) > 0 ||
				a.at("updatePhoneNumber.phoneNumber.throughputCap") != step.want {
				t.Errorf("%v gave %v %v", step.input, a.Data, a.Errors)
			}
		}

		for _, most := range []int{0, 1001} {
			if got := change(o.person, o.number.ID, vars{"throughputCap": most}).wrong("updatePhoneNumber"); len(got) != 1 ||
				got[0] != "throughputCap INVALID" {
				t.Errorf("%d gave %v", most, got)
			}
		}

		if code := change(s.signUp(), o.number.ID, vars{"throughputCap": 1}).code(); code != "NOT_FOUND" {
			t.Errorf("somebody else's: %q", code)
		}
		if code := change(o.person, uid.New(uid.PhoneNumber), vars{}).code(); code != "NOT_FOUND" {
			t.Errorf("nobody's: %q", code)
		}
	})
}

func TestTheUseOfAMessagingLimitIsThatOfTheLastDay(t *testing.T) {
	each(t, func(t *testing.T, s *stage) {
		o := s.signUp().open(0)
		c, system := s.db.Client, caller.System(o.ctx)
		o.account.Update().SetMessagingLimit(1000).ExecX(system)
		second := c.Account.Create().SetOrganizationID(o.org).SetWabaID("2").SetName("Second").SetToken([]byte{1}).
			SaveX(system)
		write := func(account uid.ID, to string, at time.Time) {
			c.MessagingWindow.Create().SetOrganizationID(o.org).SetAccountID(account).SetAddress(to).
				SetMessageID(uid.New(uid.Message)).SetAt(at).ExecX(system)
		}

		now := database.Now()
		write(o.account.ID, "+14167010001", now)
		write(o.account.ID, "+14167010002", now.Add(-23*time.Hour))
		write(o.account.ID, "+14167010003", now.Add(-25*time.Hour))
		write(second.ID, "+14167010001", now)
		const query = `{ accounts { edges { node { name messagingLimit messagingLimitUsed phoneNumbers { account { messagingLimitUsed } } } } } }`
		a := o.must(query)

		if a.at("accounts.edges.0.node.messagingLimitUsed") != 2.0 ||
			a.at("accounts.edges.0.node.phoneNumbers.0.account.messagingLimitUsed") != 2.0 ||
			a.at("accounts.edges.1.node.messagingLimitUsed") != 1.0 {
			t.Errorf("got %v", a.Data)
		}
	})
}
