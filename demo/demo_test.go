package demo

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/spf13/pflag"
)

// all is the whole life of two messages that are read.
func all(c *call) {
	c.progress("RUNNING", "null")
	c.events("1 ACCEPTED a", "2 ACCEPTED b", "3 SENT a")
	c.events("4 SENT b", "5 DELIVERED a", "6 DELIVERED b")
	c.events("7 READ b", "8 READ a")
	c.progress("COMPLETED", "null")
	c.complete("campaignProgress")
}

func TestRun(t *testing.T) {
	t.Parallel()
	read := Result{Recipients: 2, Accepted: 2, Sent: 2, Delivered: 2, Read: 2, Events: 8}
	for name, tc := range map[string]struct {
		scripts []func(*call)
		want    Result
		wrong   string // in the error; "" where there is none
		afters  []string
	}{
		"ends when everything is read": {[]func(*call){all}, read, "", []string{"0"}},
		"does not need the campaign's progress to know that all is read": {[]func(*call){func(c *call) {
			c.events("1 ACCEPTED a", "2 SENT a", "3 DELIVERED a", "4 READ a")
			c.events("5 ACCEPTED b", "6 SENT b", "7 DELIVERED b", "8 READ b")
		}}, read, "", nil},
		"takes receipts in any order": {[]func(*call){func(c *call) {
			c.events("1 READ a", "2 SENT a", "3 DELIVERED a", "4 ACCEPTED a", "5 DELIVERED b", "6 READ b", "7 SENT b",
				"8 ACCEPTED b")
		}}, read, "", nil},
		"counts who failed and who was skipped": {[]func(*call){func(c *call) {
			c.events("1 ACCEPTED a", "2 SENT a", "3 FAILED a", "4 SKIPPED b")
		}}, Result{Recipients: 2, Accepted: 1, Sent: 1, Failed: 1, Skipped: 1, Events: 4}, "", nil},
		"counts a message as delivered that failed first": {[]func(*call){func(c *call) {
			c.events("1 FAILED a", "2 FAILED b", "3 DELIVERED a")
			c.progress("COMPLETED", "null")
		}}, Result{Recipients: 2, Accepted: 1, Sent: 1, Delivered: 1, Failed: 1, Events: 3}, "", nil},
		"lets those be who never read, once the campaign is over and quiet": {[]func(*call){func(c *call) {
			c.events("1 ACCEPTED a", "2 SENT a", "3 DELIVERED a", "4 HELD b", "5 SENT b")
			c.progress("COMPLETED", "null")
		}}, Result{Recipients: 2, Accepted: 2, Sent: 2, Delivered: 1, Events: 5}, "", nil},
		"counts a gap": {[]func(*call){func(c *call) {
			c.events("1 READ a", "4 READ b")
		}}, Result{Recipients: 2, Accepted: 2, Sent: 2, Delivered: 2, Read: 2, Events: 2, SequenceGaps: 2},
			"2 sequence numbers are missing", nil},
		"counts a gap at the beginning": {[]func(*call){func(c *call) {
			c.events("2 READ a", "3 READ b")
		}}, Result{Recipients: 2, Accepted: 2, Sent: 2, Delivered: 2, Read: 2, Events: 2, SequenceGaps: 1},
			"1 sequence numbers are missing", nil},
		"counts what is repeated": {[]func(*call){func(c *call) {
			c.events("1 READ a", "1 READ a")
			c.events("1 READ a", "2 READ b")
		}}, Result{Recipients: 2, Accepted: 2, Sent: 2, Delivered: 2, Read: 2, Events: 4, DuplicateEvents: 2},
			"2 events were repeated", nil},
		"sees what is repeated after the end": {[]func(*call){func(c *call) {
			c.events("1 READ a", "2 READ b")
			c.events("2 READ b")
		}}, Result{Recipients: 2, Accepted: 2, Sent: 2, Delivered: 2, Read: 2, Events: 3, DuplicateEvents: 1},
			"1 events were repeated", nil},
		"goes on from its cursor when the line is cut": {[]func(*call){
			func(c *call) { c.events("1 ACCEPTED a", "2 SENT a"); c.drop() },
			func(c *call) { c.events("3 READ a"); c.drop() },
			func(c *call) { c.drop() },
			func(c *call) { c.events("4 READ b") },
		}, Result{Recipients: 2, Accepted: 2, Sent: 2, Delivered: 2, Read: 2, Events: 4}, "", []string{"0", "2", "3", "3"}},
		"goes on from its cursor when it was too slow": {[]func(*call){
			func(c *call) { c.events("1 READ a"); c.fail("deliveryEvents", "SLOW_CONSUMER") },
			func(c *call) { c.events("2 READ b") },
		}, Result{Recipients: 2, Accepted: 2, Sent: 2, Delivered: 2, Read: 2, Events: 2}, "", []string{"0", "1"}},
		"subscribes again when its subscription is ended": {[]func(*call){
			func(c *call) { c.events("1 READ a"); c.complete("deliveryEvents") },
			func(c *call) { c.events("2 READ b") },
		}, Result{Recipients: 2, Accepted: 2, Sent: 2, Delivered: 2, Read: 2, Events: 2}, "", []string{"0", "1"}},
		"gives up when its cursor has expired": {[]func(*call){func(c *call) {
			c.events("1 READ a")
			c.fail("deliveryEvents", "CURSOR_EXPIRED")
		}},
			Result{Recipients: 2, Events: -1}, "deliveryEvents: it failed (CURSOR_EXPIRED)", nil},
		"gives up when the campaign is paused, and says why": {[]func(*call){func(c *call) {
			c.events("1 ACCEPTED a")
			c.progress("PAUSED", `"TOKEN_INVALID"`)
		}},
			Result{Recipients: 2, Accepted: 1, Events: 1},
			"the campaign is PAUSED (TOKEN_INVALID): 2 of 2 messages have no final account: 1 ACCEPTED, 1 without an event",
			nil},
		"is not content with a message that nobody accounts for": {[]func(*call){func(c *call) {
			c.events("1 ACCEPTED a", "2 READ b")
			c.progress("COMPLETED", "null")
		}}, Result{Recipients: 2, Accepted: 2, Sent: 1, Delivered: 1, Read: 1, Events: 2},
			"not finished after 2s (--timeout): 1 of 2 messages have no final account: 1 ACCEPTED", nil},
		"wants no more messages than recipients": {[]func(*call){func(c *call) {
			c.events("1 READ a", "2 READ b", "3 READ c")
		}},
			Result{Recipients: 2, Accepted: 3, Sent: 3, Delivered: 3, Read: 3, Events: 3},
			"events of 3 messages for 2 recipients", nil},
		"passes over a status that it does not know": {[]func(*call){func(c *call) {
			c.events("1 READ a", "2 PONDERED b", "3 READ b")
		}},
			Result{Recipients: 2, Accepted: 2, Sent: 2, Delivered: 2, Read: 2, Events: 3}, "", nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := serve(t, tc.scripts...)
			var out, told bytes.Buffer
			o := f.options(&out, &told)
			o.Quiet = 300 * time.Millisecond
			if strings.Contains(tc.wrong, "2s") {
				o.Timeout = 2 * time.Second
			}

			got, err := Run(t.Context(), o)
			if tc.wrong == "" && err != nil || tc.wrong != "" && (err == nil || !strings.Contains(err.Error(), tc.wrong)) {
				t.Errorf("error %v, not %q", err, tc.wrong)
			}

			got.Seconds, got.PerSecond = 0, 0
			if tc.want.Events >= 0 && got != tc.want {
				t.Errorf("got  %+v\nwant %+v", got, tc.want)
			}
			if tc.afters != nil && !slices.Equal(f.afters, tc.afters) {
				t.Errorf("subscribed after %q, not %q", f.afters, tc.afters)
			}
			if f.pongs != len(f.afters) {
				t.Errorf("%d pongs on %d connections", f.pongs, len(f.afters))
			}
		})
	}
}

