package transport

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

// runAsEvents answers an operation with an event stream: graphql-sse's distinct connections mode,
// by POST, or by GET for the browser's EventSource. What is wrong with the request itself is
// answered as JSON; what is wrong with the document is an event, since that is where clients of the
// protocol look for it.
func (h *Handler) runAsEvents(w http.ResponseWriter, r *http.Request, opCtx *graphql.OperationContext,
	errs gqlerror.List) *refusal {
	ctx, cancel := context.WithCancelCause(withTransport(r.Context(), "sse"))
	defer cancel(nil)
	s := &stream{w: w, control: http.NewResponseController(w), cancel: cancel, timeout: h.options.Websocket.WriteTimeout}
	if err := h.enter(s); err != nil {
		return err
	}

	defer h.leave(s)
	if h.options.IsStranger(ctx) {
		h.admit(s, h.strangerOf(r))
	}

	release, full := h.count(ctx)
	if full != nil {
		return refusedFull(full)
	}

	defer release()
	ctx = context.WithValue(ctx, connectionKey{}, connection(s))
	answers := newSingle(h.answers.of(h.options.Owner(ctx)))
	defer answers.end()
	ctx = context.WithValue(ctx, placeKey{}, place(answers))
	s.open()
	defer h.keepAlive(ctx, s)()

	if errs != nil {
		s.send(h.exec.DispatchError(graphql.WithOperationContext(ctx, opCtx), errs), false)
		s.complete()
		return nil
	}

	defer func() {
		if v := recover(); v != nil {
			err := h.recovered(ctx, v)
			s.send(&graphql.Response{Errors: gqlerror.List{h.present(ctx, err)}}, true)
			s.complete()
		}

		if errors.Is(context.Cause(ctx), errClosed) && !s.completed {
			panic(http.ErrAbortHandler) // a stream that just ended would look complete; cut off, the client comes back
		}
	}()

	next, opContext := h.exec.DispatchOperation(ctx, opCtx)
	for resp := next(opContext); resp != nil; resp = next(opContext) {
		s.send(resp, true)
		answers.written()
	}

	if ctx.Err() == nil {
		s.complete()
	}

	return nil
}

// keepAlive writes comments in the quiet times, which keeps proxies from closing the stream and
// finds clients that are gone. The function it returns ends it.
func (h *Handler) keepAlive(ctx context.Context, s *stream) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	var done sync.WaitGroup
	done.Go(func() {
		tick := time.NewTicker(h.options.Websocket.PingInterval)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				s.write(":\n\n")
			case <-ctx.Done():
				return
			}
		}
	})

	return func() { cancel(); done.Wait() }
}

// stream is one event stream. Each write has its own deadline: http.Server's WriteTimeout would end
// all streams.
type stream struct {
	cancel  context.CancelCauseFunc
	timeout time.Duration
	control *http.ResponseController

	mu        sync.Mutex
	w         http.ResponseWriter
	completed bool
}

func (s *stream) open() {
	header := s.w.Header()
	header.Set("Content-Type", mediaEvents+"; charset=utf-8")
	header.Set("X-Accel-Buffering", "no") // nginx would gather events into blocks
	s.w.WriteHeader(http.StatusOK)
	s.write(":\n\n") // a first byte, so that the client knows that it is open
}

func (s *stream) send(resp *graphql.Response, ran bool) {
	body, err := encode(resp, ran)
	if err != nil {
		panic(err)
	}

	s.write("event: next\ndata: " + string(body) + "\n\n")
}

// complete has a data line, without which EventSource drops the event.
func (s *stream) complete() {
	s.completed = true
	s.write("event: complete\ndata:\n\n")
}

func (s *stream) write(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	_ = s.control.SetWriteDeadline(time.Now().Add(s.timeout))
	_, err := s.w.Write([]byte(text))
	if err == nil {
		err = s.control.Flush()
	}

	_ = s.control.SetWriteDeadline(time.Time{})
	if err != nil {
		s.cancel(err)
	}
}

func (s *stream) close(int, string) { s.cancel(errClosed) }
func (s *stream) evict()            { s.cancel(errClosed) }
func (s *stream) kill()             { s.cancel(errClosed) }
