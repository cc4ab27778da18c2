package delivery_test

import (
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"carillon/database"
	"carillon/database/dbtest"
	"carillon/delivery"
	"carillon/ent"
	"carillon/ent/enum"
	"carillon/ent/jsonfield"
	"carillon/ent/message"
	"carillon/uid"
)

func quiet(start, end, zone string) *delivery.QuietHours {
	policy := jsonfield.DefaultSendingPolicy()
	policy.QuietHours = &jsonfield.QuietHours{Start: start, End: end}

	return delivery.QuietHoursOf(&ent.Organization{TimeZone: zone, SendingPolicy: policy})
}

// Held against the clocks themselves, minute by minute, around both changes of daylight saving in
// five zones: quiet hours over midnight, by day, and such as begin or end within the hour that is
// passed over or shown twice.
func TestQuietHoursEndWhenClocksShowSoAcrossDaylightSaving(t *testing.T) {
	t.Parallel()
	for name, days := range map[string][]string{
		"Europe/Berlin":       {"2027-03-28", "2026-10-25"},
		"America/New_York":    {"2027-03-14", "2026-11-01"},
		"Australia/Lord_Howe": {"2026-10-04", "2027-04-04"}, // by half an hour
		"America/Santiago":    {"2026-09-06", "2027-04-04"}, // at midnight
		"Africa/Casablanca":   {"2027-03-14", "2027-02-07"},
		"Pacific/Apia":        {"2011-12-30"}, // a day that never was
		"Asia/Shanghai":       {"2026-12-01"},
	} {
		zone, err := time.LoadLocation(name)
		if err != nil {
			t.Fatal(err)
		}

		for _, day := range days {
			noon, err := time.Parse(time.DateOnly, day)
			if err != nil {
				t.Fatal(err)
			}

			for _, hours := range [][2]string{{"21:00", "08:00"}, {"00:00", "02:30"}, {"02:15", "02:45"}, {"23:30", "00:30"},
				{"01:30", "01:00"}, {"12:00", "14:00"}} {
				checkNights(t, noon.Add(-36*time.Hour), zone, hours[0], hours[1])
			}
		}
	}
}

func checkNights(t *testing.T, begin time.Time, zone *time.Location, start, end string) {
	t.Helper()
	h := quiet(start, end, zone.String())
	const minutes = 5 * 24 * 60
	next := begin.Add(minutes * time.Minute) // when it is not quiet from a minute on, found from the end

	for i := minutes - 1; i >= 0; i-- {
		at := begin.Add(time.Duration(i) * time.Minute)
		shown := at.In(zone).Format("15:04")
		isQuiet := start <= shown && shown < end
		if start > end {
			isQuiet = shown >= start || shown < end
		}
		if !isQuiet {
			next = at
		}
		if i > minutes-24*60 {
			continue // what comes behind it was not looked at
		}
		if got := h.Until(zone.String(), at); !got.Equal(next) {
			t.Fatalf("%s, %s to %s: from %s (%s) until %s, want %s", zone, start, end, at, shown, got, next)
		}
		if within := at.Add(17*time.Second + time.Nanosecond); isQuiet && !h.Until(zone.String(), within).Equal(next) {
			t.Fatalf("%s: within a minute, from %s until %s", zone, within, h.Until(zone.String(), within))
		}
	}
}

func TestAnUnknownZoneIsTheOrganizationsAndNoHoursAreNone(t *testing.T) {
	t.Parallel()
	evening := time.Date(2026, 12, 1, 14, 0, 0, 0, time.UTC) // 22:00 in Shanghai
	for _, name := range []string{"", "Mars/Olympus", "Local", "../etc/passwd"} {
		if got := quiet("21:00", "08:00", "Asia/Shanghai").Until(name, evening); got.Sub(evening) != 10*time.Hour {
			t.Errorf("%q: until %s", name, got)
		}
		if got := quiet("21:00", "08:00", name).Until("", evening); !got.Equal(evening) { // 14:00 in UTC
			t.Errorf("of %q: until %s", name, got)
		}
	}

	for _, none := range []*delivery.QuietHours{nil, quiet("21:00", "21:00", "UTC"), quiet("25:00", "8", "UTC")} {
		if got := none.Until("UTC", evening); none != nil || !got.Equal(evening) {
			t.Errorf("until %s", got)
		}
	}
}