func TestRunEndsOnAnError(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ operation, answer, wrong string }{
		"that names the mutation and the field that is wrong": {"signUp",
			`{"data":{"signUp":{"token":null,"userErrors":[{"field":["email"],"code":"TAKEN","message":"somebody has it"}]}}}`,
			"signUp: email: somebody has it (TAKEN)"},
		"that has two user errors": {"createCampaign",
			`{"data":{"createCampaign":{"campaign":null,"userErrors":[{"field":[],"code":"INVALID","message":"no"},{"field":["parameters","0"],"code":"REQUIRED","message":"give one"}]}}}`,
			"createCampaign: no (INVALID); parameters.0: give one (REQUIRED)"},
		"that has a code": {"launchCampaign",
			`{"data":null,"errors":[{"message":"it is running","extensions":{"code":"CONFLICT"}}]}`,
			"launchCampaign: it is running (CONFLICT)"},
		"that is the service's own": {"importContacts",
			`{"data":null,"errors":[{"message":"internal error","extensions":{"code":"INTERNAL","requestId":"r1"}}]}`,
			"importContacts: internal error (INTERNAL, request r1)"},
		"that is no GraphQL": {"connectAccount", `<h1>Bad gateway</h1>`,
			`connectAccount: HTTP 200 without GraphQL: "<h1>Bad gateway</h1>"`},
		"when the account has no number": {"connectAccount",
			`{"data":{"connectAccount":{"account":{"id":"acc_1","phoneNumbers":[]},"userErrors":[]}}}`,
			"account 100 has no phone number"},
		"when the template is rejected": {"template",
			`{"data":{"node":{"status":"REJECTED","rejectionReason":"INVALID_FORMAT"}}}`,
			"approval: it is REJECTED (INVALID_FORMAT)"},
		"when the import fails": {"contactImport", `{"data":{"node":{"status":"FAILED"}}}`,
			"importContacts: it is FAILED"},
		"when the import rejects a row": {"contactImport",
			`{"data":{"node":{"status":"COMPLETED","created":1,"rejected":1,"rejections":[{"line":3,"value":"x","reason":"x is not a phone number"}]}}}`,
			"importContacts: 1 new contacts of 2 rows; 0 updated, 1 rejected; line 3: x is not a phone number"},
		"when a new organization has a past": {"deliveryEvents",
			`{"data":{"deliveryEvents":{"events":[{"sequence":1}],"cursor":"1"}}}`, "has events already"},
		"when the reasons of failures are unknown": {"failures", `{"errors":[{"message":"no"}]}`, "failures: no"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := serve(t, all)
			f.answers[tc.operation] = []string{tc.answer}
			var out, told bytes.Buffer
			_, err := Run(t.Context(), f.options(&out, &told))
			if err == nil || !strings.Contains(err.Error(), tc.wrong) {
				t.Errorf("error %v, not %q", err, tc.wrong)
			}
		})
	}
}

