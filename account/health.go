package account

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"carillon/ent"
	"carillon/ent/enum"
	"carillon/ent/jsonfield"
	"carillon/whatsapp"
)

// mostIssues bounds what is kept of an account's health.
const mostIssues = 50

// health is what WhatsApp says stands in the way of sending from the account or its numbers, each
// thing once, with what stops everything first.
func (r reading) health() []jsonfield.HealthIssue {
	names := map[string]string{}
	for _, n := range r.numbers {
		names[n.ID] = n.DisplayPhoneNumber
	}

	var issues []jsonfield.HealthIssue
	all := slices.Clone(r.account.Health)
	for _, n := range r.numbers {
		all = append(all, n.Health...)
	}

	for _, e := range all {
		for _, issue := range issuesOf(e, strings.TrimSpace(e.Type+" "+cmp.Or(names[e.ID], e.ID))) {
			again := func(known jsonfield.HealthIssue) bool { return sameIssue(known, issue) }
			if !slices.ContainsFunc(issues, again) && len(issues) < mostIssues {
				issues = append(issues, issue)
			}
		}
	}

	slices.SortStableFunc(issues, func(a, b jsonfield.HealthIssue) int { return cmp.Compare(a.Severity, b.Severity) })

	return issues
}

func sameIssue(a, b jsonfield.HealthIssue) bool {
	return a.Subject == b.Subject && a.Title == b.Title && (a.Code == nil) == (b.Code == nil) &&
		(a.Code == nil || *a.Code == *b.Code)
}

// issuesOf are what stands in one thing's way. WhatsApp says why for what is blocked with codes,
// and for what is limited with sentences.
func issuesOf(e whatsapp.Health, subject string) (issues []jsonfield.HealthIssue) {
	severity := enum.SeverityWarning
	switch strings.ToUpper(e.CanSend) {
	case "", "AVAILABLE":
		return nil
	case "BLOCKED":
		severity = enum.SeverityError
	}

	for _, no := range e.Errors {
		issue := jsonfield.HealthIssue{Subject: subject, Title: cmp.Or(no.Description, fmt.Sprintf("Code %d", no.Code)),
			Remedy: some(no.Remedy), Severity: severity}
		if no.Code != 0 {
			issue.Code = &no.Code
		}

		issues = append(issues, issue)
	}

	for _, text := range e.Notes {
		issues = append(issues, jsonfield.HealthIssue{Subject: subject, Title: text, Severity: severity})
	}

	if len(issues) == 0 {
		issues = append(issues, jsonfield.HealthIssue{Subject: subject, Severity: severity,
			Title: "WhatsApp says " + e.CanSend + ", and not why."})
	}

	return issues
}

// Health is what stands in the way of sending from an account: what WhatsApp said when it was read
// last, and the end of its token, which is the nearer the worse.
func Health(a *ent.Account, now time.Time) []jsonfield.HealthIssue {
	issues := slices.Clone(a.Health)
	if a.TokenExpiresAt == nil || a.Status == enum.AccountStatusDisconnected {
		return issues
	}

	remedy := "Connect the account again, with a new token."
	at := a.TokenExpiresAt.UTC().Format("2006-01-02 15:04 MST")

	switch left := a.TokenExpiresAt.Sub(now); {
	case left <= 0:
		issues = append([]jsonfield.HealthIssue{{Subject: "TOKEN", Title: "The access token ran out on " + at + ".",
			Remedy: &remedy, Severity: enum.SeverityError}}, issues...)
	case left <= warnBefore[0]:
		issues = append(issues, jsonfield.HealthIssue{Subject: "TOKEN", Title: "The access token runs out on " + at + ".",
			Remedy: &remedy, Severity: enum.SeverityWarning})
	}

	return issues
}
