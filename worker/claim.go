package worker

import (
	"context"
	"slices"
	"time"

	"carillon/delivery"
	"carillon/uid"
)

const (
	// claimAhead is how much sending is claimed at once: little, so that a single message overtakes a
	// campaign soon, a pause leaves little to give back, and a process that dies leaves few messages
	// of which nobody knows whether they were sent. A fast number claims less time, but no fewer than
	// fairClaim, so that a claim is worth its transaction.
	claimAhead = 250 * time.Millisecond
	claimFast  = 100 * time.Millisecond
	leastClaim = 4
	fairClaim  = 25
	mostClaim  = 1000
)

// timed is a claimed message and when its campaign's own limit lets it go; the zero time is at
// once.
type timed struct {
	delivery.Claimed
	at time.Time
}

// claim takes batches off the queue, one ahead of the sending, until nothing is due or the turn is
// over.
func (l *lane) claim(claims chan<- []timed) {
	defer close(claims)
	for l.ctx.Err() == nil && time.Now().Before(l.ends) {
		n := l.breaker.allows(claimSize(l.perSecond), time.Now())
		if n == 0 {
			return
		}

		batch, err := l.batch(context.WithoutCancel(l.ctx), n)
		if err != nil {
			l.fail(err)
			return
		}

		if len(batch) == 0 {
			return
		}

		claims <- batch // handOver reads until the channel is closed
		if n == 1 {
			return // a probe's answer decides what comes next
		}
	}
}

// claimSize is how many messages a number of that rate claims at once.
func claimSize(perSecond float64) int {
	slow, fast := int(perSecond*claimAhead.Seconds()), int(perSecond*claimFast.Seconds())
	return min(max(min(slow, max(fast, fairClaim)), leastClaim), mostClaim)
}

// batch claims up to n messages. Each turn begins with another campaign; one with a limit of its
// own gives as many as it has slots in the time that a batch lasts.
func (l *lane) batch(ctx context.Context, n int) ([]timed, error) {
	campaigns, err := l.queue.Runnable(ctx, l.number)
	if err != nil {
		return nil, err
	}

	if l.disconnected() && len(campaigns) > 0 { // whoever disconnected the account died before they could pause these
		if err := l.campaigns.AccountChanged(ctx, l.sender.Account); err != nil {
			return nil, err
		}

		campaigns = nil
	}

	if k := len(campaigns); k > 1 {
		first := int(l.turns.Add(1) % int64(k))
		campaigns = slices.Concat(campaigns[first:], campaigns[:first])
	}

	leased := map[uid.ID]slots{}
	for i := range campaigns {
		if limit := campaigns[i].RateLimit; limit != nil {
			s, err := l.pace.leaseCampaign(ctx, l.number, campaigns[i].Campaign, float64(*limit), n)
			if err != nil {
				return nil, err
			}

			leased[campaigns[i].Campaign], campaigns[i].Most = s, s.n
		}
	}

	limit := delivery.Limit{Account: l.sender.Account.ID, People: l.sender.Account.MessagingLimit,
		Organization: l.sender.Account.OrganizationID, PerDay: l.sender.MessagesPerDay,
		PerContact: l.sender.MarketingPerContact, Quiet: delivery.QuietHoursOf(l.sender.Organization)}
	claimed, full, err := l.queue.Claim(ctx, l.number, n, campaigns, limit)
	if err != nil {
		return nil, err
	}
	if full && len(claimed) == 0 {
		return nil, l.atLimit(ctx, limit)
	}

	batch := make([]timed, len(claimed))
	for i, m := range claimed {
		batch[i].Claimed = m
		if s, limited := leased[m.Campaign]; limited {
			batch[i].at = s.first
			s.first = s.first.Add(s.every)
			leased[m.Campaign] = s
		}
	}

	return batch, nil
}

// handOver marks claimed messages as possibly sent, a part just ahead of the sending, and gives
// back what is not to be sent any more. So a process that dies leaves only few messages of which
// nobody knows whether they were sent, and a pause leaves only few to be sent.
func (l *lane) handOver(claims <-chan []timed, parts chan<- []timed) {
	defer close(parts)
	for batch := range claims {
		for rest := batch; len(rest) > 0; {
			if rest = l.withoutStopped(rest); len(rest) == 0 {
				break
			}

			n := 1
			for n < len(rest) && rest[n].Part == rest[0].Part {
				n++
			}

			if l.ctx.Err() == nil {
				held, err := l.queue.HandOver(context.WithoutCancel(l.ctx), rest[0].Claim, rest[0].Part, n == len(rest))
				if err != nil {
					l.fail(err)
				} else if !held {
					l.stop()
				}
			}

			if l.ctx.Err() != nil {
				l.giveBack(claimedOf(rest)...)
				break
			}

			parts <- rest[:n] // send reads until the channel is closed
			rest = rest[n:]
		}
	}
}

// withoutStopped gives back the messages that may not be sent any more, of campaigns or of the
// organization at all, and returns the others.
func (l *lane) withoutStopped(batch []timed) []timed {
	var campaigns []uid.ID // zero is that of single messages
	for _, m := range batch {
		if !slices.Contains(campaigns, m.Campaign) {
			campaigns = append(campaigns, m.Campaign)
		}
	}

	may, err := l.queue.MaySend(context.WithoutCancel(l.ctx), l.number, campaigns)
	if err != nil {
		l.fail(err)
		return batch
	}

	if len(may) == len(campaigns) {
		return batch
	}

	stopped := func(m timed) bool { return !may[m.Campaign] }
	var back []timed

	for _, m := range batch {
		if stopped(m) {
			back = append(back, m)
		}
	}

	l.giveBack(claimedOf(back)...)

	return slices.DeleteFunc(batch, stopped)
}

func claimedOf(batch []timed) []delivery.Claimed {
	messages := make([]delivery.Claimed, len(batch))
	for i, m := range batch {
		messages[i] = m.Claimed
	}

	return messages
}

// atLimit pauses the campaigns that a limit without room concerns.
func (l *lane) atLimit(ctx context.Context, limit delivery.Limit) error {
	if limit.PerDay != nil {
		sent, err := l.queue.SentToday(ctx, limit.Organization)
		if err != nil {
			return err
		}
		if sent >= *limit.PerDay {
			return l.campaigns.AtQuota(ctx, limit.Organization, *limit.PerDay)
		}
	}

	if limit.People == nil {
		return nil // there is room again
	}

	return l.campaigns.AtLimit(ctx, limit.Account, *limit.People)
}