func TestRunAsksInOrder(t *testing.T) {
	t.Parallel()
	f := serve(t, all)
	var out, told bytes.Buffer
	if _, err := Run(t.Context(), f.options(&out, &told)); err != nil {
		t.Fatal(err)
	}

	want := []string{"terms", "signUp", "connectAccount", "createTemplate", "template", "template", "createContactList",
		"importContacts", "contactImport", "contactImport",
		"createCampaign", "deliveryEvents", "launchCampaign", "failures"}
	if !slices.Equal(f.asked, want) {
		t.Errorf("asked %q", f.asked)
	}
	if f.uploaded != "phone,name\n+12125550101,Ann\n+12125550102,Bo\n" {
		t.Errorf("uploaded %q", f.uploaded)
	}

	for operation, part := range map[string]string{
		"signUp":         `"acceptTermsVersion":"2026-01"`,
		"connectAccount": `"credentials":{"token":{"accessToken":"waba-token","wabaId":"100"}}`,
		"importContacts": `"file":null,"listId":"lst_1"`,
		"createCampaign": `"audience":{"listIds":["lst_1"]}`,
		"launchCampaign": `{"input":{"campaignId":"cmp_1"}}`,
	} {
		if !strings.Contains(f.variables[operation], part) {
			t.Errorf("%s with %s", operation, f.variables[operation])
		}
	}
}

