package delivery

import (
	"context"
	"strings"
	"time"

	"carillon/uid"
)

// Link is what a receipt or an answer told of who got a message: the number as WhatsApp writes it,
// and the person's user id. What was not told is empty.
type Link struct {
	Organization uid.ID

	Address   string // that the message was sent to
	Recipient string // as WhatsApp told it, without the +
	UserID    string
	At        time.Time
}

// Directory learns which numbers and user ids are one person's.
type Directory interface {
	Learn(ctx context.Context, links []Link) error
}

// Introduce sets who is told whose numbers and user ids belong together; call it before Run.
// Without it nobody is.
func (j *Journal) Introduce(directory Directory) { j.directory = directory }

// link takes note of what a fact tells of its recipient, unless that is the message's own address.
func (l *ledger) link(r *row, f Fact) {
	if f.RecipientUserID == r.address {
		f.RecipientUserID = ""
	}
	if f.Recipient == strings.TrimPrefix(r.address, "+") {
		f.Recipient = ""
	}
	if f.Recipient != "" || f.RecipientUserID != "" {
		l.links = append(l.links, Link{r.organization, r.address, f.Recipient, f.RecipientUserID, f.At})
	}
}

// mostUntold bounds what waits for a directory that cannot take it.
const mostUntold = 10 * batchFacts

// introduce hands on what a commit's facts told of people, before anybody is answered: so what
// WhatsApp believes to be told is kept. What cannot be learned now is handed on with the next
// commit, and told by the next receipt of that person.
func (j *Journal) introduce(ctx context.Context, links []Link) {
	if links = append(j.untold, links...); j.directory == nil || len(links) == 0 {
		return
	}

	j.untold = nil
	if err := j.directory.Learn(ctx, links); err != nil {
		j.log.Error("who got messages could not be written down; it is tried again", "messages", len(links), "error", err)
		j.untold = links[max(0, len(links)-mostUntold):]
	}
}