// It is 22:00 in Shanghai, 15:00 in Berlin and 6:00 in Los Angeles.
var evening = time.Date(2026, 12, 1, 14, 0, 0, 0, time.UTC)

const shanghai, berlin, losAngeles = "Asia/Shanghai", "Europe/Berlin", "America/Los_Angeles"

// setUpAt is a bench at a time.
func setUpAt(t *testing.T, db *database.DB, at time.Time) *bench {
	b := setUp(t, db)
	b.pass(t, at.Sub(b.now()))

	return b
}

// in queues a message of marketing to one person in each zone; an empty one is not known.
func (b *bench) in(t *testing.T, zones ...string) []uid.ID {
	t.Helper()
	people := b.people(len(zones), enum.ConsentOptedIn)
	messages := make([]delivery.Outgoing, len(zones))
	for i, zone := range zones {
		messages[i] = delivery.Outgoing{Campaign: b.campaign.ID, PhoneNumber: b.campaign.PhoneNumberID, Account: b.account,
			Template: b.campaign.TemplateID, Contact: people[i].contact, Address: people[i].phone,
			Type: enum.MessageTypeTemplate, Category: enum.TemplateCategoryMarketing, TimeZone: zone}
	}

	return b.put(t, messages...)
}

func (b *bench) put(t *testing.T, messages ...delivery.Outgoing) (ids []uid.ID) {
	t.Helper()
	err := b.db.InTx(b.ctx, func(tx *database.Tx) (err error) {
		ids, err = b.queue.Enqueue(b.ctx, tx, b.organization, messages, func() error { return nil })
		return err
	})
	if err != nil {
		t.Fatal(err)
	}

	return ids
}

// quietFrom sets the organization's policy; an empty start is none.
func (b *bench) quietFrom(start, end string) {
	policy := jsonfield.DefaultSendingPolicy()
	if start != "" {
		policy.QuietHours = &jsonfield.QuietHours{Start: start, End: end}
	}

	b.db.Client.Organization.UpdateOneID(b.organization).SetTimeZone(shanghai).SetSendingPolicy(policy).ExecX(b.ctx)
}

// take claims under the organization's quiet hours.
func (b *bench) take(t testing.TB, n int) (ids []uid.ID) {
	t.Helper()
	campaigns, err := b.queue.Runnable(b.ctx, b.campaign.PhoneNumberID)
	if err != nil {
		t.Error(err)
		return nil
	}

	claimed, _, err := b.queue.Claim(b.ctx, b.campaign.PhoneNumberID, n, campaigns, delivery.Limit{
		Quiet: delivery.QuietHoursOf(b.db.Client.Organization.GetX(b.ctx, b.organization))})
	if err != nil {
		t.Error(err)
	}

	for _, c := range claimed {
		ids = append(ids, c.ID)
	}

	return ids
}

// waits is when each message may be sent, and from when quiet hours hold it.
func (b *bench) waits(ids ...uid.ID) (times []string) {
	for _, id := range ids {
		m := b.db.Client.Message.GetX(b.ctx, id)
		text := string(m.Status) + " " + m.NotBefore.UTC().Format("02T15:04")
		if m.HeldFrom != nil {
			text += " held from " + m.HeldFrom.UTC().Format("02T15:04")
		}

		times = append(times, text)
	}

	return times
}

func (b *bench) checkWaits(t *testing.T, when string, ids []uid.ID, want ...string) {
	t.Helper()
	if diff := cmp.Diff(want, b.waits(ids...)); diff != "" {
		t.Error(when, diff)
	}
}

func (b *bench) release(t *testing.T, want int) {
	t.Helper()
	if n, err := b.queue.ReleaseHeld(b.ctx); n != want || err != nil {
		t.Errorf("released %d, want %d: %v", n, want, err)
	}
}