var jsonLine = regexp.MustCompile(
	`^\{"recipients":2,"accepted":2,"sent":2,"delivered":2,"read":2,"failed":0,"skipped":0,"unknown":0,"events":8,` +
		`"sequenceGaps":0,"duplicateEvents":0,"seconds":[0-9.]+,"messagesPerSecond":[0-9.]+\}\n$`)

func TestRunPutsOneLineOfJSONOnStandardOutput(t *testing.T) {
	t.Parallel()
	f := serve(t, all)
	var out, told bytes.Buffer
	o := f.options(&out, &told)
	o.JSON = true
	got, err := Run(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}

	var line Result
	if err := json.Unmarshal(out.Bytes(), &line); err != nil || line != got || !jsonLine.Match(out.Bytes()) {
		t.Errorf("%s is not %+v (%v)", out.String(), got, err)
	}
	if got.Seconds <= 0 || got.PerSecond <= 0 {
		t.Errorf("%+v", got)
	}
	if !strings.Contains(told.String(), "launchCampaign") {
		t.Errorf("told %s", told.String())
	}
}

func TestRunTellsWhatHappened(t *testing.T) {
	t.Parallel()
	for name, terminal := range map[string]bool{"on a terminal": true, "in a log": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := serve(t, func(c *call) {
				c.events("1 ACCEPTED a", "2 SENT a")
				c.events("3 READ a", "4 FAILED b")
			})

			f.answers["failures"] = []string{`{"data":{"node":{"progress":{"failures":[{"code":131026,"title":"Undeliverable","advice":"Ask for another number.","count":1}]}}}}`}
			var out, told bytes.Buffer
			o := f.options(&out, &told)
			o.Terminal = terminal
			if _, err := Run(t.Context(), o); err != nil {
				t.Fatal(err)
			}

			for _, part := range []string{"signUp", "connectAccount", "Shop, +1 555-200-0000, at most 1,000 messages a second",
				"APPROVED", "2 recipients",
				"50.0 %", "1 × 131026 Undeliverable", "Ask for another number.", "messages a second",
				"4 events, 0 missing, 0 repeated"} {
				if !strings.Contains(out.String(), part) {
					t.Errorf("%q is not in\n%s", part, out.String())
				}
			}

			if strings.Contains(out.String(), "\r") != terminal {
				t.Errorf("a progress bar: %v\n%q", !terminal, out.String())
			}
		})
	}
}

func TestRunIsInterrupted(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	f := serve(t, func(c *call) { c.events("1 ACCEPTED a"); cancel() })
	var out, told bytes.Buffer
	if _, err := Run(ctx, f.options(&out, &told)); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

func TestRunNeedsSomebodyToWriteTo(t *testing.T) {
	t.Parallel()
	if _, err := Run(t.Context(), Options{Recipients: -1}); err == nil {
		t.Error("it ran")
	}
}

func TestRunGivesUpOnAServiceThatForbids(t *testing.T) {
	t.Parallel()
	f := serve(t, func(c *call) {
		_ = c.conn.WriteControl(8, []byte{4403 >> 8, 4403 & 0xff, 'n', 'o'}, time.Now().Add(time.Second))
	})
	var out, told bytes.Buffer
	if _, err := Run(t.Context(), f.options(&out, &told)); err == nil || !strings.Contains(err.Error(), "4403") {
		t.Errorf("%v", err)
	}
}

func TestFlags(t *testing.T) {
	t.Parallel()
	var o Options
	fs := pflag.NewFlagSet("demo", pflag.ContinueOnError)
	Flags(fs, &o)
	if err := fs.Parse([]string{"--recipients", "20000", "--json", "--timeout", "90s"}); err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(o.Recipients, o.JSON, o.Timeout); got != "20000 true 1m30s" {
		t.Error(got)
	}
}
