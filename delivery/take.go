package delivery

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"carillon/database"
	"carillon/ent/enum"
	"carillon/uid"
)

const (
	// claimLooks is how often one transaction looks for messages in place of those that it skips,
	// so that it stays short.
	claimLooks = 4
	// claimTries is how many transactions look further when all messages so far were skipped or held.
	// Then the caller comes back: more are due.
	claimTries = 25
)

// Claimed is a message in this worker's hands, to be sent before its lease runs out.
type Claimed struct {
	ID, Organization, Campaign, Template uid.ID

	Address    string
	Type       enum.MessageType
	Category   enum.TemplateCategory
	Parameters map[string]string
	Content    json.RawMessage
	Attempt    int
	Route      enum.MessageRoute // the endpoint that WhatsApp asked for when it refused it; empty if none
	Retries    int               // how many attempts went before, since it was queued last
	Claim      uid.ID
	Part       int // of the claim, from 1; claimed messages come in the order of their parts
}

// Runnable is a campaign that may send now.
type Runnable struct {
	Campaign  uid.ID
	RateLimit *int // messages a second; nil leaves the number's own
	Canary    bool // its canary is not sent yet: claims give no more than what is left of it
	Most      int  // set by the caller: how many may be claimed now; negative for any number
}

// Runnable are a number's campaigns that may send now, in a fixed order.
func (q *Queue) Runnable(ctx context.Context, number uid.ID) ([]Runnable, error) {
	rows, err := q.db.Query(ctx, `SELECT id, rate_limit, coalesce(canary_state = 'PENDING', false)
		FROM campaign WHERE phone_number_id = $1 AND status = 'RUNNING'
		AND queued > 0 AND (expires_at IS NULL OR expires_at > $2) AND `+canaryOpen+maySend("campaign.organization_id")+
		" ORDER BY id",
		number, q.now())
	campaigns, err := database.Collect(rows, err, func(rows *sql.Rows) (Runnable, error) {
		r := Runnable{Most: -1}
		err := rows.Scan(&r.Campaign, &r.RateLimit, &r.Canary)

		return r, err
	})
	if err != nil {
		return nil, fmt.Errorf("find campaigns of %s: %w", number, err)
	}

	return campaigns, nil
}

// Claim takes up to n messages that are due on a number: single ones first, then those of the
// campaigns in their order, each its fair share of what is left. What it returns is SENDING in the
// database. What may not be written to its person any more is SKIPPED instead, what is to wait for
// the end of their quiet hours goes back, and others are taken in its place. A campaign that is
// paused meanwhile gives none, and campaigns write to no more new people than the account's
// messaging limit has room for, and no more messages than the organization's quota: full says that
// one of them has none left. Every campaign's message is taken for one to somebody new then, since
// the few who are not cannot be picked out cheaply.
func (q *Queue) Claim(
	ctx context.Context, number uid.ID, n int, campaigns []Runnable, limit Limit,
) (claimed []Claimed, full bool, err error) {
	for range claimTries {
		var t *taking
		err := q.db.InTx(ctx, func(tx *database.Tx) (err error) {
			t = &taking{Tx: tx, claim: uid.New(uid.Claim), size: partSize(n), now: q.now(), perContact: limit.PerContact,
				quiet: limit.Quiet, erased: q.erased}
			t.ledger = newLedger(t.now)
			if full, err = q.take(ctx, t, number, n, campaigns, limit); err != nil {
				return err
			}

			if len(t.barred) > 0 {
				tx.After(func(ctx context.Context) { t.ledger.tell(ctx, q.news) })
			}

			return nil
		})
		if err != nil {
			return nil, false, fmt.Errorf("claim messages of %s: %w", number, err)
		}
		if claimed = t.claimed; len(claimed) > 0 || full || len(t.barred)+t.held == 0 {
			break
		}
	}

	return claimed, full, nil
}

// taking is one claim in the making.
type taking struct {
	*database.Tx
	claim   uid.ID
	size    int // of a part
	now     time.Time
	ledger  *ledger
	claimed []Claimed
	barred  []uid.ID // claimed, and to be skipped before it is committed

	perContact int            // marketing messages to one contact in 24 hours; 0 for any number
	marketed   map[uid.ID]int // those that the claim has taken, by contact

	quiet   *QuietHours
	resting []heldMessage // claimed by the last look, to go back before it is committed
	held    int           // how many went back

	erased     *Erased
	erasureKey []byte // of the number's organization, sealed; nil where it has erased nobody
}

