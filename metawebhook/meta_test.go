package metawebhook_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
)

// meta is as much of the Graph API as webhooks ask for: it knows each account's number, and every
// template.
type meta struct {
	url  string
	away atomic.Bool
}

func newMeta(t *testing.T) *meta {
	t.Helper()
	m := &meta{}
	server := httptest.NewServer(m)
	t.Cleanup(server.Close)
	m.url = server.URL

	return m
}

func (m *meta) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	switch {
	case m.away.Load():
		http.Error(w, "away", http.StatusServiceUnavailable)
	case path[len(path)-1] == "phone_numbers":
		waba := path[len(path)-2]
		phone := map[string]string{"1": metaNumber}[waba]
		if phone == "" {
			phone = waba + "000"
		}

		fmt.Fprintf(w, `{"data":[{"id":%q,"display_phone_number":"+1","verified_name":"Name of %s"}]}`, phone, waba)
	default: // a template
		_ = json.NewEncoder(w).Encode(map[string]any{"id": path[len(path)-1], "name": "t", "language": "en",
			"status": "PAUSED", "category": "UTILITY"})
	}
}

func textOf(raw []byte) string {
	var content struct {
		Text struct {
			Body string `json:"body"`
		} `json:"text"`
	}
	_ = json.Unmarshal(raw, &content)
	return content.Text.Body
}
