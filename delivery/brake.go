package delivery

import (
	"bytes"
	"context"
	"fmt"
	"strings"

	"carillon/database"
	"carillon/ent/enum"
	"carillon/uid"
	"carillon/whatsapp"
)

const (
	// lastAnswers is how many answers of a campaign are remembered: its column recent_answers holds a
	// letter for each, the newest last, after as many blanks as it takes.
	lastAnswers = 200
	// leastAnswers are enough to judge by.
	leastAnswers = 20

	accepted    = 'a'
	refused     = 'r'
	failedLater = 'f' // it was accepted before: that letter stands, too
	optedOut    = 'o' // a person opted out in answer

	usualThreshold = 0.2

	// leastOptOuts people who opted out, and as many as this share of those whose message WhatsApp
	// took, stop a campaign. docs/engine.md says why these numbers.
	leastOptOuts = 5
	mostOptedOut = 0.05
)

// OptOuts are how many people opted out among a campaign's last answers, and of how many WhatsApp
// took the message.
type OptOuts struct{ People, Accepted int }

// CountRecentOptOuts reads a campaign's recent_answers.
func CountRecentOptOuts(answers string) OptOuts {
	return OptOuts{strings.Count(answers, string(optedOut)), strings.Count(answers, string(accepted))}
}

// Share is how many opted out of those who may have got the message.
func (o OptOuts) Share() float64 { return min(1, float64(o.People)/float64(max(o.Accepted, 1))) }

// TooMany says whether the campaign is to stop.
func (o OptOuts) TooMany() bool { return o.People >= leastOptOuts && o.Share() >= mostOptedOut }

// Tally is how the last answers to a campaign's messages were.
type Tally struct {
	Organization, Campaign uid.ID

	Failures, Answers int
	Threshold         float64 // the share of failures at which the campaign is to stop
}

// Brake is told, after the commit, of a running campaign whose last answers were failures too
// often; perhaps repeatedly.
type Brake interface {
	Brake(ctx context.Context, t Tally) error
}

// tooMany says whether the campaign is to stop.
func (t Tally) tooMany() bool {
	return t.Answers >= leastAnswers && float64(t.Failures)/float64(t.Answers) >= t.Threshold
}

// count reads recent_answers. A message that failed after it was accepted is one answer, and no
// longer a good one.
func (t *Tally) count(answers string) {
	letters := []byte(answers)
	good, no, later := bytes.Count(letters, []byte{accepted}), bytes.Count(letters, []byte{refused}),
		bytes.Count(letters, []byte{failedLater})
	t.Failures, t.Answers = no+later, no+max(good, later)
}

// answer notes what a fact that was news says of a campaign's message: WhatsApp took it, or it
// failed.
func (l *ledger) answer(r *row, f Fact) {
	if r.campaign.IsZero() || f.ErrorCode != 0 && whatsapp.RuleFor(f.ErrorCode, 0, 0, false).Apart {
		return
	}

	failed := r.status == enum.MessageStatusFailed
	var letter byte

	switch {
	case (f.Kind == Accepted || f.Kind == Held) && !failed: // else the failure came first, and was counted
		letter = accepted
	case f.Kind == Refused, f.Kind == Failed && failed && r.acceptedAt == nil:
		letter = refused
	case f.Kind == Failed && failed:
		letter = failedLater
	default:
		return
	}

	c := l.change(r.organization, r.campaign)
	c.answers = append(c.answers, letter)
}

// lastAnswers are a campaign's newest answers in a form to be written.
func (c *campaignChange) lastAnswers() string {
	return string(c.answers[max(0, len(c.answers)-lastAnswers):])
}

// failures reports whether any answer is a failure.
func (c *campaignChange) failures() bool {
	return bytes.ContainsAny(c.answers, string([]byte{refused, failedLater}))
}

// The statement that counts also moves the answers on, so that no commit has to read before it
// writes, and every process's answers are in one row in the order of commits.
var (
	appendAnswers = fmt.Sprintf(
		"recent_answers = substr(coalesce(campaign.recent_answers, '%*s') || f.answers, length(f.answers) + 1, %d)",
		lastAnswers, "", lastAnswers)
	returningAnswers = ` RETURNING campaign.id, campaign.organization_id, campaign.status, campaign.recent_answers,
		coalesce(campaign.failure_threshold,
		(SELECT CAST(sending_policy ->> 'failureThreshold' AS double precision) FROM organization
		WHERE organization.id = campaign.organization_id))`
)

// tally keeps the campaigns that run and fail too often, of those that the update gives.
func (l *ledger) tally(rows database.Rows) error {
	for rows.Next() {
		var t Tally
		var status enum.CampaignStatus
		var answers *string
		var threshold *float64
		if err := rows.Scan(&t.Campaign, &t.Organization, &status, &answers, &threshold); err != nil {
			return err
		}
		if t.Threshold = usualThreshold; threshold != nil {
			t.Threshold = *threshold
		}
		if answers != nil {
			t.count(*answers)
		}
		if (status == enum.CampaignStatusRunning || status == enum.CampaignStatusPreparing) && t.tooMany() {
			l.failing = append(l.failing, t)
		}
	}

	return rows.Err()
}
