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

// answer makes one of so many bytes.
func answer(ctx context.Context, q *queue, size int) {
	if q.turn(ctx, true, size) {
		q.made(true, size, size)
	}
}

func TestQueue(t *testing.T) {
	t.Parallel()
	for name, check := range map[string]func(*testing.T, context.Context, *queue){
		"lets results in while there is room": func(t *testing.T, ctx context.Context, q *queue) {
			answer(ctx, q, 40)
			answer(ctx, q, 40)
			if !q.wait(ctx) {
				t.Error("a question waits")
			}
		},
		"has results wait for frames": func(t *testing.T, ctx context.Context, q *queue) {
			for range 4 {
				answer(ctx, q, 1)
				q.push("a", []byte("x"), true)
			}

			result, question := waits(func() { answer(ctx, q, 1) }), waits(func() { q.wait(ctx) })
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
			answer(ctx, q, 60)
			result := waits(func() { answer(ctx, q, 60) })
			if !result() {
				t.Fatal("it does not wait")
			}

			q.push("a", nil, true)
			if result() {
				t.Error("it waits for what never came")
			}
		},
		"lets a result in that is larger than itself": func(t *testing.T, ctx context.Context, q *queue) {
			if waits(func() { answer(ctx, q, 1000) })() {
				t.Error("it waits")
			}
		},
		"lets all in when the end has come": func(t *testing.T, ctx context.Context, q *queue) {
			ctx, cancel := context.WithCancel(ctx)
			answer(ctx, q, 1000)
			result, question := waits(func() { answer(ctx, q, 1) }), waits(func() { q.wait(ctx) })
			if !result() || !question() {
				t.Fatal("one does not wait")
			}

			cancel()
			if result() || question() {
				t.Error("one still waits")
			}
		},
		"keeps ends of operations in line": func(t *testing.T, ctx context.Context, q *queue) {
			answer(ctx, q, 1000)
			q.push("a", []byte("next"), true)
			q.push("a", []byte("complete"), false) // which needs no room

			for _, wanted := range []string{"next", "complete", ""} {
				if frame, _ := q.take(); string(frame) != wanted {
					t.Errorf("%q, not %q", frame, wanted)
				}
			}
		},
		"lets few answers be made at a time": func(t *testing.T, ctx context.Context, q *queue) {
			q.maxFrames, q.maxBytes = 100, 1000
			for range mostQuestions {
				q.turn(ctx, false, 1)
			}

			question := waits(func() { q.turn(ctx, false, 1) })
			if waits(func() { q.turn(ctx, true, 1) })() || !question() {
				t.Fatal("questions hold up an event, or are not held up themselves")
			}

			event := waits(func() { q.turn(ctx, true, 1) })
			if !event() {
				t.Fatal("there is no end to events")
			}

			q.made(true, 1, 1)
			q.push("a", []byte("next"), true)
			q.take()
			if event() || !question() {
				t.Error("the event waits still, or the question does not")
			}
		},
		"has its bytes paid for": func(t *testing.T, ctx context.Context, q *queue) {
			b := newBudget(200)
			other := b.of("other")
			q.pays(b.of("owner"))
			q.push("", make([]byte, 10), false)
			answer(ctx, q, 20)
			other.force(170)
			late := waits(func() { answer(ctx, q, 30) })
			if used := b.used.Load(); used != 200 || !late() {
				t.Fatalf("%d are in use", used)
			}

			other.force(-170)
			if still := late(); still || b.used.Load() != 60 {
				t.Fatalf("%d are in use", b.used.Load())
			}

			q.push("a", make([]byte, 25), true)
			q.push("b", make([]byte, 35), true)
			q.drop("b")
			_, written := q.take()
			written()
			if used := b.used.Load(); used != 25 {
				t.Errorf("%d are in use", used)
			}

			q.end()
			if used := b.used.Load(); used != 0 {
				t.Errorf("%d are in use after the end", used)
			}
		},
		"lets pings overtake, up to a number": func(t *testing.T, _ context.Context, q *queue) {
			q.push("a", []byte("next"), false)
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
				answer(ctx, q, 10)
				q.push(operation, []byte(operation), true)
			}

			result := waits(func() { answer(ctx, q, 1) })
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
				answer(ctx, q, 10)
			}

			for range 3 {
				q.push("a", make([]byte, 25), true)
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
