package transport

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
)

func TestBudget(t *testing.T) {
	t.Parallel()
	for name, check := range map[string]func(*testing.T, *budget){
		"gives one holder half": func(t *testing.T, b *budget) {
			one := b.of("one")
			if one.try(50) != nil || one.try(1) != errOwnInUse {
				t.Error("it does not get half, or more")
			}
		},
		"leaves something for whoever comes": func(t *testing.T, b *budget) {
			for i := range 4 {
				h := b.of(i)
				for h.try(1) == nil {
				}
			}

			if b.of("late").try(1) != nil {
				t.Errorf("nothing is left of %d: %d are in use", b.most, b.used.Load())
			}
		},
		"never gives more than there is": func(t *testing.T, b *budget) {
			for i := range 1000 {
				h := b.of(i)
				for h.try(3) == nil {
				}
			}

			if used := b.used.Load(); used > b.most {
				t.Errorf("%d of %d", used, b.most)
			}
			if err := b.of("late").try(60); err != errAllInUse {
				t.Errorf("%v", err)
			}
		},
		"forgets who has left": func(t *testing.T, b *budget) {
			for i := range 100 {
				h := b.of(i % 2)
				h.force(3)
				defer func() {
					h.force(-3)
					if h.done(); i == 0 && (len(b.holders) != 0 || b.used.Load() != 0) {
						t.Errorf("%d holders, %d in use", len(b.holders), b.used.Load())
					}
				}()
			}
		},
		"has takers wait until there is room": func(t *testing.T, b *budget) {
			one, two := b.of("one"), b.of("two")
			one.force(100)
			took := waits(func() { _ = two.take(context.Background(), 10) })
			if !took() {
				t.Fatal("it does not wait")
			}

			one.give(30)
			if took() {
				t.Error("it waits for ever")
			}
		},
		"lets takers leave": func(t *testing.T, b *budget) {
			b.of("one").force(100)
			ctx, cancel := context.WithCancel(context.Background())
			took := waits(func() { _ = b.of("two").take(ctx, 10) })
			if !took() {
				t.Fatal("it does not wait")
			}

			cancel()
			if took() || b.waiting.Load() != 0 || b.waiters.Len() != 0 || b.used.Load() != 100 {
				t.Errorf("%d wait, %d in use", b.waiting.Load(), b.used.Load())
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { check(t, newBudget(100)) })
		})
	}
}

func TestBudgetUnderManyAtOnce(t *testing.T) {
	t.Parallel()
	b := newBudget(50)
	var all sync.WaitGroup

	for i := range 20 {
		all.Go(func() {
			h := b.of(i % 5)
			defer h.done()
			for range 500 {
				if h.take(t.Context(), 3) != nil {
					return
				}

				h.give(3)
			}
		})
	}

	all.Wait()
	if b.used.Load() != 0 || len(b.holders) != 0 || b.waiting.Load() != 0 {
		t.Errorf("%d in use, %d holders, %d wait", b.used.Load(), len(b.holders), b.waiting.Load())
	}
}

func TestShares(t *testing.T) {
	t.Parallel()
	s := newShares[int](1000)
	for i := range 8 {
		s.add("customer", fmt.Sprint("c", i), i, 10)
	}

	for i := range 10_000 {
		s.add("stranger", fmt.Sprint("s", i), i, 100)
	}

	for i := range 8 {
		if _, ok := s.get(fmt.Sprint("c", i)); !ok {
			t.Errorf("the stranger pushed out c%d", i)
		}
	}

	if s.size() > 1000 || s.size() < 900 {
		t.Errorf("%d of 1000 bytes", s.size())
	}

	s.get("s9991")
	for i := range 3 {
		s.add("stranger", fmt.Sprint("t", i), i, 100)
	}

	if _, ok := s.get("s9991"); !ok {
		t.Error("what was just used went before what was not")
	}

	s.add("stranger", "large", 1, 126)
	if _, ok := s.get("large"); ok {
		t.Error("more than an eighth was taken")
	}
}
