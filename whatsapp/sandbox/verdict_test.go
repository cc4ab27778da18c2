package sandbox

import (
	"encoding/json"
	"fmt"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"carillon/whatsapp"
)

// notice is a template that a business may send without consent.
var notice = strings.Replace(greeting, "MARKETING", "UTILITY", 1)

// updates is everything that the webhooks said of templates, as our side reads it.
func (st *stage) updates() (all []whatsapp.TemplateUpdate) {
	st.t.Helper()
	st.mu.Lock()
	defer st.mu.Unlock()
	for _, p := range st.posts {
		hook, err := whatsapp.ParseWebhook(p.body)
		if err != nil || hook.Unknown != nil || hook.Unapplied != nil {
			st.t.Errorf("%s is read as %+v, %v", p.body, hook, err)
		}

		all = append(all, hook.Templates...)
	}

	return all
}

// decides has a decision made over HTTP.
func (st *stage) decides(more string) {
	st.t.Helper()
	body := `{"waba_id":"` + waba + `","name":"greeting",` + more + `}`
	if out := st.callAs("", "POST", "/sandbox/templates", body); out.status != http.StatusOK {
		st.t.Fatalf("%s: %s", body, out.body)
	}
}

// shows is what Graph shows of a template.
func (st *stage) shows(id string) (shown struct {
	Status   string
	Category string
	Rejected string `json:"rejected_reason"`
	Previous string `json:"previous_category"`
	Correct  string `json:"correct_category"`
	TTL      *int   `json:"message_send_ttl_seconds"`
	Quality  struct{ Score string }
}) {
	st.t.Helper()
	out := st.call("GET", "/"+id+"?fields=status,category,rejected_reason,previous_category,correct_category,"+
		"message_send_ttl_seconds,quality_score", "")
	if err := json.Unmarshal([]byte(strings.Replace(out.body, "quality_score", "Quality", 1)), &shown); err != nil {
		st.t.Fatalf("%s: %v", out.body, err)
	}

	return shown
}

func TestWhatMetaDecidesOfATemplateIsShownAndTold(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		steps               []string
		status, event, why  string
		title, text, reason string
	}{
		"approved":     {[]string{`"do":"APPROVE"`}, "APPROVED", "APPROVED", "", "", "", "NONE"},
		"rejected":     {[]string{`"do":"REJECT"`}, "REJECTED", "REJECTED", "INVALID_FORMAT", "", "variables", "INVALID_FORMAT"},
		"for a reason": {[]string{`"do":"REJECT","reason":"scam","text":"It is one."`}, "REJECTED", "REJECTED", "SCAM", "", "It is one.", "SCAM"},
		"paused":       {[]string{`"do":"PAUSE"`}, "PAUSED", "PAUSED", "", "FIRST_PAUSE", "", "NONE"},
		"unpaused":     {[]string{`"do":"PAUSE"`, `"do":"UNPAUSE"`}, "APPROVED", "UNPAUSED", "", "UNPAUSE", "", "NONE"},
		"flagged":      {[]string{`"do":"FLAG"`}, "APPROVED", "FLAGGED", "", "", "", "NONE"},
		"disabled":     {[]string{`"do":"DISABLE"`}, "DISABLED", "DISABLED", "", "DISABLED", "", "NONE"},
		"reinstated":   {[]string{`"do":"DISABLE"`, `"do":"REINSTATE"`}, "APPROVED", "REINSTATED", "", "", "", "NONE"},
		"in appeal":    {[]string{`"do":"REJECT"`, `"do":"APPEAL"`}, "IN_APPEAL", "IN_APPEAL", "", "", "", "INVALID_FORMAT"},
		"archived":     {[]string{`"do":"ARCHIVE"`}, "ARCHIVED", "ARCHIVED", "", "", "", "NONE"},
		"unarchived":   {[]string{`"do":"PAUSE"`, `"do":"ARCHIVE"`, `"do":"UNARCHIVE"`}, "PAUSED", "UNARCHIVED", "", "", "", "NONE"},
		"locked":       {[]string{`"do":"LOCK"`}, "APPROVED", "LOCKED", "", "", "", "NONE"},
		"one too many": {[]string{`"do":"EXCEED_LIMIT"`}, "LIMIT_EXCEEDED", "LIMIT_EXCEEDED", "", "", "", "NONE"},
		"soon deleted": {[]string{`"do":"SCHEDULE_DELETION"`}, "PENDING_DELETION", "PENDING_DELETION", "", "", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			st := stand(t, nil)
			id := st.call("POST", templates, notice).ID
			st.run()
			st.idle()
			for _, step := range tc.steps {
				st.decides(step)
			}

			st.idle()
			shown, told := st.shows(id), st.updates()
			last := told[len(told)-1]
			if shown.Status != tc.status || shown.Rejected != tc.reason {
				t.Errorf("shown as %+v", shown)
			}
			if last.Event != tc.event || last.Reason != tc.why || last.Title != tc.title || last.TemplateID != id ||
				last.Name != "greeting" || last.Language != "en_US" || last.Category != "UTILITY" ||
				!strings.Contains(last.RejectionText, tc.text) {
				t.Errorf("told as %+v", last)
			}
			if flagged := tc.event == "FLAGGED"; flagged != last.DisableAt.Equal(st.clock.Now().Add(24*time.Hour)) {
				t.Errorf("to be disabled at %s", last.DisableAt)
			}
		})
	}
}

