package account_test

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"carillon/account"
	"carillon/ent"
	"carillon/uid"
	"carillon/usererror"
	"carillon/whatsapp/sandbox"
)

// read is one number's profile.
func (s *stage) read(ctx context.Context, n *ent.PhoneNumber) account.Read {
	s.t.Helper()
	found, err := s.Profiles(ctx, []uid.ID{n.ID})
	if err != nil {
		s.t.Fatal(err)
	}

	return found[n.ID]
}

// counted has a call counted before it is answered.
func (s *stage) counted(call string) *atomic.Int64 {
	calls := new(atomic.Int64)
	s.breaks(call, func(w http.ResponseWriter, r *http.Request) {
		calls.Add(1)
		s.sandbox.ServeHTTP(w, r)
	})

	return calls
}

func of[T any](v T) *T { return &v }

func TestAProfileIsChangedAndReadBack(t *testing.T) {
	each(t, func(s *stage) {
		ctx, a := s.connected()
		n := a.QueryPhoneNumbers().OnlyX(ctx)
		if got := s.read(ctx, n); got.Err != nil || got.Profile.About != "Lucky Shrub" {
			s.t.Fatalf("it begins as %+v", got)
		}

		_, err := s.UpdateProfile(ctx, n.ID, account.Profile{About: of("Open until six"), Address: of("1 Main St"),
			Description: of("Plants"), Email: of("shop@example.com"), Websites: []string{"https://example.com"},
			Vertical: of("RETAIL"), PictureHandle: of("4::aW1hZ2U=:ARx\n4::more")})
		if err != nil {
			s.t.Fatal(err)
		}

		got := s.read(ctx, n).Profile
		if got.About != "Open until six" || got.Address != "1 Main St" || got.Description != "Plants" ||
			got.Email != "shop@example.com" || !slices.Equal(got.Websites, []string{"https://example.com"}) ||
			got.Vertical != "RETAIL" || got.PictureURL == "" {
			s.t.Errorf("it reads %+v", got)
		}

		// What is left out stays, and what is empty goes.
		if _, err := s.UpdateProfile(ctx, n.ID, account.Profile{Address: of(""), Websites: []string{}}); err != nil {
			s.t.Fatal(err)
		}
		if got := s.read(ctx, n).Profile; got.Address != "" || len(got.Websites) != 0 || got.Description != "Plants" {
			s.t.Errorf("then it reads %+v", got)
		}
	})
}

func TestEachFieldOfAProfileIsCheckedBeforeWhatsAppIsAsked(t *testing.T) {
	t.Parallel()
	s := onSQLite(t)
	ctx, a := s.connected()
	n := a.QueryPhoneNumbers().OnlyX(ctx)
	s.breaks("POST whatsapp_business_profile", func(http.ResponseWriter, *http.Request) { t.Error("WhatsApp was asked") })
	long := func(n int) *string { return of(strings.Repeat("é", n)) }
	for name, tc := range map[string]struct {
		change account.Profile
		want   []string
	}{
		"nothing":            {account.Profile{}, []string{":REQUIRED"}},
		"an empty about":     {account.Profile{About: of(" ")}, []string{"about:TOO_SHORT"}},
		"a long about":       {account.Profile{About: long(140)}, []string{"about:TOO_LONG"}},
		"a long address":     {account.Profile{Address: long(257)}, []string{"address:TOO_LONG"}},
		"a long description": {account.Profile{Description: long(513)}, []string{"description:TOO_LONG"}},
		"a long address to write": {account.Profile{Email: of(strings.Repeat("a", 120) + "@example.com")},
			[]string{"email:TOO_LONG"}},
		"no address to write":       {account.Profile{Email: of("Shop <shop@example.com>")}, []string{"email:INVALID"}},
		"another trade":             {account.Profile{Vertical: of("PIRACY")}, []string{"vertical:INVALID"}},
		"no trade":                  {account.Profile{Vertical: of("")}, []string{"vertical:INVALID"}},
		"an about that nobody sees": {account.Profile{About: of("\u200b")}, []string{"about:TOO_SHORT"}},
		"a picture's link": {account.Profile{PictureHandle: of("https://example.com/a.png")},
			[]string{"pictureHandle:INVALID"}},
		"a picture's media id": {account.Profile{PictureHandle: of("1037543291543636")},
			[]string{"pictureHandle:INVALID"}},
		"a film": {account.Profile{PictureHandle: of("4::dmlkZW8vbXA0:ARx")}, []string{"pictureHandle:INVALID"}},
		"a page of text": {account.Profile{PictureHandle: of("4::YXBwbGljYXRpb24vcGRm:ARx")},
			[]string{"pictureHandle:INVALID"}},
		"no handle": {account.Profile{PictureHandle: of("")}, []string{"pictureHandle:TOO_SHORT"}},
		"three pages": {account.Profile{Websites: []string{"https://a.b", "https://a.b", "https://a.b"}},
			[]string{"websites:LIMIT_EXCEEDED"}},
		"pages that are none": {account.Profile{Websites: []string{"example.com", "ftp://a.b"}},
			[]string{"websites.0:INVALID", "websites.1:INVALID"}},
		"a long page": {account.Profile{Websites: []string{"https://a.b/" + *long(256)}}, []string{"websites.0:TOO_LONG"}},
		"everything at once": {account.Profile{About: of(""), Email: of("a"), Vertical: of("x")},
			[]string{"about:TOO_SHORT", "email:INVALID", "vertical:INVALID"}},
	} {
		_, err := s.UpdateProfile(ctx, n.ID, tc.change)
		if got := codes(t, err); !slices.Equal(got, tc.want) {
			t.Errorf("%s: got %v, want %v", name, got, tc.want)
		}
	}
}

