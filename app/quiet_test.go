package app_test

import (
	"syscall"
	"testing"
	"time"

	"carillon/caller"
	"carillon/ent/contact"
	"carillon/ent/enum"
	"carillon/whatsapp/sandbox"
)

// Half of the people have quiet hours. They wait, over a death too, and the others go; once the
// policy is taken away they go within seconds.
func TestPeopleWithQuietHoursWaitOverAKillAndGoWhenThePolicyIsTakenAway(t *testing.T) {
	t.Parallel()
	onBoth(t, func(t *testing.T, dsn string) {
		const n = 40
		s := deploy(t, dsn, sandbox.Options{Throughput: 200, NoPairLimit: true})
		kill := s.start("")
		s.ready()
		campaign := s.draft(n)
		system := caller.System(t.Context())
		s.db.Client.Template.Update().SetCategory(enum.TemplateCategoryMarketing).ExecX(system)

		clock := func(d time.Duration) string { return time.Now().UTC().Add(d).Format("15:04") }
		s.quietHours(map[string]any{"start": clock(-time.Hour), "end": clock(3 * time.Hour)})
		for i, id := range s.db.Client.Contact.Query().IDsX(system) {
			zone := []string{"UTC", "Etc/GMT+12"}[i%2]
			s.db.Client.Contact.Update().Where(contact.ID(id)).SetTimeZone(zone).ExecX(system)
		}

		half := func() bool {
			status, p := s.progress(campaign)
			return status == "RUNNING" && p.Read == n/2 && p.Queued == n/2
		}

		s.do("launchCampaign", campaign)
		s.until("those who are awake have theirs", half)
		for to := range s.reached() {
			if zone := s.db.Client.Contact.Query().Where(contact.Phone("+" + to)).OnlyX(system).TimeZone; *zone == "UTC" {
				t.Errorf("%s has quiet hours and got a message", to)
			}
		}

		kill(syscall.SIGKILL)
		s.start("")
		s.ready()
		if !half() {
			t.Error("a death has changed who waits")
		}

		s.quietHours(nil)
		s.until("the campaign is over", func() bool {
			status, p := s.progress(campaign)
			return status == "COMPLETED" && p.Read == n
		})
		s.judge(n)
	})
}

// reached are the people who got a message.
func (s *service) reached() map[string]bool {
	to := map[string]bool{}
	for _, a := range s.sandbox.Accepted() {
		to[a.To] = true
	}

	return to
}

func (s *service) quietHours(hours any) {
	s.t.Helper()
	s.ask(`mutation($i: UpdateOrganizationInput!) { updateOrganization(input: $i) { organization { id } userErrors { message } } }`,
		map[string]any{"i": map[string]any{"sendingPolicy": map[string]any{"quietHours": hours}}}, nil)
}