func TestACategoryIsAnnouncedADayBeforeItHolds(t *testing.T) {
	t.Parallel()
	for name, hurry := range map[string]bool{"in a day": false, "by command": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			st := stand(t, nil)
			id := st.call("POST", templates, strings.Replace(notice, "{", `{"message_send_ttl_seconds":60,`, 1)).ID
			st.run()
			st.idle()
			st.decides(`"do":"ANNOUNCE_CATEGORY","category":"MARKETING"`)
			if got := st.shows(id); got.Category != "UTILITY" || got.Correct != "MARKETING" || got.Previous != "" ||
				*got.TTL != 60 {
				t.Errorf("announced: %+v", got)
			}

			at := st.clock.Now().Add(24 * time.Hour)
			if hurry {
				st.decides(`"do":"APPLY_CATEGORY"`)
			}

			st.clock.advance(24 * time.Hour)
			st.Wake()
			st.idle()
			if got := st.shows(id); got.Category != "MARKETING" || got.Previous != "UTILITY" || got.Correct != "" ||
				got.TTL != nil || got.Status != "APPROVED" {
				t.Errorf("applied: %+v", got)
			}

			told := st.updates()
			first, done := told[len(told)-2], told[len(told)-1]
			if first.PreviousCategory != "" { // posts go beside each other
				first, done = done, first
			}
			if first.Kind != whatsapp.TemplateCategoryChanged || first.NewCategory != "UTILITY" ||
				first.CorrectCategory != "MARKETING" || !first.CategoryChangesAt.Equal(at) || first.PreviousCategory != "" {
				t.Errorf("the notice is %+v", first)
			}
			if done.PreviousCategory != "UTILITY" || done.NewCategory != "MARKETING" {
				t.Errorf("the change is %+v", done)
			}
			if out := st.send(greet("447400123456", "")); out.status != http.StatusOK {
				t.Errorf("it cannot be sent: %s", out.body)
			}
		})
	}
}

func TestATemplateThatShouldBeForCodesIsRejected(t *testing.T) {
	t.Parallel()
	st := stand(t, nil)
	id := st.call("POST", templates, notice).ID
	st.shows(id)
	st.decides(`"do":"ANNOUNCE_CATEGORY","category":"authentication"`)
	st.decides(`"do":"APPLY_CATEGORY"`)
	if got := st.shows(id); got.Status != "REJECTED" || got.Rejected != "INCORRECT_CATEGORY" || got.Category != "UTILITY" {
		t.Errorf("%+v", got)
	}
}

func TestQualityIsToldWithWhatItWas(t *testing.T) {
	t.Parallel()
	st := stand(t, nil)
	id := st.call("POST", templates, notice).ID
	st.run()
	st.idle()
	st.decides(`"do":"QUALITY","quality":"GREEN"`)
	st.decides(`"do":"QUALITY","quality":"red"`)
	st.idle()
	told := st.updates()
	if last := told[len(told)-1]; last.Kind != whatsapp.TemplateQualityChanged || last.PreviousQuality != "GREEN" ||
		last.NewQuality != "RED" || st.shows(id).Quality.Score != "RED" {
		t.Errorf("%+v, shown as %+v", last, st.shows(id))
	}
}

