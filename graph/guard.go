package graph

import (
	"context"
	"time"

	"carillon/graph/transport"
	"carillon/identity"
	"carillon/uid"
	"carillon/usererror"
)

// forbidden is the close code after which clients fetch a new token and connect again.
const forbidden = 4403

const (
	afterExpiry = 50 * time.Millisecond // so that the token is over by everybody's clock
	askAgain    = time.Second
)

// guard closes a socket or an event stream when its session or key is revoked, when its time is
// over, or when its organization is closed or shows it something else than before. Sockets are
// guarded from the beginning, event streams when they subscribe. Its goroutine ends with the
// connection.
func (r *Resolver) guard(ctx context.Context) {
	v, ok := identity.From(ctx)
	if !ok {
		return
	}
	if _, again := r.guarded.LoadOrStore(v, true); again {
		return
	}

	id, expires := credential(v)
	watch, organization := r.Hub.Watch(uid.ID{}, id.String()), r.Hub.Watch(uid.ID{}, v.Organization.String())

	go func() {
		defer watch.Close()
		defer organization.Close()
		defer r.guarded.Delete(v)
		var end <-chan time.Time

		if expires != nil {
			timer := time.NewTimer(time.Until(*expires) + afterExpiry)
			defer timer.Stop()
			end = timer.C
		}

		for {
			select {
			case <-ctx.Done():
				return
			case <-watch.C():
			case <-organization.C():
			case <-end:
				end = nil
			}

			switch err := r.Identity.StillValid(ctx, v); {
			case usererror.Is(err, usererror.Unauthenticated):
				transport.CloseConnection(ctx, forbidden, "Forbidden: "+err.Error())
				return
			case err != nil:
				end = time.After(askAgain) // the database is away: who was revoked meanwhile must not stay
			}
		}
	}()
}

func credential(v *identity.Viewer) (id uid.ID, expires *time.Time) {
	if v.Key != nil {
		return v.Key.ID, v.Key.ExpiresAt
	}
	return v.Session.ID, &v.Session.ExpiresAt
}
