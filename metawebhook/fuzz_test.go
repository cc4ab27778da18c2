package metawebhook_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"carillon/database/dbtest"
	"carillon/ent/message"
	"carillon/ent/unmatchedwebhook"
)

// FuzzDamagedWebhooks signs damaged variants of recorded webhooks and posts them, with a message
// beside them that is right. Each is answered 200, on both databases; the message is stored, or the
// payload kept as it came.
func FuzzDamagedWebhooks(f *testing.F) {
	samples := samplePayloads(f)
	names := slices.Sorted(maps.Keys(samples))
	stages := []*stage{stand(f, dbtest.Open(f, dbtest.SQLite(f))), stand(f, dbtest.Open(f, dbtest.Postgres(f)))}

	for i := range names {
		for seed := range 3 {
			f.Add(uint16(i), uint64(seed*len(names)+i))
		}
	}

	var n atomic.Int64
	f.Fuzz(func(t *testing.T, sample uint16, seed uint64) {
		random := rand.New(rand.NewPCG(seed, uint64(sample)))
		wamid := fmt.Sprintf("wamid.right%d.%d", n.Add(1), seed)
		body, whole := damaged(t, samples[names[int(sample)%len(names)]], wamid, random)

		for _, s := range stages {
			if code := s.told(body); code != http.StatusOK {
				t.Fatalf("answered %d to %.2000q\n%s", code, body, s.log.String())
			}

			stored := s.db.Client.Message.Query().Where(message.Wamid(wamid)).CountX(s.system)
			kept := s.db.Client.UnmatchedWebhook.Query().Where(unmatchedwebhook.Body([]byte(body))).CountX(s.system)
			if stored != 1 && (whole || kept != 1) {
				t.Errorf("%s: %d stored and %d kept of %.2000q", s.db.Dialect, stored, kept, body)
			}

			s.db.Client.UnmatchedWebhook.Delete().ExecX(s.system)
		}
	})
}

// damaged makes a webhook of a recorded one with something wrong in it, and of a right message. It
// reports whether the JSON around that message is whole, so that it must be stored.
func damaged(t *testing.T, sample []byte, wamid string, random *rand.Rand) (body string, whole bool) {
	t.Helper()
	var tree map[string]any
	if err := json.Unmarshal(sample, &tree); err != nil {
		t.Fatal(err)
	}

	entries, _ := tree["entry"].([]any)
	if len(entries) == 0 {
		entries = []any{map[string]any{}}
	}

	home(entries)
	for range 1 + random.IntN(3) {
		damage(entries[0], random)
	}

	part, err := json.Marshal(entries[0])
	if err != nil {
		t.Fatal(err)
	}

	text := odd.Replace(string(part))
	right := fmt.Sprintf(
		`{"id":"1","changes":[{"field":"messages","value":{"metadata":{"phone_number_id":%q},"messages":[{"id":%q,"from":"16505551234","timestamp":"1750030073","type":"text","text":{"body":"hello"}}]}}]}`,
		metaNumber, wamid)
	body = `{"object":"whatsapp_business_account","entry":[` + text + `,` + right + `]}`
	if random.IntN(4) > 0 {
		return body, true
	}

	bytes := []byte(body)
	switch at := random.IntN(len(bytes)); random.IntN(4) {
	case 0:
		bytes = bytes[:at]
	case 1:
		bytes[at] ^= byte(1 + random.IntN(255))
	case 2:
		bytes = slices.Insert(bytes, at, byte(random.IntN(256)))
	default:
		bytes = slices.Delete(bytes, at, min(len(bytes), at+1+random.IntN(20)))
	}

	return string(bytes), false
}

// home makes a recorded webhook come to the stage's number.
func home(v any) {
	switch v := v.(type) {
	case []any:
		for _, one := range v {
			home(one)
		}
	case map[string]any:
		if v["changes"] != nil {
			v["id"] = "1"
		}

		for key, one := range v {
			if key == "phone_number_id" {
				v[key] = metaNumber
			}

			home(one)
		}
	}
}

// odd writes what JSON's encoder would not.
var odd = strings.NewReplacer("(NUL)", `\u0000`, "(HIGH)", `\ud83d`, "(LOW)", `\ude00`, "(BYTES)", "\xff\xfe",
	`"(HUGE)"`, `1e999999`, `"(FLOAT)"`, `1.750030073e9`,
	`"(DEEP)"`, strings.Repeat("[", 3000)+strings.Repeat("]", 3000), `"(TWICE)"`, `{"a":1,"a":2}`, `"(NEGATIVE)"`, `-1`)

// damage spoils one value somewhere in a tree.
func damage(v any, random *rand.Rand) {
	values := []any{nil, true, "", "(NUL)", "a(HIGH)", "(LOW)b", "(BYTES)", "(HUGE)", "(FLOAT)", "(DEEP)", "(TWICE)",
		"(NEGATIVE)", []any{}, map[string]any{}, []any{"x", nil},
		strings.Repeat("é", 5000), strings.Repeat("x1y2", 20_000), " 16505551234 ", "253402300799", "253402300800",
		float64(1 << 60), "US.123", "+", "in_orbit", "STOP"}

	pick := values[random.IntN(len(values))]
	switch v := v.(type) {
	case []any:
		if len(v) == 0 {
			return
		}

		i := random.IntN(len(v))
		if isLeaf(v[i]) || random.IntN(4) == 0 {
			v[i] = pick
		} else {
			damage(v[i], random)
		}
	case map[string]any:
		keys := slices.Sorted(maps.Keys(v))
		if len(keys) == 0 {
			return
		}

		key := keys[random.IntN(len(keys))]
		switch {
		case random.IntN(12) == 0:
			delete(v, key)
		case random.IntN(12) == 0:
			v[key+"(NUL)"] = pick
		case isLeaf(v[key]) || random.IntN(6) == 0:
			v[key] = pick
		default:
			damage(v[key], random)
		}
	}
}

func isLeaf(v any) bool {
	switch v.(type) {
	case []any, map[string]any:
		return false
	}

	return true
}
