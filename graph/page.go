package graph

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	"carillon/caller"
	"carillon/ent"
	"carillon/uid"
	"carillon/usererror"
)

// page is a connection's arguments. Its cursors carry a mark of the list, its order and its owner,
// so that a cursor is refused where it does not belong, instead of giving wrong rows.
type page struct {
	after, before *ent.Cursor
	first, last   *int

	mark  string
	terms []string // "NAME ASC", …
	byID  bool     // the terms are one, and it is the id itself
}

const markLength = 8

// size is how many rows are asked for.
func (p page) size() int { return or(p.first, or(p.last, defaultPage)) }

// newPage checks the arguments. Page sizes were checked before the operation ran.
func newPage(ctx context.Context, list string, after *ent.Cursor, first *int, before *ent.Cursor, last *int,
	terms ...string) (page, error) {
	p := page{first: first, last: last, terms: terms, byID: len(terms) == 1 && strings.HasPrefix(terms[0], "ID ")}
	if first == nil && last == nil {
		size := defaultPage
		p.first = &size
	}

	scope, _ := caller.From(ctx)
	sum := sha256.Sum256([]byte(strings.Join(append([]string{list, scope.Organization.String()}, terms...), "\x00")))
	p.mark = hex.EncodeToString(sum[:markLength/2])
	var err error
	if p.after, err = p.open("after", after); err != nil {
		return page{}, err
	}

	p.before, err = p.open("before", before)

	return p, err
}

// open takes the mark off a cursor, and leaves what ent put there.
func (p page) open(argument string, c *ent.Cursor) (*ent.Cursor, error) {
	if c == nil || c.ID.IsZero() { // an empty text, which is what null is
		return nil, nil
	}

	parts, ok := c.Value.([]any)
	if !ok || len(parts) == 0 || parts[0] != p.mark {
		return nil, badCursor(argument)
	}

	values := append([]any{}, parts[1:]...)
	if p.byID && len(values) == 0 {
		return &ent.Cursor{ID: c.ID, Value: []any{c.ID}}, nil
	}
	if len(values) != len(p.terms) {
		return nil, badCursor(argument)
	}

	for i, v := range values {
		_, isTime := v.(time.Time)
		_, isText := v.(string)
		if wantsTime := strings.Contains("_"+p.terms[i], "_AT "); isTime != wantsTime || isText == wantsTime {
			return nil, badCursor(argument)
		}
	}

	return &ent.Cursor{ID: c.ID, Value: values}, nil
}

// seal puts the mark on a cursor of the answer.
func (p page) seal(c *ent.Cursor) {
	values, _ := c.Value.([]any)
	if p.byID {
		values = nil
	}

	c.Value = append([]any{p.mark}, values...)
}

// inOrder sorts ids as the page is read: backwards for its last ones.
func (p page) inOrder(ids []uid.ID, descending bool) {
	slices.SortFunc(ids, func(a, b uid.ID) int {
		if descending != (p.last != nil) {
			a, b = b, a
		}
		return uid.Compare(a, b)
	})
}

// fit leaves as many ids as the page has room for, in the list's order, of those that were read:
// there is one more when the list goes on. It says so in info.
func (p page) fit(ids []uid.ID, info *ent.PageInfo) []uid.ID {
	more := len(ids) > p.size()
	ids = ids[:min(len(ids), p.size())]
	info.HasNextPage, info.HasPreviousPage = p.before != nil, p.after != nil

	if p.last != nil {
		info.HasPreviousPage = more
		slices.Reverse(ids)
	} else {
		info.HasNextPage = more
	}

	return ids
}

func badCursor(argument string) error {
	return usererror.New(usererror.BadInput,
		"%s is not a cursor of this list in this order: take it from an answer to the same question", argument)
}

// terms writes orders down.
func terms[O any](orders []*O, part func(*O) (fmt.Stringer, ent.OrderDirection)) []string {
	out := make([]string, len(orders))
	for i, o := range orders {
		field, direction := part(o)
		out[i] = field.String() + " " + direction.String()
	}

	return out
}

// sealed finishes a page: its cursors are marked.
func sealed[C any](p page, connection *C, err error) (*C, error) {
	if err != nil {
		return nil, err
	}

	switch c := any(connection).(type) {
	case *ent.AccountConnection:
		for _, e := range c.Edges {
			p.seal(&e.Cursor)
		}
	case *ent.AuditEventConnection:
		for _, e := range c.Edges {
			p.seal(&e.Cursor)
		}
	case *ent.CampaignConnection:
		for _, e := range c.Edges {
			p.seal(&e.Cursor)
		}
	case *ent.ContactConnection:
		for _, e := range c.Edges {
			p.seal(&e.Cursor)
		}
	case *ent.ContactImportConnection:
		for _, e := range c.Edges {
			p.seal(&e.Cursor)
		}
	case *ent.ContactListConnection:
		for _, e := range c.Edges {
			p.seal(&e.Cursor)
		}
	case *ent.ExportConnection:
		for _, e := range c.Edges {
			p.seal(&e.Cursor)
		}
	case *ent.SegmentConnection:
		for _, e := range c.Edges {
			p.seal(&e.Cursor)
		}
	case *ent.SuppressionConnection:
		for _, e := range c.Edges {
			p.seal(&e.Cursor)
		}
	case *ent.WebhookEndpointConnection:
		for _, e := range c.Edges {
			p.seal(&e.Cursor)
		}
	case *ent.TemplateConnection:
		for _, e := range c.Edges {
			p.seal(&e.Cursor)
		}
	default:
		panic(fmt.Sprintf("no page of %T", connection))
	}

	return connection, nil
}
