package account_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"carillon/account"
	"carillon/ent"
	"carillon/ent/thread"
	"carillon/uid"
	"carillon/usererror"
)

// holder is who holds a conversation, as it is kept.
func (s *stage) holder(address string) string {
	t, err := s.db.Client.Thread.Query().Where(thread.Address(address)).Only(s.system())
	if ent.IsNotFound(err) {
		return "nobody"
	}
	if err != nil {
		s.t.Fatal(err)
	}

	return fmt.Sprint(t.Ours, " ", t.Role)
}

// sign is one of who holds the conversation with Ann.
func (s *stage) sign(n *ent.PhoneNumber, ours bool, role string, after time.Duration) account.Thread {
	return account.Thread{PhoneNumber: n, Address: "+15550002222", Ours: ours, Role: role,
		At: s.now().UTC().Truncate(time.Microsecond).Add(after)}
}

func (s *stage) latest(ctx context.Context, n *ent.PhoneNumber) *ent.PhoneNumber {
	return s.db.Client.PhoneNumber.GetX(ctx, n.ID)
}

func TestTheLatestSignSaysWhoHoldsAConversation(t *testing.T) {
	each(t, func(s *stage) {
		ctx, a := s.connected()
		n := a.QueryPhoneNumbers().OnlyX(ctx)
		for i, step := range []struct {
			sign account.Thread
			want string
		}{
			{s.sign(n, false, "customer_service", 2*time.Second), "false customer_service"},
			{s.sign(n, true, "escalation", time.Second), "false customer_service"}, // told late
			{s.sign(n, true, "escalation", 3*time.Second), "true escalation"},
			{s.sign(n, false, "", 4*time.Second), "false "},
		} {
			if err := s.NoteThread(s.system(), step.sign); err != nil {
				s.t.Fatal(err)
			}
			if got := s.holder("+15550002222"); got != step.want {
				s.t.Errorf("after sign %d it is %q, want %q", i, got, step.want)
			}
		}
	})
}

func TestAMessageOfOursTakesAConversationBack(t *testing.T) {
	each(t, func(s *stage) {
		ctx, a := s.connected()
		n := a.QueryPhoneNumbers().OnlyX(ctx)
		if err := s.NoteReceived(s.system(), s.sign(n, true, "", 0)); err != nil || s.holder("+15550002222") != "nobody" {
			s.t.Errorf("of a number that nobody shares %s is noted, %v", s.holder("+15550002222"), err)
		}
		if err := s.NoteRefused(s.system(), n.ID, "+15550002222", s.now()); err != nil {
			s.t.Fatal(err)
		}
		if got := s.holder("+15550002222"); got != "false " {
			s.t.Errorf("refused, it is %q", got)
		}

		if n = s.latest(ctx, n); !s.Shared(n) {
			s.t.Error("the number is not shared")
		}
		if err := s.NoteReceived(s.system(), s.sign(n, true, "", time.Second)); err != nil {
			s.t.Fatal(err)
		}
		if got := s.holder("+15550002222"); got != "true " {
			s.t.Errorf("received, it is %q", got)
		}
	})
}

func TestANumberIsSharedForAMonthAfterTheLastSign(t *testing.T) {
	each(t, func(s *stage) {
		ctx, a := s.connected()
		n := a.QueryPhoneNumbers().OnlyX(ctx)
		note := func() {
			s.t.Helper()
			sign := s.sign(s.latest(ctx, n), false, "", 0)
			sign.Address = "" // Meta may leave the person out
			if err := s.NoteThread(s.system(), sign); err != nil {
				s.t.Fatal(err)
			}
		}

		if s.Shared(n) {
			s.t.Error("it is shared before any sign")
		}

		note()
		first := *s.latest(ctx, n).SharedAt
		s.advance(time.Hour)
		note()
		if got := *s.latest(ctx, n).SharedAt; !got.Equal(first) {
			s.t.Errorf("a sign an hour later is written: %v", got)
		}

		s.advance(29 * 24 * time.Hour)
		note()
		s.advance(29 * 24 * time.Hour)
		if !s.Shared(s.latest(ctx, n)) {
			s.t.Error("29 days after a sign it is not shared")
		}

		s.advance(2 * 24 * time.Hour)
		if s.Shared(s.latest(ctx, n)) {
			s.t.Error("31 days after the last sign it is shared")
		}
		if got := s.db.Client.Thread.Query().CountX(s.system()); got != 0 {
			s.t.Errorf("%d conversations of nobody", got)
		}
	})
}

func TestAConversationHasNoHolderADayAfterItsLastSign(t *testing.T) {
	each(t, func(s *stage) {
		ctx, a := s.connected()
		n := a.QueryPhoneNumbers().OnlyX(ctx)
		if err := s.NoteThread(s.system(), s.sign(n, false, "ai_agent", 0)); err != nil {
			s.t.Fatal(err)
		}

		for _, step := range []struct {
			after time.Duration
			want  string
		}{{23 * time.Hour, "false ai_agent"}, {time.Hour, "nobody"}} {
			s.advance(step.after)
			if err := s.SweepThreads(s.system()); err != nil {
				s.t.Fatal(err)
			}
			if got := s.holder("+15550002222"); got != step.want {
				s.t.Errorf("after %v more it is %q, want %q", step.after, got, step.want)
			}
		}
	})
}

func TestARefusalOfANumberThatIsGoneIsMissing(t *testing.T) {
	t.Parallel()
	s := onSQLite(t)
	if err := s.NoteRefused(s.system(), uid.New(uid.PhoneNumber), "+15550002222", s.now()); !usererror.Is(err,
		usererror.NotFound) {
		t.Errorf("got %v", err)
	}
}