func TestMarketingWaitsForTheEndOfAPersonsQuietHoursAndOthersGo(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		b := setUpAt(t, db, evening)
		ids := b.in(t, shanghai, berlin, losAngeles, "", berlin)
		b.quietFrom("21:00", "08:00") // the policy is set while they wait
		if diff := cmp.Diff([]uid.ID{ids[1], ids[4]}, b.take(t, 3)); diff != "" {
			t.Fatal("in the evening:", diff)
		}

		const held = "QUEUED 02T00:00 held from 01T14:00"
		b.checkWaits(t, "in the evening", ids, held, "SENDING 01T14:00", "QUEUED 01T16:00 held from 01T14:00", held,
			"SENDING 01T14:00")
		if m := db.Client.Message.GetX(b.ctx, ids[0]); m.Attempts != 0 || m.ClaimID != nil || m.LeaseUntil != nil {
			t.Errorf("what is held was tried %d times, by %v until %v", m.Attempts, m.ClaimID, m.LeaseUntil)
		}
		if due, waits, err := b.queue.NextDue(b.ctx, b.campaign.PhoneNumberID); !waits || err != nil ||
			!due.Equal(evening.Add(2*time.Hour)) {
			t.Errorf("the lane comes back at %s: %t, %v", due, waits, err)
		}

		b.verify(t)
		b.pass(t, 2*time.Hour) // 8:00 in Los Angeles
		if diff := cmp.Diff([]uid.ID{ids[2]}, b.take(t, 3)); diff != "" {
			t.Error("in the morning there:", diff)
		}

		b.pass(t, 8*time.Hour)
		if diff := cmp.Diff([]uid.ID{ids[0], ids[3]}, b.take(t, 3)); diff != "" {
			t.Error("in the morning here:", diff)
		}

		b.checkWaits(t, "at last", ids[:1], "SENDING 02T00:00")
		b.verify(t)
	})
}

// However many wait in the zone that goes quiet, a claim meets a few of them, and moves them all
// on: it is one statement for thousands.
func TestAClaimThatMeetsQuietHoursMovesOnWhatIsBehind(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		b := setUpAt(t, db, evening)
		b.quietFrom("21:00", "08:00")
		const night = 3000
		b.in(t, append(slicesOf(shanghai, night), slicesOf(berlin, 10)...)...)
		if got := len(b.take(t, 4)); got != 4 {
			t.Errorf("claimed %d", got)
		}
		if n := db.Client.Message.Query().Where(message.HeldFromNotNil()).CountX(b.ctx); n != night {
			t.Errorf("%d are held", n)
		}

		b.in(t, slicesOf(shanghai, 40)...) // of all others it finds none, and is not over for that
		if got := len(b.take(t, 100)); got != 6 {
			t.Errorf("claimed %d of the others", got)
		}
		if c := db.Client.Campaign.GetX(b.ctx, b.campaign.ID); c.Queued != night+40 || c.Sending != 10 || c.Skipped != 0 {
			t.Errorf("%d queued, %d sending", c.Queued, c.Sending)
		}

		b.verify(t)
	})
}

func slicesOf(zone string, n int) []string {
	zones := make([]string, n)
	for i := range zones {
		zones[i] = zone
	}

	return zones
}

func TestWorkersThatClaimAtOnceHoldTheSameMessagesAndSendOthersOnce(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		b := setUpAt(t, db, evening)
		b.quietFrom("21:00", "08:00")
		var zones []string
		for range 100 {
			zones = append(zones, shanghai, shanghai, berlin, losAngeles)
		}
		b.in(t, zones...)

		var mu sync.Mutex
		var workers sync.WaitGroup
		times := map[uid.ID]int{}

		for range 4 {
			workers.Go(func() {
				for {
					ids := b.take(t, 7)
					if len(ids) == 0 {
						return
					}

					mu.Lock()
					for _, id := range ids {
						times[id]++
					}
					mu.Unlock()
				}
			})
		}

		workers.Wait()
		for range 2 { // what another has locked is nobody's for a moment
			for _, id := range b.take(t, 100) {
				times[id]++
			}
		}

		for id, n := range times {
			if m := db.Client.Message.GetX(b.ctx, id); n != 1 || m.TimeZone == nil || *m.TimeZone != berlin {
				t.Errorf("%s was claimed %d times", id, n)
			}
		}

		held := db.Client.Message.Query().Where(message.HeldFromNotNil(), message.StatusEQ(enum.MessageStatusQueued)).
			CountX(b.ctx)
		if len(times) != 100 || held != 300 {
			t.Errorf("%d are sent, %d held", len(times), held)
		}

		b.verify(t)
	})
}