func TestADeletedTemplateIsTold(t *testing.T) {
	t.Parallel()
	st := stand(t, nil)
	st.template(strings.ReplaceAll(notice, "en_US", "de"))
	st.template(notice)
	st.run()
	st.idle()
	st.decides(`"do":"DELETE","language":"de"`)
	if out := st.call("DELETE", templates+"?name=greeting", ""); out.status != http.StatusOK {
		t.Fatal(out.body)
	}

	st.idle()
	if got := st.events(); !slices.Equal(got[2:], []string{"DELETED ", "DELETED "}) {
		t.Errorf("events are %q", got)
	}
	if out := st.call("POST", templates, notice); out.Error.Subcode != nameLocked {
		t.Errorf("created again: %s", out.body)
	}
}

func TestMagicNamesDecideWhatBecomesOfATemplate(t *testing.T) {
	t.Parallel()
	st := stand(t, nil)
	st.run()
	for ending, want := range map[string]string{"_rejected": "REJECTED INVALID_FORMAT", "_rejected_scam": "REJECTED SCAM",
		"_rejected_abusive_content":      "REJECTED ABUSIVE_CONTENT",
		"_rejected_tag_content_mismatch": "REJECTED TAG_CONTENT_MISMATCH",
		"_rejected_because_we_say_so":    "APPROVED NONE",
		"_paused":                        "PAUSED NONE",
		"_disabled":                      "DISABLED NONE",
		"_reinstated":                    "APPROVED NONE",
		"_archived":                      "ARCHIVED NONE",
		"_unarchived":                    "APPROVED NONE",
		"_in_review":                     "PENDING NONE",
		"_in_appeal":                     "IN_APPEAL INVALID_FORMAT",
		"_flagged":                       "APPROVED NONE",
		"_locked":                        "APPROVED NONE",
		"_limit_exceeded":                "LIMIT_EXCEEDED NONE",
		"_pending_deletion":              "PENDING_DELETION ",
		"_deleted":                       " ",
		"_paced":                         "APPROVED NONE",
		"_paced_badly":                   "APPROVED NONE",
		"_category_announced":            "APPROVED NONE",
	} {
		id := st.call("POST", templates, strings.Replace(notice, `"greeting"`, `"greeting`+ending+`"`, 1)).ID
		got := st.shows(id)
		if got.Status+" "+got.Rejected != want || (got.Correct == "MARKETING") != (ending == "_category_announced") {
			t.Errorf("%s: %+v", ending, got)
		}
	}

	st.clock.advance(24 * time.Hour) // when the category that was announced holds
	st.Wake()
	st.idle()
	st.updates()
	for _, n := range MagicNames {
		if !strings.Contains(Help(), n.Ending) {
			t.Errorf("the help does not tell of %s", n.Ending)
		}
	}

	for _, v := range verdicts {
		if !strings.Contains(Help(), v.name) {
			t.Errorf("the help does not tell of %s", v.name)
		}
	}
}

// The statuses of a template and the events about it that Meta documents: each can be had by
// command and by name, and each is told.
func TestEveryStatusOfATemplateCanBeHadAndIsTold(t *testing.T) {
	t.Parallel()
	all := []string{"PENDING", "APPROVED", "REJECTED", "PAUSED", "DISABLED", "IN_APPEAL", "PENDING_DELETION", "DELETED",
		"LIMIT_EXCEEDED", "ARCHIVED", "LOCKED", "FLAGGED", "REINSTATED", "UNARCHIVED"}
	byCommand := map[string]string{"PENDING": "REVIEW", "APPROVED": "APPROVE", "REJECTED": "REJECT", "PAUSED": "PAUSE",
		"DISABLED": "DISABLE", "IN_APPEAL": "REJECT APPEAL", "PENDING_DELETION": "SCHEDULE_DELETION", "DELETED": "DELETE",
		"LIMIT_EXCEEDED": "EXCEED_LIMIT", "ARCHIVED": "ARCHIVE", "LOCKED": "LOCK", "FLAGGED": "FLAG",
		"REINSTATED": "DISABLE REINSTATE", "UNARCHIVED": "ARCHIVE UNARCHIVE"}
	told := func(st *stage, event string) bool {
		st.idle()
		return slices.ContainsFunc(st.updates(), func(u whatsapp.TemplateUpdate) bool { return u.Event == event })
	}

	for _, event := range all {
		t.Run(event, func(t *testing.T) {
			t.Parallel()
			st := stand(t, nil)
			st.run()
			st.template(notice)
			for _, do := range strings.Fields(byCommand[event]) {
				st.decides(`"do":"` + do + `"`)
			}
			if !told(st, event) {
				t.Errorf("no command tells it: %+v", st.updates())
			}

			if event == "PENDING" || event == "APPROVED" { // every template is, by whatever name
				return
			}

			named := stand(t, nil)
			named.run()
			ending := "_" + strings.ToLower(event)
			named.call("POST", templates, strings.Replace(notice, `"greeting"`, `"greeting`+ending+`"`, 1))
			if !told(named, event) {
				t.Errorf("no name tells it: %+v", named.updates())
			}
		})
	}
}

