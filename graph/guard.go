package graph

import (
	"context"
	"time"

	"carillon/fault"
	"carillon/graph/transport"
	"carillon/identity"
	"carillon/uid"
)

// forbidden is the close code after which clients fetch a new token and connect again.
const forbidden = 4403

// guard closes a socket or an event stream when its session or key is revoked, or when its time is over. Sockets are guarded
// from the beginning, event streams when they subscribe. Its goroutine ends with the connection.
func (r *Resolver) guard(ctx context.Context) {
	v, ok := identity.From(ctx)
	if !ok {
		return
	}
	if _, again := r.guarded.LoadOrStore(v, true); again {
		return
	}
	id, expires := credential(v)
	watch := r.Hub.Watch(uid.ID{}, id.String())
	go func() {
		defer watch.Close()
		defer r.guarded.Delete(v)
		var end <-chan time.Time
		if expires != nil {
			timer := time.NewTimer(time.Until(*expires))
			defer timer.Stop()
			end = timer.C
		}
		for {
			select {
			case <-ctx.Done():
				return
			case <-watch.C():
			case <-end:
				end = nil
			}
			if err := r.Identity.StillValid(ctx, v); fault.Is(err, fault.Unauthenticated) {
				transport.CloseConnection(ctx, forbidden, "Forbidden")
				return
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
