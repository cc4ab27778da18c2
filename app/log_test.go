package app_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"

	"carillon/app"
	"carillon/caller"
	"carillon/cli"
	"carillon/ent/enum"
	"carillon/ent/message"
	"carillon/secret"
	"carillon/whatsapp/sandbox"
)

// What no log may hold: a token, a password, what was written, and a whole phone number.
const (
	loggedPassword = "correct horse battery"
	loggedWord     = "Pfefferminz"
	loggedWriter   = "14155550177"
	loggedMail     = "Sesam-oeffne-dich"
)

func TestNoLogHoldsASecretATextOrANumber(t *testing.T) {
	t.Parallel()
	onBoth(t, checkLog)
}

func checkLog(t *testing.T, dsn string) {
	s := deploy(t, dsn, sandbox.Options{NoPairLimit: true})
	key := base64.StdEncoding.EncodeToString(secret.NewKey())
	s.environ = append(s.environ, "LOG_LEVEL=debug", "SMTP_URL=smtp://carillon:"+loggedMail+"@127.0.0.1:1?tls=none",
		"MAIL_FROM=carillon@example.com", "ENCRYPTION_KEY="+key)
	log := &syncBuffer{}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- cli.Run(ctx, nil, s.environ, io.Discard, log) }()
	s.ready()
	campaign := s.draft(20)
	s.operate("verify-email", "owner@example.com") // its link is mailed to nobody
	secrets := []string{loggedPassword, loggedWord, loggedWriter, loggedMail, key, app.SandboxToken, s.token, testSecret,
		testVerify, "good to see you again", "owner@example", "eve@example", "bob@example"}
	system := caller.System(t.Context())
	number := s.db.Client.PhoneNumber.Query().OnlyX(system)

	// Numbers whose answer is lost and that fail later, a wrong password, a call that breaks, and a
	// file.
	for _, to := range []string{"+14165550104", "+14165550140"} {
		s.tries(`mutation { createContact(input: {phone: "` + to + `", name: "` + loggedWord +
			`"}) { userErrors { code } } }`)
		secrets = append(secrets, strings.TrimPrefix(to, "+"))
	}

	s.tries(`mutation { signIn(input: {email: "owner@example.com", password: "` + loggedPassword +
		` wrong"}) { token userErrors { code } } }`)
	secrets = append(secrets, textBetween(s.tries(`mutation { signIn(input: {email: "owner@example.com", password: "`+
		loggedPassword+`"}) { token } }`), `"token":"`, `"`),
		textBetween(s.tries(`mutation { createApiKey(input: {name: "k", role: VIEWER}) { secret } }`), `"secret":"`, `"`))
	secrets = append(secrets, textBetween(s.tries(
		`mutation { inviteMember(input: {email: "eve@example.com", role: VIEWER}) { invitationToken userErrors { code } } }`),
		`"invitationToken":"`, `"`))
	secrets = append(secrets, s.secondFactor()...)
	s.tries(`mutation { requestPasswordReset(input: {email: "owner@example.com"}) { sent } }`)
	reset := strings.TrimSpace(s.operate("reset-password", "owner@example.com"))
	secrets = append(secrets, reset[strings.LastIndexAny(reset, "/=#")+1:])
	s.tries(`{ messages(filter: {to: "+` + loggedWriter + `"}) { totalCount } nonsense }`)
	s.do("launchCampaign", campaign)
	if _, err := s.sandbox.SendInbound(app.SandboxNumber, loggedWriter, loggedWord); err != nil {
		t.Fatal(err)
	}

	s.until("the inbound message is stored", func() bool {
		return s.db.Client.Message.Query().Where(message.DirectionEQ(enum.DirectionInbound)).ExistX(system)
	})
	s.tries(`mutation { sendMessage(input: {phoneNumberId: "` + number.ID.String() + `", to: "+` + loggedWriter +
		`", content: {text: {body: "` + loggedWord + `"}}}) { userErrors { code message } } }`)
	added := s.operate("create-user", "bob@example.com", "--organization", "Another")
	secrets = append(secrets, textBetween(added, "password ", " "))

	s.until("everybody was tried", func() bool {
		return len(s.sandbox.Accepted()) >= 20 && !s.db.Client.Message.Query().
			Where(message.StatusIn(enum.MessageStatusQueued, enum.MessageStatusSending), message.CampaignIDIsNil()).
			ExistX(system)
	})

	// Last a number that is refused because of the token, since that stops everything else.
	const refused = "14165550127"
	template := s.db.Client.Template.Query().OnlyX(system)
	s.tries(`mutation { sendMessage(input: {phoneNumberId: "` + number.ID.String() + `", to: "+` + refused +
		`", content: {template: {templateId: "` + template.ID.String() + `", values: [{parameter: "1", value: "` +
		loggedWord + `"}]}}}) { userErrors { code message } } }`)
	s.until("the last is refused", func() bool {
		return s.db.Client.Message.Query().Where(message.Address("+"+refused), message.StatusEQ(enum.MessageStatusFailed)).
			ExistX(system)
	})

	secrets = append(secrets, refused)
	for _, a := range s.sandbox.Accepted() {
		secrets = append(secrets, strings.TrimPrefix(a.To, "+"), strings.TrimPrefix(a.WAMID, "wamid."))
	}

	stop()
	if err := <-done; err != nil {
		t.Fatal(err)
	}

	text := log.String()
	if !strings.Contains(text, "level=DEBUG") || !strings.Contains(text, "signIn") && !strings.Contains(text, "graphql") {
		t.Fatalf("the log is not at debug level:\n%s", tail(text, 2000))
	}

	for _, one := range secrets {
		if one == "" {
			t.Error("a secret was not found out")
			continue
		}

		for line := range strings.SplitSeq(text, "\n") {
			if strings.Contains(line, one) {
				t.Errorf("%q stands in the log: %s", one, line)
				break
			}
		}
	}
}