func TestALockedTemplateCannotBeEdited(t *testing.T) {
	t.Parallel()
	st := stand(t, nil)
	id := st.template(notice)
	st.decides(`"do":"LOCK"`)
	if out := st.call("POST", "/"+id, `{"message_send_ttl_seconds":60}`); out.Error.Subcode != notEditable {
		t.Error(out.body)
	}
}

// One language cannot be unpaused, so none is.
func TestADecisionAboutSeveralLanguagesIsMadeOfAllOrOfNone(t *testing.T) {
	t.Parallel()
	st := stand(t, nil)
	german := st.template(strings.ReplaceAll(notice, "en_US", "de"))
	english := st.template(notice)
	st.decides(`"do":"PAUSE","language":"de"`)
	body := `{"waba_id":"` + waba + `","name":"greeting","do":"UNPAUSE"}`
	if got := st.inspected("templates", body); got != http.StatusBadRequest || st.shows(german).Status != "PAUSED" ||
		st.shows(english).Status != "APPROVED" {
		t.Errorf("%d: %s and %s", got, st.shows(german).Status, st.shows(english).Status)
	}

	st.decides(`"do":"PAUSE"`)
	st.decides(`"do":"UNPAUSE"`)
	if de, en := st.shows(german).Status, st.shows(english).Status; de != "APPROVED" || en != "APPROVED" {
		t.Errorf("%s and %s", de, en)
	}
}

func TestMostMessagesOfAPacedTemplateAreHeldUntilItIsAssessed(t *testing.T) {
	t.Parallel()
	for ending, want := range map[string]struct{ status, quality, last string }{
		"_paced": {"APPROVED", "GREEN", "sent"}, "_paced_badly": {"PAUSED", "UNKNOWN", "failed"},
	} {
		for _, restarted := range []bool{false, true} {
			t.Run(fmt.Sprint(ending, restarted), func(t *testing.T) {
				t.Parallel()
				file := filepath.Join(t.TempDir(), "state")
				st := stand(t, func(o *Options) { o.HoldFor, o.StatePath, o.NoLimits = time.Hour, file, true })
				id := st.template(strings.Replace(notice, `"greeting"`, `"greeting`+ending+`"`, 1))
				for i := range 12 {
					out := st.send(strings.Replace(greet(fmt.Sprint(447400123400+i), ""), "greeting", "greeting"+ending, 1))
					held := strings.Contains(out.body, "held_for_quality_assessment")
					if held != (i >= 10) || out.status != http.StatusOK {
						t.Errorf("message %d: %s", i, out.body)
					}
				}

				if restarted {
					if err := st.Close(); err != nil {
						t.Fatal(err)
					}
					st.open()
				}

				st.run()
				st.clock.advance(59 * time.Minute)
				st.Wake()
				if got := st.shows(id); got.Status != "APPROVED" || got.Quality.Score != "UNKNOWN" {
					t.Errorf("before: %+v", got)
				}

				st.clock.advance(time.Hour)
				st.Wake()
				st.idle()
				if got := st.shows(id); got.Status != want.status || got.Quality.Score != want.quality {
					t.Errorf("after: %+v", got)
				}
				if all := st.Accepted(); !slices.Contains(all[11].Posted, want.last) || slices.Contains(all[0].Posted, "failed") {
					t.Errorf("told %v of the last and %v of the first", all[11].Posted, all[0].Posted)
				}
			})
		}
	}
}

