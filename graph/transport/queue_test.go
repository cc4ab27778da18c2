package transport

import (
	"context"
	"testing"
	"testing/synctest"
)

// waits reports whether f is still waiting once everything has come to rest.
func waits(f func()) (still func() bool) {
	done := make(chan struct{})
	go func() { f(); close(done) }()
	return func() bool {
		synctest.Wait()
		select {
		case <-done:
			return false
		default:
			return true
		}
	}
}

func TestQueue(t *testing.T) {
	t.Parallel()
	for name, check := range map[string]func(*testing.T, context.Context, *queue){
		"lets results in while there is room": func(t *testing.T, ctx context.Context, q *queue) {
			q.reserve(ctx, 40)
			q.reserve(ctx, 40)
			if !q.wait(ctx) {
				t.Error("a question waits")
			}
		},
		"has results wait for frames": func(t *testing.T, ctx context.Context, q *queue) {
			for range 4 {
				q.reserve(ctx, 1)
				q.settle()
				q.push("a", []byte("x"))
			}
			result, question := waits(func() { q.reserve(ctx, 1) }), waits(func() { q.wait(ctx) })
			if !result() || !question() {
				t.Fatal("one does not wait")
			}
			_, written := q.take()
			if !result() {
				t.Fatal("a frame on its way has left")
			}
			written()
			if result() {
				t.Error("the result still waits")
			}
		},
		"has results wait for bytes": func(t *testing.T, ctx context.Context, q *queue) {
			q.reserve(ctx, 60)
			result := waits(func() { q.reserve(ctx, 60) })
			if !result() {
				t.Fatal("it does not wait")
			}
			q.settle()
			if result() {
				t.Error("it waits for what never came")
			}
		},
		"lets a result in that is larger than itself": func(t *testing.T, ctx context.Context, q *queue) {
			if waits(func() { q.reserve(ctx, 1000) })() {
				t.Error("it waits")
			}
		},
		"lets all in when the end has come": func(t *testing.T, ctx context.Context, q *queue) {
			ctx, cancel := context.WithCancel(ctx)
			q.reserve(ctx, 1000)
			result, question := waits(func() { q.reserve(ctx, 1) }), waits(func() { q.wait(ctx) })
			if !result() || !question() {
				t.Fatal("one does not wait")
			}
			cancel()
			if result() || question() {
				t.Error("one still waits")
			}
		},
		"keeps ends of operations in line": func(t *testing.T, ctx context.Context, q *queue) {
			q.reserve(ctx, 1000)
			q.settle()
			q.push("a", []byte("next"))
			q.push("a", []byte("complete")) // which needs no room
			for _, wanted := range []string{"next", "complete", ""} {
				if frame, _ := q.take(); string(frame) != wanted {
					t.Errorf("%q, not %q", frame, wanted)
				}
			}
		},
		"lets pings overtake, up to a number": func(t *testing.T, _ context.Context, q *queue) {
			q.push("a", []byte("next"))
			for range 4 {
				if !q.pushControl([]byte("ping")) {
					t.Error("no room")
				}
			}
			if q.pushControl([]byte("ping")) {
				t.Error("room without end")
			}
			if frame, _ := q.take(); string(frame) != "ping" {
				t.Errorf("%q", frame)
			}
		},
		"forgets an operation that is over": func(t *testing.T, ctx context.Context, q *queue) {
			for _, operation := range []string{"a", "b", "a", "a"} {
				q.reserve(ctx, 10)
				q.settle()
				q.push(operation, []byte(operation))
			}
			result := waits(func() { q.reserve(ctx, 1) })
			if !result() {
				t.Fatal("it does not wait")
			}
			q.drop("a")
			if frame, _ := q.take(); string(frame) != "b" || result() {
				t.Errorf("%q first", frame)
			}
			if frame, _ := q.take(); frame != nil {
				t.Errorf("%q left", frame)
			}
		},
		"is empty again when all has left": func(t *testing.T, ctx context.Context, q *queue) {
			for range 3 {
				q.reserve(ctx, 10)
			}
			for range 3 {
				q.settle()
				q.push("a", make([]byte, 25))
			}
			for frame, written := q.take(); frame != nil; frame, written = q.take() {
				written()
			}
			if q.bytes != 0 || q.slots != 0 || len(q.reserved) != 0 {
				t.Errorf("%d bytes, %d slots, %v reserved", q.bytes, q.slots, q.reserved)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { check(t, t.Context(), newQueue(4, 100)) })
		})
	}
}
