package identity_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"carillon/caller"
	"carillon/database"
	"carillon/database/dbtest"
	"carillon/ent"
	"carillon/ent/enum"
	"carillon/ent/session"
	"carillon/identity"
	"carillon/uid"
)

func TestAUserHasAtMostAHundredSessionsAndTheLeastUsedEnd(t *testing.T) {
	each(t, func(s *stage) {
		system := caller.System(s.t.Context())
		first := s.signUp(email)
		signIn := func() string {
			s.advance(time.Second)
			signed, err := s.SignIn(s.t.Context(), identity.SignIn{Email: email, Password: password})
			if err != nil {
				s.t.Fatal(err)
			}

			return signed.Token
		}

		second := signIn()
		s.fill(first.Viewer.User.ID, first.Viewer.Organization, identity.MostSessions-2)
		s.call(second)
		s.call(first.Token)

		signIn()
		s.refused(first.Token) // it was used before all others
		s.call(second)
		if n := s.db.Client.Session.Query().CountX(system); n != identity.MostSessions {
			s.t.Errorf("%d sessions", n)
		}

		// Opening another one does not end the one that opens it, whatever its age.
		switched, err := s.SwitchOrganization(s.call(second), first.Viewer.Organization)
		if err != nil {
			s.t.Fatal(err)
		}

		s.call(switched.Token)
		s.call(second)
		if n := s.db.Client.Session.Query().CountX(system); n != identity.MostSessions {
			s.t.Errorf("%d sessions after one opened another", n)
		}

		// Those that are over go first.
		s.db.Client.Session.Update().Where(session.IDNEQ(switched.Viewer.Session.ID)).SetRevokedAt(s.now()).ExecX(system)
		signIn()
		s.call(switched.Token)
		if n := s.db.Client.Session.Query().CountX(system); n != 2 {
			s.t.Errorf("%d sessions after all others were over", n)
		}
	})
}

// fill gives a user sessions that are used from now on, one a second.
func (s *stage) fill(userID, organization uid.ID, count int) {
	system := caller.System(s.t.Context())
	var rows []*ent.SessionCreate
	for range count {
		s.advance(time.Second)
		id := uid.New(uid.Session)
		rows = append(rows, s.db.Client.Session.Create().SetID(id).SetUserID(userID).SetOrganizationID(organization).
			SetTokenHash(id[:]).
			SetLastUsedAt(s.now()).SetExpiresAt(s.now().Add(time.Hour)))
	}

	s.db.Client.Session.CreateBulk(rows...).ExecX(system)
}

func TestAnOrganizationHasAtMostTwoHundredGoodKeysAndOldOnesAreForgotten(t *testing.T) {
	each(t, func(s *stage) {
		system, signed := caller.System(s.t.Context()), s.signUp(email)
		ctx := s.call(signed.Token)
		var rows []*ent.APIKeyCreate

		for range identity.MostKeys - 1 {
			id := uid.New(uid.APIKey)
			rows = append(rows, s.db.Client.APIKey.Create().SetID(id).SetOrganizationID(signed.Viewer.Organization).
				SetName("k").SetRole(enum.RoleViewer).SetPrefix("cak_").SetSecretHash(id[:]))
		}

		s.db.Client.APIKey.CreateBulk(rows...).ExecX(system)
		soon := s.now().Add(time.Hour)
		make := func() (*ent.APIKey, error) {
			key, _, err := s.CreateAPIKey(ctx, identity.NewAPIKey{Name: "k", Role: enum.RoleViewer, ExpiresAt: &soon})
			return key, err
		}

		last, err := make()
		if err != nil {
			s.t.Fatal(err)
		}
		if _, err := make(); !slices.Equal(codes(s.t, err), []string{":LIMIT_EXCEEDED"}) {
			s.t.Errorf("one more gave %v", err)
		}
		if _, _, err := s.RevokeAPIKey(ctx, last.ID); err != nil {
			s.t.Fatal(err)
		}
		if _, err := make(); err != nil { // and expires in an hour
			s.t.Error(err)
		}

		left := func(when string, want int) {
			s.t.Helper()
			if err := s.Sweep(s.t.Context()); err != nil {
				s.t.Fatal(err)
			}
			if n := s.db.Client.APIKey.Query().CountX(system); n != want {
				s.t.Errorf("%s: %d keys", when, n)
			}
		}

		const kept = 90 * 24 * time.Hour
		s.advance(kept)
		left("90 days after the revocation", identity.MostKeys+1)
		s.advance(time.Minute)
		left("a little later", identity.MostKeys)
		s.advance(time.Hour)
		left("after the other has expired as long ago", identity.MostKeys-1)
	})
}

func TestSessionsThatMakeRoomAreAnnouncedToOtherProcesses(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		var announced []uid.ID
		s := stand(t, db, identity.Options{Announce: func(_ context.Context, ended uid.ID) {
			announced = append(announced, ended)
		}})
		first := s.signUp(email)
		s.fill(first.Viewer.User.ID, first.Viewer.Organization, identity.MostSessions-1)
		if len(announced) > 0 {
			t.Errorf("%v before there are too many", announced)
		}
		if _, err := s.SignIn(t.Context(), identity.SignIn{Email: email, Password: password}); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(announced, []uid.ID{first.Viewer.Session.ID}) {
			t.Errorf("announced %v, want %v", announced, first.Viewer.Session.ID)
		}
	})
}

func TestAnInvitationOfAKeyEndsWithTheKey(t *testing.T) {
	each(t, func(s *stage) {
		owner, soon := s.call(s.signUp(email).Token), s.now().Add(time.Hour)
		_, secret, err := s.CreateAPIKey(owner, identity.NewAPIKey{Name: "k", Role: enum.RoleAdmin, ExpiresAt: &soon})
		if err != nil {
			s.t.Fatal(err)
		}

		_, ends, err := s.InviteMember(s.call(secret), "bob@example.com", enum.RoleAdmin)
		if err != nil || !ends.Equal(soon) {
			s.t.Errorf("the invitation ends at %v, the key at %v: %v", ends, soon, err)
		}

		s.advance(time.Hour)
		if open, err := s.Invitations(owner); len(open) != 0 || err != nil {
			s.t.Errorf("%d are open, %v", len(open), err)
		}
	})
}