func TestDecisionsThatCannotBeMadeAreRefused(t *testing.T) {
	t.Parallel()
	st := stand(t, nil)
	st.shows(st.call("POST", templates, notice).ID)
	for _, more := range []string{`"do":"NOTHING"`, `"do":"PAUSE","language":"de"`, `"do":"UNPAUSE"`, `"do":"UNARCHIVE"`,
		`"do":"REINSTATE"`, `"do":"APPEAL"`, `"do":"REJECT","reason":"NONE"`, `"do":"QUALITY","quality":"BLUE"`,
		`"do":"ANNOUNCE_CATEGORY","category":"UTILITY"`, `"do":"ANNOUNCE_CATEGORY"`, `"do":"APPLY_CATEGORY"`} {
		body := `{"waba_id":"` + waba + `","name":"greeting",` + more + `}`
		if got := st.inspected("templates", body); got != http.StatusBadRequest {
			t.Errorf("%s: %d", body, got)
		}
	}

	for _, body := range []string{`{"waba_id":"9","name":"greeting","do":"PAUSE"}`, `[]`,
		`{"waba_id":"` + waba + `","name":"farewell","do":"PAUSE"}`} {
		if got := st.inspected("templates", body); got != http.StatusBadRequest {
			t.Errorf("%s: %d", body, got)
		}
	}

	st.decides(`"do":"ARCHIVE"`)
	if got := st.inspected("templates", `{"waba_id":"`+waba+`","name":"greeting","do":"ARCHIVE"}`); got == http.StatusOK {
		t.Error("archived twice")
	}
}

func TestDecisionsSurviveARestart(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "state")
	st := stand(t, func(o *Options) { o.StatePath = file })
	id := st.call("POST", templates, notice).ID
	st.shows(id)
	st.decides(`"do":"QUALITY","quality":"YELLOW"`)
	st.decides(`"do":"ANNOUNCE_CATEGORY","category":"MARKETING"`)
	st.decides(`"do":"ARCHIVE"`)
	if err := st.Close(); err != nil {
		t.Fatal(err)
	}

	st.open()
	if got := st.shows(id); got.Status != "ARCHIVED" || got.Quality.Score != "YELLOW" || got.Correct != "MARKETING" {
		t.Errorf("after the restart: %+v", got)
	}

	st.clock.advance(24 * time.Hour)
	st.decides(`"do":"UNARCHIVE"`)
	if got := st.shows(id); got.Status != "APPROVED" || got.Category != "MARKETING" {
		t.Errorf("a day later: %+v", got)
	}
}

func TestAnEditKeepsToTheTimeToLiveOfItsCategory(t *testing.T) {
	t.Parallel()
	st := stand(t, nil)
	create := func(name, more string) string {
		return st.call("POST", templates, fmt.Sprintf(`{"name":%q,"language":"en","category":"UTILITY"%s,`+
			`"components":[{"type":"BODY","text":"Hello there."}]}`, name, more)).ID
	}

	id := create("short_rejected", `,"message_send_ttl_seconds":60`)
	for body, fine := range map[string]bool{
		`{"message_send_ttl_seconds":29}`:                                false,
		`{"message_send_ttl_seconds":43201}`:                             false,
		`{"category":"MARKETING"}`:                                       false, // 60 seconds are too short for it
		`{"category":"MARKETING","message_send_ttl_seconds":-1}`:         false,
		`{"category":"MARKETING","message_send_ttl_seconds":2592001}`:    false,
		`{"category":"AUTHENTICATION","message_send_ttl_seconds":43200}`: false,
	} {
		st.shows(id)
		if out := st.call("POST", "/"+id, body); (out.status == http.StatusOK) != fine {
			t.Errorf("%s: %s", body, out.body)
		}
	}

	for _, body := range []string{`{"message_send_ttl_seconds":30}`, `{"message_send_ttl_seconds":-1}`,
		`{"category":"MARKETING","message_send_ttl_seconds":43200}`} {
		st.shows(id) // rejected again
		if out := st.call("POST", "/"+id, body); out.status != http.StatusOK {
			t.Errorf("%s: %s", body, out.body)
		}
	}
}
