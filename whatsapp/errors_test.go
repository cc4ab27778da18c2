package whatsapp

import (
	"bufio"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

type documented struct {
	from, to, status int
	class            Class
}

func documentedCodes(t *testing.T) []documented {
	t.Helper()
	file, err := os.Open("testdata/error_codes.txt")
	if err != nil {
		t.Fatal(err)
	}

	defer file.Close()
	var codes []documented

	for lines := bufio.NewScanner(file); lines.Scan(); {
		if strings.HasPrefix(lines.Text(), "#") {
			continue
		}

		columns := strings.Split(lines.Text(), " | ")
		from, to, isRange := strings.Cut(columns[0], "-")
		if !isRange {
			to = from
		}

		row := documented{class: Class(columns[2])}
		row.from, _ = strconv.Atoi(from)
		row.to, _ = strconv.Atoi(to)
		row.status, _ = strconv.Atoi(columns[1])
		codes = append(codes, row)
	}

	return codes
}

func TestEveryDocumentedCodeHasARuleOfItsOwn(t *testing.T) {
	t.Parallel()
	codes := documentedCodes(t)
	if len(codes) < 120 {
		t.Fatalf("read only %d codes", len(codes))
	}

	for _, documented := range codes {
		for code := documented.from; code <= documented.to; code++ {
			rule, found := lookUp(code)
			if !found || rule.Code != code || rule.To != 0 {
				t.Errorf("%d: found %v, rule of %d–%d", code, found, rule.Code, rule.To)
			}
			if documented.from == documented.to && rule.Class != documented.class {
				t.Errorf("%d: class %s, want %s", code, rule.Class, documented.class)
			}
			if got := RuleFor(code, 0, documented.status, false); got != rule {
				t.Errorf("%d: RuleFor gives %+v", code, got)
			}
		}
	}
}

func TestEveryRuleIsDocumentedOrOurOwn(t *testing.T) {
	t.Parallel()
	codes := documentedCodes(t)
	for _, rule := range Rules() {
		inList := slices.ContainsFunc(codes, func(d documented) bool {
			return d.from == rule.Code && (d.to == rule.To || rule.To == 0)
		})
		if rule.Code >= 0 && !inList {
			t.Errorf("rule %d is in no list of codes", rule.Code)
		}
	}
}

func TestEveryRuleCanBeFollowed(t *testing.T) {
	t.Parallel()
	rules := Rules()
	if !slices.IsSortedFunc(rules, func(a, b Rule) int { return a.Code - b.Code }) {
		t.Error("rules are not sorted")
	}

	for _, rule := range rules {
		retries := slices.Contains([]Class{RetryBackoff, RetryAt, SlowNumber, PairLimit}, rule.Class)
		pauses := strings.HasPrefix(string(rule.Class), "PAUSE_")
		switch {
		case rule.Title == "" || len(rule.Title) > 60 || rule.Advice == "" || !strings.HasSuffix(rule.Advice, "."):
			t.Errorf("%d: title %q, advice %q", rule.Code, rule.Title, rule.Advice)
		case retries && (rule.MaxRetries == 0 || !rule.Retryable):
			t.Errorf("%d: a retry without tries", rule.Code)
		case (rule.Class == RetryAt) && rule.Delay == 0:
			t.Errorf("%d: a retry at no time", rule.Code)
		case pauses != (rule.Reason != ""):
			t.Errorf("%d: class %s with reason %q", rule.Code, rule.Class, rule.Reason)
		case (rule.Class == Suppress) != (rule.Suppress != ""):
			t.Errorf("%d: class %s suppresses %q", rule.Code, rule.Class, rule.Suppress)
		case rule.Class == Unknown:
			t.Errorf("%d: a known code is of class Unknown", rule.Code)
		}
	}
}

func TestRuleFor(t *testing.T) {
	t.Parallel()
	type want struct {
		code  int
		class Class
	}
	for name, tc := range map[string]struct {
		code, subcode, status int
		transient             bool
		want                  want
	}{
		"takes the subcode where the code is an envelope":             {100, 2388024, 400, false, want{2388024, Fail}},
		"takes a node that is gone for a number that cannot send":     {100, 33, 400, false, want{33, PauseNumber}},
		"takes the session's subcode of a token error":                {190, 463, 401, false, want{463, PauseAccount}},
		"ignores a subcode that it does not know":                     {100, 2655007, 400, false, want{100, FailContent}},
		"ignores a subcode where the code says more":                  {131030, 2655007, 400, false, want{131030, Fail}},
		"finds a code inside a range":                                 {294, 0, 403, false, want{294, PauseAccount}},
		"retries an unknown code that is transient":                   {999999, 0, 400, true, want{999999, RetryBackoff}},
		"retries an unknown code of a broken server":                  {999999, 0, 500, false, want{999999, RetryBackoff}},
		"slows down for an unknown code with too many requests":       {999999, 0, 429, false, want{999999, SlowNumber}},
		"stops the account for an unknown code without authorization": {999999, 0, 401, false, want{999999, PauseAccount}},
		"gives up on an unknown code":                                 {999999, 0, 400, false, want{999999, Unknown}},
		"gives up on an unknown code from a webhook":                  {999999, 0, 0, false, want{999999, Unknown}},
		"gives up on a negative code that is not ours":                {-999, 0, 0, false, want{-999, Unknown}},
		"slows down when the gateway has too many requests": {CodeGateway, 0, 429, false,
			want{CodeGateway, SlowNumber}},
		"retries when the gateway is down": {CodeGateway, 0, 503, false,
			want{CodeGateway, RetryBackoff}},
		"takes zero for a dead token":                                  {0, 0, 401, false, want{0, PauseAccount}},
		"takes a person who stopped marketing for one not to write to": {131050, 0, 400, false, want{131050, Suppress}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rule := RuleFor(tc.code, tc.subcode, tc.status, tc.transient)
			if got := (want{rule.Code, rule.Class}); got != tc.want {
				t.Errorf("got %+v, want %+v", got, tc.want)
			}
			if rule.Title == "" || rule.Advice == "" {
				t.Errorf("no title or advice: %+v", rule)
			}
		})
	}
}

func TestRulesCarryWhatTheDocumentationSays(t *testing.T) {
	t.Parallel()
	ecosystem := RuleFor(131049, 0, 400, false)
	if ecosystem.Delay != 24*time.Hour || ecosystem.MaxRetries != 1 {
		t.Errorf("131049 is tried %d times after %s", ecosystem.MaxRetries, ecosystem.Delay)
	}

	for code, reason := range map[int]Reason{
		190: ReasonTokenInvalid, 131042: ReasonPaymentIssue, 132015: ReasonTemplatePaused, 132016: ReasonTemplateDisabled,
		131031: ReasonAccountRestricted, 131048: ReasonQualityLow,
	} {
		if got := RuleFor(code, 0, 0, false).Reason; got != reason {
			t.Errorf("%d pauses for %s, want %s", code, got, reason)
		}
	}
}

func TestAnErrorReadsWell(t *testing.T) {
	t.Parallel()
	err := &Error{HTTPStatus: 400, Code: 131030, Subcode: 2655007, Message: "(#131030) Recipient not allowed",
		Details: "Add it", TraceID: "AI5"}
	want := "whatsapp: (#131030) Recipient not allowed: Add it (code 131030, subcode 2655007, HTTP 400, trace AI5)"
	if err.Error() != want {
		t.Errorf("got %q", err.Error())
	}
	if got := (&Error{Code: 190}).Error(); got != "whatsapp: Access token expired (code 190)" {
		t.Errorf("without a message: %q", got)
	}
}