// secondFactor sets one up, with a wrong code first, uses and disables it, and returns all that is
// secret about it.
func (s *service) secondFactor() (secrets []string) {
	s.t.Helper()
	begun := s.tries(`mutation { beginSecondFactor(input: {password: "` + loggedPassword + `"}) { secret uri } }`)
	shown := textBetween(begun, `"secret":"`, `"`)

	code := func(later time.Duration) string {
		code, err := totp.GenerateCode(shown, time.Now().Add(later))
		if err != nil {
			s.t.Fatal(err)
		}

		return code
	}

	first, second := code(0), code(30*time.Second)
	s.tries(`mutation { confirmSecondFactor(input: {code: "no-code-` + loggedWord + `"}) { recoveryCodes } }`)
	codes := textBetween(s.tries(`mutation { confirmSecondFactor(input: {code: "`+first+`"}) { recoveryCodes } }`),
		`"recoveryCodes":["`, `"]`)
	secrets = strings.Split(codes, `","`)
	if len(secrets) != 10 {
		s.t.Fatalf("recovery codes: %q", codes)
	}

	signIn := `mutation { signIn(input: {email: "owner@example.com", password: "` + loggedPassword +
		`", code: "%s"}) { token userErrors { code } } }`
	s.tries(fmt.Sprintf(signIn, secrets[9][:len(secrets[9])-1]+"0")) // no letter of theirs
	token := textBetween(s.tries(fmt.Sprintf(signIn, secrets[0])), `"token":"`, `"`)
	if s.tries(`mutation { disableSecondFactor(input: {password: "` + loggedPassword + `", code: "` + second +
		`"}) { viewer { role } userErrors { message } } }`); token == "" {
		s.t.Error("the recovery code let nobody in")
	}

	return append(secrets, shown, token)
}

// tries runs an operation whatever comes of it, and returns the answer's text.
func (s *service) tries(query string) string {
	s.t.Helper()
	body := `{"query":` + strconv.Quote(query) + `}`
	request, err := http.NewRequestWithContext(s.t.Context(), http.MethodPost, s.url+"/graphql",
		bytes.NewReader([]byte(body)))
	if err != nil {
		s.t.Fatal(err)
	}

	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Authorization", "Bearer "+s.token)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		s.t.Fatal(err)
	}

	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		s.t.Fatal(err)
	}

	return string(text)
}

func textBetween(text, before, after string) string {
	_, rest, _ := strings.Cut(text, before)
	found, _, _ := strings.Cut(rest, after)
	return found
}
