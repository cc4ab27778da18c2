package identity_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"carillon/caller"
	"carillon/database"
	"carillon/database/dbtest"
	"carillon/ent"
	"carillon/ent/enum"
	"carillon/ent/member"
	"carillon/identity"
	"carillon/ratelimit"
)

// twoBounded gives two services, as of two processes, on each database.
func twoBounded(t *testing.T, o identity.Options, test func(t *testing.T, s, other *stage)) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) { test(t, stand(t, db, o), stand(t, db, o)) })
}

// exceeds reports whether err is LIMIT_EXCEEDED at that field, and names the number.
func exceeds(t *testing.T, err error, field string, most int) bool {
	t.Helper()
	return err != nil && slices.Equal(codes(t, err), []string{field + ":LIMIT_EXCEEDED"}) &&
		strings.Contains(err.Error(), fmt.Sprintf("at most %d ", most))
}

func TestAnOrganizationHasAtMostSoManyMembersHoweverManyJoinAtOnce(t *testing.T) {
	twoBounded(t, identity.Options{Bounds: identity.Bounds{Members: 3}}, func(t *testing.T, s, other *stage) {
		owner := s.enter(s.signUp(email))
		var tokens []string
		for i := range 4 {
			token, _, err := s.InviteMember(owner.ctx, fmt.Sprintf("guest%d@example.com", i), enum.RoleViewer)
			if err != nil {
				t.Fatal(err)
			}

			tokens = append(tokens, token)
		}

		refused := make(chan string, len(tokens))
		var all sync.WaitGroup

		for i, token := range tokens {
			all.Go(func() {
				if _, err := []*stage{s, other}[i%2].AcceptInvitation(t.Context(), guest(token)); err != nil {
					if !exceeds(t, err, "", 3) {
						t.Errorf("the guest got %v", err)
					}

					refused <- token
				}
			})
		}

		all.Wait()
		members := s.db.Client.Member.Query().Where(member.OrganizationID(owner.Viewer.Organization))
		if n := members.Clone().CountX(caller.System(t.Context())); n != 3 || len(refused) != 2 {
			t.Fatalf("%d members, %d were refused", n, len(refused))
		}
		if _, _, err := s.InviteMember(owner.ctx, "late@example.com", enum.RoleViewer); !exceeds(t, err, "", 3) {
			t.Errorf("one more invitation gave %v", err)
		}

		_, err := other.AddUser(t.Context(), identity.NewUser{Email: "late@example.com", Role: enum.RoleViewer,
			Organization: owner.Viewer.Organization.String()})
		if !exceeds(t, err, "", 3) {
			t.Errorf("the operator's user gave %v", err)
		}

		// The invitation is still good once there is room.
		leaves := members.Where(member.RoleEQ(enum.RoleViewer)).FirstX(caller.System(t.Context()))
		if _, err := s.RemoveMember(owner.ctx, identity.MemberChange{ID: leaves.ID}); err != nil {
			t.Fatal(err)
		}
		if _, err := other.AcceptInvitation(t.Context(), guest(<-refused)); err != nil {
			t.Error(err)
		}
	})
}

func TestAUserBelongsToAtMostSoManyOrganizationsHoweverManyAreMadeAtOnce(t *testing.T) {
	twoBounded(t, identity.Options{Bounds: identity.Bounds{Memberships: 3}}, func(t *testing.T, s, other *stage) {
		ann, host := s.enter(s.signUp(email)), s.enter(s.signUp("host@example.com"))
		token, _, err := s.InviteMember(host.ctx, email, enum.RoleViewer)
		if err != nil {
			t.Fatal(err)
		}

		var made atomic.Int32
		var all sync.WaitGroup

		for i := range 5 {
			all.Go(func() {
				_, err := []*stage{s, other}[i%2].CreateOrganization(ann.ctx, fmt.Sprint("Shop ", i),
					identity.DefaultTerms().Version)
				if err == nil {
					made.Add(1)
				} else if !exceeds(t, err, "", 3) {
					t.Errorf("one more gave %v", err)
				}
			})
		}

		all.Wait()
		belongs, err := s.Memberships(ann.ctx)
		if err != nil || made.Load() != 2 || len(belongs) != 3 {
			t.Errorf("%d were made, the user belongs to %d: %v", made.Load(), len(belongs), err)
		}

		_, err = other.AcceptInvitation(ann.ctx, identity.AcceptInvitation{Token: token,
			AcceptTermsVersion: identity.DefaultTerms().Version})
		if !exceeds(t, err, "", 3) {
			t.Errorf("joining one more gave %v", err)
		}
	})
}