func TestWhatIsHeldFollowsAPolicyThatChanges(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		b := setUpAt(t, db, evening)
		b.quietFrom("21:00", "08:00")
		ids := b.in(t, shanghai, losAngeles)
		own := b.put(t, delivery.Outgoing{Campaign: b.campaign.ID, PhoneNumber: b.campaign.PhoneNumberID,
			Account: b.account, Template: b.campaign.TemplateID, Address: "+8613800000001", Type: enum.MessageTypeTemplate,
			Category: enum.TemplateCategoryMarketing, TimeZone: shanghai, NotBefore: evening.Add(20 * time.Hour)})
		if got := b.take(t, 10); len(got) != 0 {
			t.Fatalf("claimed %v", got)
		}

		b.release(t, 0)
		b.pass(t, time.Minute)
		b.quietFrom("21:00", "06:30") // it is 6:01 in Los Angeles
		b.release(t, 2)
		b.checkWaits(t, "shorter", ids, "QUEUED 01T22:30 held from 01T14:00", "QUEUED 01T14:30 held from 01T14:00")
		b.release(t, 0)

		b.quietFrom("21:00", "09:00") // they come to their old time, and are held again
		b.release(t, 0)
		b.pass(t, 30*time.Minute)
		if got := b.take(t, 10); len(got) != 0 {
			t.Errorf("longer: claimed %v", got)
		}

		b.checkWaits(t, "longer", ids, "QUEUED 01T22:30 held from 01T14:00", "QUEUED 01T17:00 held from 01T14:30")
		b.quietFrom("", "")
		b.release(t, 2)
		b.checkWaits(t, "none", append(ids, own...), "QUEUED 01T14:00", "QUEUED 01T14:30", "QUEUED 02T10:00")
		if got := b.take(t, 10); len(got) != 2 {
			t.Errorf("none: claimed %v", got)
		}

		b.release(t, 0)
		b.verify(t)
	})
}

// More than a page of each zone, in two organizations: those of the one whose policy has changed
// go, and those of the other wait.
func TestEverythingThatIsHeldTooLongIsReleasedAndNobodyElses(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		b := setUpAt(t, db, evening)
		b.quietFrom("21:00", "08:00")
		ours := b.in(t, append(slicesOf(shanghai, 1500), losAngeles, "Asia/Tokyo")...)
		theirs := b.of(t, db.Client.Organization.Create().SetName("Other").SaveX(b.ctx).ID)
		theirs.quietFrom("21:00", "08:00")
		other := theirs.in(t, shanghai)
		if len(b.take(t, 100))+len(theirs.take(t, 100)) != 0 {
			t.Error("some are claimed")
		}

		b.quietFrom("", "")
		b.release(t, len(ours))
		theirs.checkWaits(t, "the other's", other, "QUEUED 02T00:00 held from 01T14:00")
	})
}

// of is another organization's bench, on the same queue.
func (b *bench) of(t *testing.T, organization uid.ID) *bench {
	other := *b
	other.organization, other.campaign = organization, nil
	other.campaign = other.addCampaign("other")

	return &other
}

