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

// guard closes a socket when its session or key is revoked, or when its time is over. Its goroutine ends with the socket.
func (r *Resolver) guard(ctx context.Context) {
	v, ok := identity.From(ctx)
	if !ok {
		return
	}
	id, expires := credential(v)
	watch := r.Hub.Watch(uid.ID{}, id.String())
	go func() {
		defer watch.Close()
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
