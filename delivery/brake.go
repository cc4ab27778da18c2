package delivery

import (
	"bytes"
	"context"
	"fmt"

	"carillon/database"
	"carillon/ent/enum"
	"carillon/uid"
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

	usualThreshold = 0.2
)

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
	if r.campaign.IsZero() {
		return
	}

	failed := r.status == enum.MessageStatusFailed
	switch {
	case (f.Kind == Accepted || f.Kind == Held) && !failed: // else the failure came first, and was counted
		l.answers[r.campaign] = append(l.answers[r.campaign], accepted)
	case f.Kind == Refused, f.Kind == Failed && failed && r.acceptedAt == nil:
		l.answers[r.campaign] = append(l.answers[r.campaign], refused)
	case f.Kind == Failed && failed:
		l.answers[r.campaign] = append(l.answers[r.campaign], failedLater)
	default:
		return
	}

	l.shift(r.organization, r.campaign, bucketOf[r.status], 0)
}

// lastAnswers are the answers of each campaign in a form to be written, and whether any is a
// failure.
func (l *ledger) lastAnswers(campaigns []uid.ID) (answers []string, failures bool) {
	answers = make([]string, len(campaigns))
	for i, campaign := range campaigns {
		letters := l.answers[campaign]
		failures = failures || bytes.ContainsAny(letters, string([]byte{refused, failedLater}))
		answers[i] = string(letters[max(0, len(letters)-lastAnswers):])
	}

	return answers, failures
}

// The statement that counts also moves the answers on, so that no commit has to read before it
// writes, and every process's answers are in one row in the order of commits.
var (
	appendAnswers = fmt.Sprintf(
		"recent_answers = substr(coalesce(campaign.recent_answers, '%*s') || f.answers, length(f.answers) + 1, %d)",
		lastAnswers, "", lastAnswers)
	returningAnswers = ` RETURNING campaign.id, campaign.organization_id, campaign.status, campaign.recent_answers, coalesce(campaign.failure_threshold,
		(SELECT CAST(sending_policy ->> 'failureThreshold' AS double precision) FROM organization WHERE organization.id = campaign.organization_id))`
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

// LastFailures are the error codes of the last n messages of a campaign that failed, the most
// frequent first.
func (q *Queue) LastFailures(ctx context.Context, organization, campaign uid.ID, n int) (failures []Failures,
	err error) {
	rows, err := q.db.Query(ctx, `SELECT error_code, count(*) AS n FROM (SELECT coalesce(error_code, 0) AS error_code FROM delivery_event
		WHERE organization_id = $1 AND campaign_id = $2 AND status = 'FAILED' ORDER BY sequence DESC LIMIT $3) AS last GROUP BY error_code ORDER BY n DESC, error_code`, organization, campaign, n)
	if err != nil {
		return nil, fmt.Errorf("look for the last failures of %s: %w", campaign, err)
	}

	defer rows.Close()
	for rows.Next() {
		var f Failures
		if err := rows.Scan(&f.Code, &f.Count); err != nil {
			return nil, fmt.Errorf("look for the last failures of %s: %w", campaign, err)
		}

		failures = append(failures, f)
	}

	return failures, rows.Err()
}