func TestOnlyMarketingIsHeldAndARetryAtNightIs(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		b := setUpAt(t, db, evening)
		b.quietFrom("21:00", "08:00")
		utility := db.Client.Template.Create().SetOrganizationID(b.organization).SetAccountID(b.account).SetName("order").
			SetLanguage("en").SetCategory(enum.TemplateCategoryUtility).SetStatus(enum.TemplateStatusApproved).
			SetComponents([]byte("[]")).SaveX(b.ctx).ID
		p := b.people(1, enum.ConsentOptedIn)[0]
		single := func(template uid.ID, category enum.TemplateCategory) delivery.Outgoing {
			return delivery.Outgoing{PhoneNumber: b.campaign.PhoneNumberID, Account: b.account, Template: template,
				Contact: p.contact, Address: p.phone, Type: enum.MessageTypeTemplate, Category: category, TimeZone: shanghai}
		}

		ids := b.put(t, single(b.campaign.TemplateID, enum.TemplateCategoryMarketing),
			single(utility, enum.TemplateCategoryUtility), single(uid.ID{}, ""))
		if diff := cmp.Diff(ids[1:], b.take(t, 5)); diff != "" {
			t.Error(diff)
		}

		const held = "QUEUED 02T00:00 held from 01T14:00"
		b.checkWaits(t, "a single one", ids[:1], held)

		// what Meta makes marketing meanwhile is held when its turn comes
		b.record(t, delivery.Fact{Message: ids[1], Attempt: 1, Kind: delivery.Retry, At: b.now(), NotBefore: b.now()})
		b.recategorize(utility, enum.TemplateCategoryMarketing)
		if got := b.take(t, 5); len(got) != 0 {
			t.Errorf("tried again by night: %v", got)
		}

		b.checkWaits(t, "a retry", ids[1:2], held)
		b.recategorize(b.campaign.TemplateID, enum.TemplateCategoryUtility)
		b.pass(t, 10*time.Hour)
		if got := b.take(t, 5); len(got) != 2 {
			t.Errorf("in the morning: %v", got)
		}
	})
}

func TestWhatIsHeldExpiresIsCanceledAndBarredAsWhatWaits(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		b := setUpAt(t, db, evening)
		b.quietFrom("21:00", "08:00")
		first := b.in(t, shanghai)
		b.campaign = b.addCampaign("second")
		second := b.in(t, shanghai)
		b.campaign = b.addCampaign("third")
		third := b.people(1, enum.ConsentOptedOut)[0]
		barred := b.marketing(t, "fourth", third)
		if got := b.take(t, 10); len(got) != 0 {
			t.Errorf("claimed %v", got)
		}

		for _, end := range []struct {
			of   uid.ID
			kind delivery.FactKind
		}{{first[0], delivery.Expire}, {second[0], delivery.Cancel}} {
			of := db.Client.Message.GetX(b.ctx, end.of).CampaignID
			if n, err := b.queue.Close(b.ctx, *of, end.kind); n != 1 || err != nil {
				t.Error(n, err)
			}
		}

		want := []string{"SKIPPED EXPIRED", "CANCELED", "SKIPPED OPTED_OUT"}
		if diff := cmp.Diff(want, b.fates(first[0], second[0], barred[0])); diff != "" {
			t.Error(diff)
		}

		b.quietFrom("", "")
		b.release(t, 0)
		b.verify(t)
	})
}

// What is held is found by its zone, so that it has one, whoever queues it; and while the rows of
// an organization go, one after the other, those of all others are looked at.
func TestWhatIsHeldHasAZoneAndAnErasedOrganizationIsPassedOver(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		b := setUpAt(t, db, evening)
		gone := b.of(t, db.Client.Organization.Create().SetName("Gone").SaveX(b.ctx).ID)
		for _, o := range []*bench{gone, b} {
			o.quietFrom("21:00", "08:00")
			m := delivery.Outgoing{Campaign: o.campaign.ID, PhoneNumber: o.campaign.PhoneNumberID, Account: o.account,
				Template: o.campaign.TemplateID, Address: "+8613800000001", Type: enum.MessageTypeTemplate,
				Category: enum.TemplateCategoryMarketing}
			delivery.QuietHoursOf(db.Client.Organization.GetX(b.ctx, o.organization)).Hold(&m, b.now())
			o.checkWaits(t, "at once", o.put(t, m), "QUEUED 02T00:00 held from 01T14:00")
		}

		b.quietFrom("", "")
		db.Client.Organization.DeleteOneID(gone.organization).ExecX(b.ctx)
		b.release(t, 1)
		if got := b.take(t, 5); len(got) != 1 {
			t.Errorf("claimed %v", got)
		}
	})
}