func (q *Queue) take(
	ctx context.Context, t *taking, number uid.ID, n int, campaigns []Runnable, limit Limit,
) (full bool, err error) {
	room, err := q.places(ctx, t.Tx, limit, t.now)
	if err != nil {
		return false, err
	}
	if err := t.messages(ctx, single, number, n); err != nil {
		return false, err
	}

	for i, c := range campaigns {
		left := n - len(t.claimed)
		if room >= 0 {
			left = min(left, room)
		}
		if full = room == 0; left == 0 {
			break
		}

		share := (left + len(campaigns) - i - 1) / (len(campaigns) - i)
		if c.Most >= 0 {
			share = min(share, c.Most)
		}

		if c.Canary {
			left, err := t.canary(ctx, c.Campaign)
			if err != nil {
				return false, err
			}

			share = min(share, left)
		}

		had := len(t.claimed)
		if err := t.messages(ctx, ofCampaign, c.Campaign, share); err != nil {
			return false, err
		}

		if took := len(t.claimed) - had; took > 0 {
			if room > 0 {
				room -= took
			}

			t.ledger.shift(t.claimed[had].Organization, c.Campaign, bucketOf[enum.MessageStatusQueued], -took)
			t.ledger.shift(t.claimed[had].Organization, c.Campaign, bucketOf[enum.MessageStatusSending], took)
		}
	}

	slices.SortStableFunc(t.claimed, func(a, b Claimed) int { return a.Part - b.Part })
	if err := t.keep(ctx); err != nil {
		return false, err
	}
	if err := q.occupy(ctx, t.Tx, limit, t.claimed, t.now); err != nil {
		return false, err
	}
	if err := q.spend(ctx, t.Tx, limit, t.claimed); err != nil {
		return false, err
	}

	return full, t.finish(ctx)
}

// canaryLeft is how many messages a campaign's canary still has room for, and canaryOpen whether
// its messages may be claimed at all, in SQL. Package campaign decides when the rest may follow.
const (
	canaryLeft = "CAST(campaign.canary ->> 'size' AS integer) - campaign.sending - campaign.accepted - campaign.sent" +
		" - campaign.delivered - campaign.read - campaign.failed - campaign.unknown"
	canaryOpen = "(campaign.canary_state IS NULL OR campaign.canary_state = 'PASSED'" +
		" OR campaign.canary_state = 'PENDING' AND " + canaryLeft + " > 0)"
)

// canary is how much of a campaign's canary is left to claim. It holds the campaign's row until the
// claim is committed, so that two claims at once take no more than that together.
func (t *taking) canary(ctx context.Context, campaign uid.ID) (left int, err error) {
	var pending bool
	err = t.QueryRowContext(ctx, "SELECT canary_state = 'PENDING', "+canaryLeft+" FROM campaign WHERE id = $1"+
		t.DB.ForUpdate(), campaign).Scan(&pending, &left)
	if err != nil {
		return 0, fmt.Errorf("look at the canary of %s: %w", campaign, err)
	}
	if !pending { // it was judged meanwhile; the next claim takes what it may
		return 0, nil
	}

	return max(0, left), nil
}

// places is how many campaigns' messages the account's limit and the organization's quota leave;
// negative for any number.
func (q *Queue) places(ctx context.Context, tx *database.Tx, limit Limit, now time.Time) (int, error) {
	room, err := q.room(ctx, tx, limit, now)
	if err != nil {
		return 0, err
	}

	today, err := q.today(ctx, tx, limit, now)
	if room < 0 || today >= 0 && today < room {
		room = today
	}

	return room, err
}

// messages claims up to n messages of one owner, in the order in which they are due, and looks for
// others in place of those that are barred or held.
func (t *taking) messages(ctx context.Context, of sender, owner uid.ID, n int) error {
	for looks := 0; n > 0 && looks < claimLooks; looks++ {
		claimed, left := len(t.claimed), len(t.barred)+t.held
		if err := t.look(ctx, of, owner, n); err != nil {
			return err
		}

		claimed, left = len(t.claimed)-claimed, len(t.barred)+t.held-left
		if left == 0 || claimed+left < n {
			return nil // enough are found, or no more are due
		}

		n -= claimed
	}

	return nil
}

