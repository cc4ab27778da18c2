package worker_test

import (
	"strings"
	"testing"

	"carillon/database"
	"carillon/database/dbtest"
	"carillon/delivery"
	"carillon/uid"
	"carillon/whatsapp"
	"carillon/whatsapp/sandbox"
)

func TestAttemptsThatDidNotSucceedSayWhatWasAskedAndAnswered(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		s := stand(t, db, sandbox.Options{Throughput: 1000})
		s.work(t, s.process)
		log := delivery.NewLog(db)

		for to, want := range map[string]struct {
			becomes            string
			http, code         int
			again, none, trace bool
		}{
			"+14165550100": {becomes: "READ", none: true},
			"+14165550110": {becomes: "READ", http: 500, code: 131000, again: true, trace: true},
			"+14165550111": {becomes: "READ", http: 429, code: 130429, again: true, trace: true},
			"+14165550104": {becomes: "READ", code: whatsapp.CodeLostAnswer},
			"+14165550130": {becomes: "FAILED 131009", http: 400, code: 131009, trace: true},
		} {
			m := s.becomes(t, s.say(t, s.hello(to)).ID, want.becomes)
			var all []delivery.SendAttempt
			read := func() bool {
				var err error
				if all, err = log.FailedAttempts(s.system, m.OrganizationID, []uid.ID{m.ID}); err != nil {
					t.Fatal(err)
				}

				return len(all) == 1
			}

			if want.none {
				if read(); len(all) != 0 {
					t.Errorf("a message that was taken at once has %+v", all)
				}

				continue
			}

			s.until(t, to+" has one attempt that failed", read) // its receipts may be faster than a lost answer

			a := all[0]
			if a.HTTPStatus != want.http && want.http != 429 || a.Code != want.code || (a.AgainAt != nil) != want.again ||
				(a.TraceID != "") != want.trace || a.Number != 1 || a.Took < 0 || a.At.Before(m.CreatedAt) {
				t.Errorf("%s: %+v", to, a)
			}
			if a.Endpoint != metaNumber+"/messages" || !strings.Contains(a.Request, `"name":"hello"`) ||
				!strings.Contains(a.Request, `"code":"en_US"`) || strings.Count(a.Request, `"type":"text"`) != 1 {
				t.Errorf("%s was asked at %s as %s", to, a.Endpoint, a.Request)
			}

			for _, secret := range []string{to[1:], "Ana", token, m.ID.String()} {
				if strings.Contains(a.Request+a.Detail, secret) {
					t.Errorf("%s: %q is in %s, or in %q", to, secret, a.Request, a.Detail)
				}
			}
		}
	})
}
