package whatsapp

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Token is an access token. It prints as nothing: only Reveal gives it away.
type Token string

const redacted = "[token]"

func (t Token) String() string       { return redacted }
func (t Token) GoString() string     { return redacted }
func (t Token) LogValue() slog.Value { return slog.StringValue(redacted) }

// Format covers the verbs that print a string even where String is defined, such as %d.
func (t Token) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, redacted) }

func (t Token) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// Reveal returns the token itself.
func (t Token) Reveal() string { return string(t) }

// TokenInfo is what Meta says of a token.
type TokenInfo struct {
	Valid     bool
	AppID     string
	Type      string
	UserID    string
	Scopes    []string
	IssuedAt  time.Time
	ExpiresAt time.Time // zero: never
	// WABAIDs are the accounts it covers, from its granular scopes; empty when it is not limited to
	// some.
	WABAIDs []string
	// Problem says why it is not valid.
	Problem *Error
}

// Has tells whether the token carries a permission such as whatsapp_business_messaging.
func (t TokenInfo) Has(scope string) bool {
	for _, have := range t.Scopes {
		if have == scope {
			return true
		}
	}

	return false
}

// DebugToken asks what input is good for. The app token is "{app id}|{app secret}", or a token of
// the app's admin.
func (c *Client) DebugToken(ctx context.Context, appToken, input Token) (TokenInfo, error) {
	var wire struct {
		Data struct {
			Valid     bool            `json:"is_valid"`
			AppID     loose           `json:"app_id"`
			Type      loose           `json:"type"`
			UserID    loose           `json:"user_id"`
			Scopes    []string        `json:"scopes"`
			IssuedAt  stamp           `json:"issued_at"`
			ExpiresAt stamp           `json:"expires_at"`
			Granular  []granularScope `json:"granular_scopes"`
			Error     json.RawMessage `json:"error"`
		} `json:"data"`
	}
	query := url.Values{"input_token": {input.Reveal()}}
	if err := c.call(ctx, http.MethodGet, appToken, []string{"debug_token"}, query, nil, &wire); err != nil {
		return TokenInfo{}, err
	}

	data := wire.Data
	info := TokenInfo{
		Valid: data.Valid, AppID: string(data.AppID), Type: string(data.Type), UserID: string(data.UserID),
		Scopes:   data.Scopes,
		IssuedAt: data.IssuedAt.time(), ExpiresAt: data.ExpiresAt.time(), WABAIDs: covered(data.Granular),
	}
	if len(data.Error) > 0 {
		info.Problem, _ = readError(data.Error)
	}

	return info, nil
}

type granularScope struct {
	Scope   string  `json:"scope"`
	Targets []loose `json:"target_ids"`
}

func covered(scopes []granularScope) []string {
	var ids []string
	seen := make(map[loose]bool)
	for _, scope := range scopes {
		if !strings.HasPrefix(scope.Scope, "whatsapp_business_m") {
			continue
		}

		for _, id := range scope.Targets {
			if !seen[id] {
				seen[id] = true
				ids = append(ids, string(id))
			}
		}
	}

	return ids
}

// SignUpAtSandbox has the sandbox make an account, with a number and a token of its own, as a
// customer makes one in Meta's Embedded Signup. It returns the code of that sign-up. Meta has no
// such call.
func (c *Client) SignUpAtSandbox(ctx context.Context, appToken Token, name string) (code string, err error) {
	var wire struct {
		Code string `json:"code"`
	}
	body := struct {
		Name string `json:"name"`
	}{name}
	if err := c.call(ctx, http.MethodPost, appToken, []string{"sandbox_signups"}, nil, body, &wire); err != nil {
		return "", err
	}
	if wire.Code == "" {
		return "", errors.New("sign up at the sandbox: no code in the answer")
	}

	return wire.Code, nil
}

// ExchangeCode turns the code of an Embedded Signup into a business token. A code serves once, and
// only for seconds.
func (c *Client) ExchangeCode(ctx context.Context, appID, appSecret, code string) (Token, error) {
	var wire struct {
		Token string `json:"access_token"`
	}
	query := url.Values{"client_id": {appID}, "client_secret": {appSecret}, "code": {code}}
	if err := c.call(ctx, http.MethodGet, "", []string{"oauth", "access_token"}, query, nil, &wire); err != nil {
		return "", err
	}
	if wire.Token == "" {
		return "", errors.New("exchange code: no token in the answer")
	}

	return Token(wire.Token), nil
}
