package identity_test

import (
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"carillon/identity"
)

var here = identity.Client{IP: "127.0.0.1", UserAgent: "test"}

// offered is the token of a link that was just given out.
func (s *stage) offered() string {
	s.t.Helper()
	base, token, found := strings.Cut(s.OfferLink(" Ann@Example.com"), "/enter#token=")
	if !found || base != "" || !strings.HasPrefix(token, "crl_") {
		s.t.Fatalf("the link is %s, %s", base, token)
	}

	return token
}

func TestALinkSignsInOnceAndOnlyOnThisMachine(t *testing.T) {
	each(t, func(s *stage) {
		org := s.signUp(email).Viewer.Organization
		token := s.offered()
		for _, ip := range []string{"192.0.2.1", "", "::ffff:192.0.2.1", "localhost"} {
			_, err := s.SignInByLink(s.t.Context(), identity.ShowByLink{Token: token, Client: identity.Client{IP: ip}})
			if !slices.Equal(codes(s.t, err), []string{":NOT_ALLOWED"}) {
				s.t.Errorf("from %q: %v", ip, err)
			}
		}

		var in atomic.Int64
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() {
				signed, err := s.SignInByLink(s.t.Context(), identity.ShowByLink{Token: token, Client: here})
				if err == nil && signed.Viewer.Organization == org && signed.Viewer.User.Email == email {
					in.Add(1)
				} else if !slices.Equal(codes(s.t, err), []string{"token:INVALID"}) {
					s.t.Error(err)
				}
			})
		}

		all.Wait()
		if in.Load() != 1 {
			s.t.Errorf("%d of 8 came in by one link", in.Load())
		}
	})
}

func TestALinkEndsWithItsTimeAndWithTheNextOne(t *testing.T) {
	each(t, func(s *stage) {
		s.signUp(email)
		first, second := s.offered(), s.offered()
		s.advance(15*time.Minute - time.Second)
		wrong := []string{first, "", "crl_", second[:len(second)-1], strings.Replace(second, "crl_", "crs_", 1)}
		for _, token := range wrong {
			_, err := s.SignInByLink(s.t.Context(), identity.ShowByLink{Token: token, Client: here})
			if !slices.Equal(codes(s.t, err), []string{"token:INVALID"}) {
				s.t.Errorf("%s: %v", token, err)
			}
		}

		s.advance(time.Second)
		if _, err := s.SignInByLink(s.t.Context(), identity.ShowByLink{Token: second, Client: here}); !slices.Equal(
			codes(s.t, err), []string{"token:INVALID"}) {
			s.t.Errorf("after its time: %v", err)
		}
	})
}

func TestALinkDoesNotStandInForASecondFactor(t *testing.T) {
	eachKeyed(t, func(s *stage) {
		ann := s.enter(s.signUp(email))
		app, token := s.enroll(ann.ctx), s.offered()
		for code, want := range map[string]string{"": "code:REQUIRED", "000000": "code:INVALID"} {
			_, err := s.SignInByLink(s.t.Context(), identity.ShowByLink{Token: token, Code: code, Client: here})
			if !slices.Equal(codes(s.t, err), []string{want}) {
				s.t.Errorf("code %q: %v", code, err)
			}
		}

		signed, err := s.SignInByLink(s.t.Context(),
			identity.ShowByLink{Token: token, Code: app.code(0), Client: here})
		if err != nil || signed.Viewer.User.Email != email {
			s.t.Errorf("with the right code: %v", err)
		}
	})
}

func TestNobodyWithoutAnOpenOrganizationComesInByALink(t *testing.T) {
	each(t, func(s *stage) {
		for range 2 {
			_, err := s.SignInByLink(s.t.Context(), identity.ShowByLink{Token: s.offered(), Client: here})
			if !slices.Equal(codes(s.t, err), []string{"token:INVALID"}) { // nobody has the address
				s.t.Error(err)
			}
		}
	})
}
