package hub

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"carillon/uid"
)

const (
	// messageBytes is when a message counts as full, and flushBytes a pipeline. Redis cuts off a
	// listener that is 8 MB behind for a minute, or 32 MB at all.
	messageBytes = 256 << 10
	flushBytes   = 4 * messageBytes

	// sendAgain is how long news waits after Redis has failed.
	sendAgain = time.Second

	// lastWords is how long a stopping process tries to send the rest.
	lastWords = 2 * time.Second
)

// Flush sends what is in the outbox now, for a process that does not Run.
func (h *Hub[E]) Flush(ctx context.Context) error { return h.flush(ctx) }

// send sends what is in the outbox until ctx is done, and then the rest.
func (h *Hub[E]) send(ctx context.Context) {
	for failing := false; ; {
		select {
		case <-ctx.Done():
			if h.line.up.Load() {
				ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastWords)
				_ = h.flush(ctx) // lost news is harmless
				cancel()
			}

			return
		case <-h.outbox.ready:
		}

		err := h.flush(ctx)
		if err != nil && !failing && ctx.Err() == nil {
			h.log.Warn("cannot tell other processes the news; they poll", "error", err)
		}

		if failing = err != nil; failing {
			select {
			case <-ctx.Done():
			case <-time.After(sendAgain):
			}
		}
	}
}

// flush sends what is in the outbox. When Redis fails, topics go back there: no poll would find
// them.
func (h *Hub[E]) flush(ctx context.Context) error {
	parcels, topics := h.outbox.take()
	p := &post{Pipeliner: h.rdb.Pipeline(), origin: h.origin}
	if err := h.flushNews(ctx, p, topics); err != nil {
		h.outbox.notify(topics...)
		return err
	}

	for _, parcel := range parcels {
		if err := h.flushEntries(ctx, p, parcel); err != nil {
			return err
		}
	}

	return p.flush(ctx)
}

func (h *Hub[E]) flushNews(ctx context.Context, p *post, topics []topic) error {
	names := map[uid.ID][]string{}
	for _, t := range topics {
		names[t.organization] = append(names[t.organization], t.name)
	}

	for organization, names := range names {
		body, err := json.Marshal(names)
		if err != nil {
			return err
		}
		if err := p.publish(ctx, h.newsChannel(organization), body); err != nil {
			return err
		}
	}

	return p.flush(ctx)
}

func (h *Hub[E]) flushEntries(ctx context.Context, p *post, parcel parcel[E]) error {
	body := []byte{'['}
	for i, e := range parcel.entries {
		var err error
		if body, err = e.AppendJSON(body); err != nil {
			return fmt.Errorf("encode entry %d of %s: %w", e.Seq(), parcel.organization, err)
		}

		if i+1 < len(parcel.entries) && len(body) < messageBytes {
			body = append(body, ',')
			continue
		}

		if err := p.publish(ctx, h.logChannel(parcel.organization), append(body, ']')); err != nil {
			return err
		}

		body = body[:1]
	}

	return nil
}

// post is a pipeline that is sent when it is full.
type post struct {
	redis.Pipeliner
	origin string
	bytes  int
}

func (p *post) publish(ctx context.Context, channel string, body []byte) error {
	p.Publish(ctx, channel, p.origin+string(body))
	if p.bytes += len(body); p.bytes < flushBytes {
		return nil
	}

	return p.flush(ctx)
}

func (p *post) flush(ctx context.Context) error {
	p.bytes = 0
	_, err := p.Exec(ctx)
	return err
}