func TestTheListOfAPIKeysForgetsTheOldestThatAreOver(t *testing.T) {
	o := identity.Options{Bounds: identity.Bounds{Keys: 2, ListedKeys: 4, Invitations: 1}}
	twoBounded(t, o, func(t *testing.T, s, other *stage) {
		owner := s.enter(s.signUp(email))
		make := func(name string) error {
			_, _, err := other.CreateAPIKey(owner.ctx, identity.NewAPIKey{Name: name, Role: enum.RoleViewer})
			return err
		}

		listed := func() (names []string) {
			for _, k := range s.db.Client.APIKey.Query().Order(ent.Asc("id")).AllX(owner.ctx) {
				names = append(names, k.Name)
			}

			return names
		}

		for i := range 6 {
			name := fmt.Sprint("over ", i)
			if err := make(name); err != nil {
				t.Fatal(err)
			}

			k := s.db.Client.APIKey.Query().Order(ent.Desc("id")).FirstX(owner.ctx)
			if _, _, err := s.RevokeAPIKey(owner.ctx, k.ID); err != nil {
				t.Fatal(err)
			}
		}

		if got := listed(); !slices.Equal(got, []string{"over 2", "over 3", "over 4", "over 5"}) {
			t.Errorf("%q are listed", got)
		}

		for _, name := range []string{"good 1", "good 2"} {
			if err := make(name); err != nil {
				t.Fatal(err)
			}
		}

		if err := make("good 3"); !exceeds(t, err, "", 2) {
			t.Errorf("one more gave %v", err)
		}
		if got := listed(); !slices.Equal(got, []string{"over 4", "over 5", "good 1", "good 2"}) {
			t.Errorf("%q are listed", got)
		}

		if _, _, err := s.InviteMember(owner.ctx, "a@example.com", enum.RoleViewer); err != nil {
			t.Fatal(err)
		}
		if _, _, err := other.InviteMember(owner.ctx, "b@example.com", enum.RoleViewer); !exceeds(t, err, "", 1) {
			t.Errorf("one more invitation gave %v", err)
		}
	})
}

func TestIdempotencyKeysAreCountedOverAllProcesses(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		client, prefix := dbtest.Redis(t)
		limit := func(key string) ratelimit.Limit {
			if strings.HasPrefix(key, "remember:") {
				return ratelimit.Limit{Tries: 3, Span: time.Hour}
			}
			return ratelimit.Limit{Tries: 1000, Span: time.Hour}
		}

		process := func() *stage {
			return stand(t, db, identity.Options{Limiter: ratelimit.New(client, prefix, limit, quiet)})
		}

		s, other := process(), process()
		ctx, another := s.call(s.signUp(email).Token), s.call(s.signUp("bob@example.com").Token)
		var good sync.Map
		var all sync.WaitGroup

		for i := range 6 {
			all.Go(func() {
				key := fmt.Sprint("key ", i)
				id, _, err := []*stage{s, other}[i%2].once(ctx, key, "input")
				if err == nil {
					good.Store(key, id)
				} else if !exceeds(t, err, "idempotencyKey", identity.MostRemembered) {
					t.Errorf("one more gave %v", err)
				}
			})
		}

		all.Wait()
		n := 0

		good.Range(func(key, id any) bool {
			n++
			if again, replayed, err := other.once(ctx, key.(string), "input"); again != id || !replayed || err != nil {
				t.Errorf("%v again: %v, %t, %v", key, again, replayed, err)
			}

			return true
		})

		if n != 3 || s.lists() != 3 {
			t.Errorf("%d were made, there are %d lists", n, s.lists())
		}
		if _, _, err := s.once(another, "key", "input"); err != nil {
			t.Errorf("another organization: %v", err)
		}
	})
}