func TestAProfileIsReadOnceInAWhile(t *testing.T) {
	t.Parallel()
	s := onSQLite(t)
	ctx, a := s.connected()
	n := a.QueryPhoneNumbers().OnlyX(ctx)
	calls := s.counted("GET whatsapp_business_profile")
	for range 3 {
		s.read(ctx, n)
	}

	if got := calls.Load(); got != 1 {
		t.Errorf("it was read %d times", got)
	}
	if _, err := s.UpdateProfile(ctx, n.ID, account.Profile{About: of("New")}); err != nil {
		t.Fatal(err)
	}
	if got := s.read(ctx, n); got.Profile.About != "New" || calls.Load() != 2 {
		t.Errorf("after a change it reads %+v, read %d times", got.Profile, calls.Load())
	}

	s.advance(5 * time.Minute)
	if s.read(ctx, n); calls.Load() != 3 {
		t.Errorf("five minutes later it was read %d times", calls.Load())
	}
}

func TestAProfileThatCannotBeReadIsAnErrorOfItsOwn(t *testing.T) {
	t.Parallel()
	s := onSQLite(t)
	s.sandbox.AddAccount(sandbox.AccountSpec{WABAID: waba, Numbers: []sandbox.NumberSpec{
		{ID: "7", DisplayNumber: "+1 555-078-3882", VerifiedName: "Other"}}})
	ctx, a := s.connected()
	numbers := a.QueryPhoneNumbers().AllX(ctx)
	broken := atomic.Bool{}
	broken.Store(true)
	s.breaks("GET whatsapp_business_profile", func(w http.ResponseWriter, r *http.Request) {
		if broken.Load() && strings.Contains(r.URL.Path, "/7/") {
			says(http.StatusBadGateway, "<html>")(w, r)
			return
		}

		s.sandbox.ServeHTTP(w, r)
	})

	found, err := s.Profiles(ctx, []uid.ID{numbers[0].ID, numbers[1].ID})
	if err != nil {
		t.Fatal(err)
	}

	for _, n := range numbers {
		read := found[n.ID]
		switch {
		case n.MetaID != "7" && (read.Err != nil || read.Profile == nil):
			t.Errorf("another's trouble is this one's: %+v", read)
		case n.MetaID == "7" && (!usererror.Is(read.Err, usererror.Unavailable) || read.Profile != nil):
			t.Errorf("it reads %+v", read)
		case n.MetaID == "7" && !strings.Contains(read.Err.Error(), "business profile"):
			t.Errorf("it says %v", read.Err)
		}
	}

	broken.Store(false)
	s.advance(10 * time.Second)
	for _, n := range numbers {
		if read := s.read(ctx, n); read.Err != nil {
			t.Errorf("ten seconds later: %v", read.Err)
		}
	}
}

func TestNobodySeesAnothersProfileAndADisconnectedAccountHasNone(t *testing.T) {
	each(t, func(s *stage) {
		ctx, a := s.connected()
		n := a.QueryPhoneNumbers().OnlyX(ctx)
		s.read(ctx, n) // which is cached from now on
		if found, err := s.Profiles(s.organization("bob@example.com"), []uid.ID{n.ID}); err != nil || len(found) > 0 {
			s.t.Errorf("another organization reads %v, %v", found, err)
		}
		if _, err := s.Disconnect(ctx, a.ID); err != nil {
			s.t.Fatal(err)
		}
		if got := s.read(ctx, n); got.Profile != nil || got.Err != nil {
			s.t.Errorf("disconnected it reads %+v", got)
		}
	})
}
