package metawebhook

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"

	"carillon/account"
	"carillon/database"
	"carillon/usererror"
)

// Why a payload was kept.
const (
	NotUnderstood  = "NOT_UNDERSTOOD"
	NotApplied     = "NOT_APPLIED" // known by its name, and without a place here
	NotStored      = "NOT_STORED"  // the database refused a part of it
	NotAsked       = "NOT_ASKED"   // WhatsApp could not be asked what has changed; it is tried again by itself
	Nobody         = "NOBODY"      // a message without a sender or recipient that could be known
	UnknownNumber  = "UNKNOWN_NUMBER"
	UnknownMessage = "UNKNOWN_MESSAGE"
	UnknownAccount = "UNKNOWN_ACCOUNT"

	// OrganizationClosed is counted, and nothing of the payload kept.
	OrganizationClosed = "ORGANIZATION_CLOSED"
)

// verdict is why a payload has to be kept.
type verdict struct {
	reason string   // the first; empty: it has not to be kept
	detail string   // what it is about, without what people wrote
	again  bool     // a later try may succeed by itself
	closed bool     // a part was about a closed organization
	waits  string   // the wamid of a message that is yet to come, which something in it changes
	about  []string // the WABAs that it names
}

func (v *verdict) add(reason, detail string) {
	if v.reason == "" {
		v.reason, v.detail = reason, detail
	}
}

// one runs what is to be done for one part of a payload, and sorts what came of it. Missing is the
// reason where what the part is about is not here. It returns an error only when the database was
// away: no other part's fate depends on this one's.
func (h *Handler) one(ctx context.Context, v *verdict, missing string, do func() error) error {
	err := guarded(do)
	switch {
	case err == nil:
	case usererror.Is(err, usererror.NotFound):
		v.add(missing, "")
	case errors.Is(err, account.ErrClosed):
		v.closed = true
	case errors.Is(err, account.ErrNotAsked):
		h.Log.WarnContext(ctx, "WhatsApp could not be asked about what a webhook told; it is tried again", "error", err)
		v.add(NotAsked, "")
		v.again = true
	case ctx.Err() == nil && database.IsRefusal(err):
		h.Log.ErrorContext(ctx, "a part of a webhook could not be stored; the payload is kept", "error", err)
		v.add(NotStored, "")
	default:
		return err
	}

	return nil
}

// guarded makes an error of a panic: one payload must not come again for ever.
func guarded(do func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()

	return do()
}

// all does something for a list. Where it fails for the whole list by what the list holds, it does
// it for each half.
func all[T any](ctx context.Context, h *Handler, v *verdict, list []T, do func([]T) error) error {
	switch len(list) {
	case 0:
		return nil
	case 1:
		return h.one(ctx, v, NotStored, func() error { return do(list) })
	}

	err := guarded(func() error { return do(list) })
	if err == nil || ctx.Err() != nil || !database.IsRefusal(err) {
		return err
	}
	if err := all(ctx, h, v, list[:len(list)/2], do); err != nil {
		return err
	}

	return all(ctx, h, v, list[len(list)/2:], do)
}
