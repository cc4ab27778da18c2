package webhook

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"carillon/caller"
	"carillon/database"
	"carillon/ent"
	"carillon/ent/enum"
	"carillon/ent/webhookendpoint"
	"carillon/uid"
)

// server is what serves one endpoint in this process: a reader of the log, and a sender.
type server struct {
	*Service
	id       uid.ID
	endpoint atomic.Pointer[ent.WebhookEndpoint] // as it was read last
	signer   atomic.Pointer[signer]
	until    atomic.Int64  // when the lease ends, in Unix microseconds
	due      chan struct{} // holds a token when something may be due
	stop     context.CancelFunc
	ended    chan struct{}

	place, written int64 // of the log: taken, and written down; the reader's own
	waiting        int   // deliveries at most; the reader's own
}

// nudge has the sender look for deliveries.
func (v *server) nudge() {
	select {
	case v.due <- struct{}{}:
	default:
	}
}

// holds reports whether the lease lasts as long as a request may.
func (v *server) holds() bool {
	return v.moment().Add(postTimeout).UnixMicro() < v.until.Load()
}

// Run serves endpoints until ctx ends. Any number of processes may do it: each endpoint is served
// by one of them.
func (s *Service) Run(ctx context.Context) error {
	system := caller.System(ctx)
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	defer s.letGo(context.WithoutCancel(system))

	for {
		if err := s.look(system); err != nil && ctx.Err() == nil {
			s.Logger.Error("endpoints of webhooks could not be looked after", "error", err)
		}

		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// look renews the leases that are held, takes endpoints that nobody serves, and tells servers what
// has changed.
func (s *Service) look(ctx context.Context) error {
	if err := s.renew(ctx); err != nil {
		return err
	}
	if err := s.take(ctx); err != nil {
		return err
	}

	mine, err := s.DB.Client.WebhookEndpoint.Query().Where(webhookendpoint.LeaseID(s.process),
		webhookendpoint.LeaseUntilGT(s.moment()), webhookendpoint.StatusEQ(enum.WebhookEndpointStatusEnabled)).All(ctx)
	if err != nil {
		return fmt.Errorf("read the endpoints that are served: %w", err)
	}

	s.reap(mine)
	for _, e := range mine {
		s.keep(ctx, e)
	}

	return s.nudgeDue(ctx)
}

// renew prolongs the leases of what is served, those that come to their end.
func (s *Service) renew(ctx context.Context) error {
	ids := s.ids()
	if len(ids) == 0 {
		return nil
	}

	_, err := s.DB.Client.WebhookEndpoint.Update().Where(webhookendpoint.IDIn(ids...), webhookendpoint.LeaseID(s.process),
		webhookendpoint.LeaseUntilLT(s.moment().Add(renewBefore))).SetLeaseUntil(s.moment().Add(leaseFor)).Save(ctx)
	if err != nil {
		return fmt.Errorf("renew leases of endpoints: %w", err)
	}

	return nil
}

// take leases endpoints of active organizations that nobody serves.
func (s *Service) take(ctx context.Context) error {
	room := mostServed - len(s.ids())
	if room <= 0 {
		return nil
	}

	now := s.moment()
	free := webhookendpoint.Or(webhookendpoint.LeaseUntilIsNil(), webhookendpoint.LeaseUntilLT(now))
	ids, err := s.DB.Client.WebhookEndpoint.Query().
		Where(webhookendpoint.StatusEQ(enum.WebhookEndpointStatusEnabled), free).Limit(room).IDs(ctx)
	if err != nil || len(ids) == 0 {
		return err
	}

	_, err = s.DB.Client.WebhookEndpoint.Update().Where(webhookendpoint.IDIn(ids...), free,
		webhookendpoint.StatusEQ(enum.WebhookEndpointStatusEnabled)).SetLeaseID(s.process).
		SetLeaseUntil(now.Add(leaseFor)).Save(ctx)
	if err != nil {
		return fmt.Errorf("take endpoints: %w", err)
	}

	return nil
}

// ids are the endpoints that are served here.
func (s *Service) ids() []uid.ID {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.SortedFunc(maps.Keys(s.served), uid.Compare)
}

// reap stops the servers of endpoints that are not among mine, and forgets those that have ended.
func (s *Service) reap(mine []*ent.WebhookEndpoint) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for id, v := range s.served {
		if !slices.ContainsFunc(mine, func(e *ent.WebhookEndpoint) bool { return e.ID == id }) {
			v.stop()
		}

		select {
		case <-v.ended:
			delete(s.served, id)
		default:
		}
	}
}

// keep tells an endpoint's server what the endpoint is now, or starts one.
func (s *Service) keep(ctx context.Context, e *ent.WebhookEndpoint) {
	sign, err := signerOf(s.Keys, e)
	if err != nil {
		s.Logger.Error("an endpoint of webhooks cannot be served", "endpoint", e.ID, "error", err)
		return
	}

	s.mu.Lock()
	defer s.mu.Unlock()
	v := s.served[e.ID]
	if v == nil {
		v = &server{Service: s, id: e.ID, due: make(chan struct{}, 1), ended: make(chan struct{}), place: e.Place,
			written: e.Place, waiting: mostWaiting} // unknown: it is counted first
		ctx, v.stop = context.WithCancel(context.WithoutCancel(ctx))
		defer v.start(ctx)
		s.served[e.ID] = v
	}

	v.endpoint.Store(e)
	v.signer.Store(&sign)
	v.until.Store(e.LeaseUntil.UnixMicro())
}

// start runs the reader and the sender.
func (v *server) start(ctx context.Context) {
	v.nudge()
	var both sync.WaitGroup
	both.Go(func() { v.takeIn(ctx) })
	both.Go(func() { newSender(v).run(ctx) })

	go func() {
		both.Wait()
		v.stop()
		close(v.ended)
	}()
}

// nudgeDue tells the servers of endpoints for which something is due: what other processes wrote,
// and what is to be tried again.
func (s *Service) nudgeDue(ctx context.Context) error {
	ids := s.ids()
	if len(ids) == 0 {
		return nil
	}

	from, args := s.DB.Rowset([]any{s.moment()}, database.IDs("id", ids))
	due, err := database.ScanIDs(s.DB.Query(ctx, `SELECT f.id FROM `+from+` WHERE EXISTS (SELECT 1 FROM webhook_delivery d
		WHERE d.endpoint_id = f.id AND d.status = 'PENDING' AND d.next_attempt_at <= $1)`, args...))
	if err != nil {
		return fmt.Errorf("look for deliveries that are due: %w", err)
	}

	s.mu.Lock()
	defer s.mu.Unlock()
	for _, id := range due {
		if v := s.served[id]; v != nil {
			v.nudge()
		}
	}

	return nil
}

// letGo stops all servers, and gives the leases back, so that other processes go on at once.
func (s *Service) letGo(ctx context.Context) {
	s.mu.Lock()
	served := slices.Collect(maps.Values(s.served))
	s.served = map[uid.ID]*server{}
	s.mu.Unlock()

	for _, v := range served {
		v.stop()
	}

	for _, v := range served {
		<-v.ended
	}

	s.client.CloseIdleConnections()
	_, err := s.DB.Client.WebhookEndpoint.Update().Where(webhookendpoint.LeaseID(s.process)).ClearLeaseID().
		ClearLeaseUntil().Save(ctx)
	if err != nil {
		s.Logger.Warn("leases of endpoints run out by themselves", "error", err)
	}
}