// look takes up to n messages of one owner that are due: those that may go are claimed, the others
// barred, or held until their people's quiet hours end.
func (t *taking) look(ctx context.Context, of sender, owner uid.ID, n int) error {
	had, isMarketing := len(t.claimed), "false" // nobody asks where there are no quiet hours
	if t.resting = nil; t.quiet != nil {
		isMarketing = "coalesce(" + of.category + " = 'MARKETING', false)"
	}

	rows, err := t.QueryContext(ctx, `UPDATE message SET status = 'SENDING', attempts = attempts + 1, lease_until = $3,
			held_from = NULL, claim_id = $5, claim_part = ($6 + due.place - 1) / $7 + 1, skip_reason = `+of.barred()+`
		FROM (SELECT id, row_number() OVER (ORDER BY not_before, id) AS place FROM
			(SELECT id, not_before FROM message WHERE `+of.messages+` AND status = 'QUEUED' AND not_before <= $2
				ORDER BY not_before, id LIMIT $4`+t.DB.SkipLocked()+`) AS locked) AS due
		WHERE message.id = due.id
		RETURNING message.id, organization_id, campaign_id, template_id, address, type, category, parameters, content,
			attempts, attempts - 1 - coalesce(settled_attempts, 0), claim_part, skip_reason, route, time_zone, `+isMarketing+`,
			(SELECT organization.erasure_key FROM organization WHERE organization.id = `+of.organization+`)`,
		owner, t.now, t.now.Add(lease), n, t.claim, len(t.claimed), t.size)

	if err := database.Each(rows, err, t.add); err != nil {
		return err
	}
	if err := t.hold(ctx, of, owner); err != nil {
		return err
	}

	if err := t.barErased(ctx, t.erased, had); err != nil {
		return err
	}

	return t.limitFrequency(ctx, had)
}

// add reads a message that is claimed, barred or to be held.
func (t *taking) add(rows *sql.Rows) error {
	c := Claimed{Claim: t.claim}
	var category *enum.TemplateCategory
	var skipped *enum.SkipReason
	var route *enum.MessageRoute
	var zone *string
	var isMarketing bool
	var parameters, content []byte
	err := rows.Scan(&c.ID, &c.Organization, &c.Campaign, &c.Template, &c.Address, &c.Type, &category, &parameters,
		&content, &c.Attempt, &c.Retries, &c.Part, &skipped, &route, &zone, &isMarketing, &t.erasureKey)
	if err != nil {
		return err
	}

	if skipped != nil {
		t.barred = append(t.barred, c.ID)
		return nil
	}

	if isMarketing && t.rests(c.ID, zone) {
		return nil
	}

	if category != nil {
		c.Category = *category
	}
	if route != nil {
		c.Route = *route
	}

	if len(parameters) > 0 {
		if err := json.Unmarshal(parameters, &c.Parameters); err != nil {
			return fmt.Errorf("parameters of %s: %w", c.ID, err)
		}
	}

	c.Content = content
	t.claimed = append(t.claimed, c)

	return nil
}

// keep notes that nothing of the claim is handed over yet.
func (t *taking) keep(ctx context.Context) error {
	if len(t.claimed) == 0 {
		return nil
	}

	_, err := t.ExecContext(ctx, "INSERT INTO claim (id, handed, taken, until) VALUES ($1, 0, $2, $3)",
		t.claim, false, t.now.Add(unhanded))
	if err != nil {
		return fmt.Errorf("keep a claim: %w", err)
	}

	return nil
}

// finish skips what is barred and writes what follows from the claim, as its last step. Whoever
// looks from outside sees a message go from QUEUED to SKIPPED: that it was SENDING in between is
// never committed.
func (t *taking) finish(ctx context.Context) error {
	if len(t.barred) == 0 {
		return t.ledger.write(ctx, t.Tx)
	}

	rows, err := lock(ctx, t.Tx, t.barred)
	if err != nil {
		return err
	}

	claimed, skipped := make(map[uid.ID]*row, len(rows)), make([]*row, 0, len(rows))
	for _, id := range slices.SortedFunc(slices.Values(t.barred), uid.Compare) {
		r := rows[id]
		was, waiting := *r, *r
		waiting.status = enum.MessageStatusQueued
		f := Fact{Message: id, Attempt: r.attempts, Kind: Skip, At: t.now, Reason: *r.skipReason}
		if status, logged := r.apply(f); logged {
			t.ledger.log(r, status, f)
		}

		t.ledger.moved(&waiting, r)
		claimed[id], skipped = &was, append(skipped, r)
	}

	if err := unspendSkipped(ctx, t.Tx, skipped, t.now); err != nil {
		return err
	}

	return t.ledger.write(ctx, t.Tx, store(t.DB, claimed, skipped)...)
}
