package main

import (
	"context"
	"slices"
	"strconv"
	"time"

	"carillon/database"
	"carillon/ent"
	"carillon/transactional"
	"carillon/whatsapp/sandbox"
)

// benchSteer is how soon something else happens on a number that a campaign keeps busy: a single
// message goes out, a pause takes effect, a resumed campaign sends.
func benchSteer(ctx context.Context, o options) error {
	for _, store := range o.stores {
		for _, limit := range []int{20, 80, 1000} {
			if err := steerOnce(ctx, store, limit, o.count(100_000)); err != nil {
				return err
			}
		}
	}

	return nil
}

const steered = 10 // times each

func steerOnce(ctx context.Context, store string, limit, n int) error {
	m, s, end, err := setScene(ctx, store, sandbox.Options{Throughput: limit})
	if err != nil {
		return err
	}

	defer end()
	c, err := s.enrolled(n)
	if err != nil {
		return err
	}

	ends := s.work()
	defer ends()
	s.tasks.WakeLane(ctx, s.number.ID)
	if err := m.WaitAccepted(ctx, limit); err != nil {
		return err
	}

	single := transactional.New(s.db, s.queue, s.who, s.tasks, database.Now)
	var singles, pauses, resumes []time.Duration

	for i := range steered {
		took, err := s.overtakes(ctx, m, single, "+1416"+strconv.Itoa(2_000_000+i))
		if err != nil {
			return err
		}

		singles = append(singles, took)
		begun := time.Now()
		if _, err := s.campaigns.Pause(s.owner, c.ID); err != nil {
			return err
		}
		if err := s.until(ctx, c.ID, func(c *ent.Campaign) bool { return c.Sending == 0 }); err != nil {
			return err
		}

		pauses = append(pauses, max(0, m.Usage(metaNumber).Last.Sub(begun)))
		sent := m.Counts().Accepted
		begun = time.Now()
		if _, err := s.campaigns.Resume(s.owner, c.ID); err != nil {
			return err
		}
		if err := m.WaitAccepted(ctx, sent+limit/4); err != nil { // a quarter of a second's, so that the lane is busy again
			return err
		}

		resumes = append(resumes, time.Since(begun))
	}

	f := figures{"store": store, "limit": limit, "n": n}
	for name, took := range map[string][]time.Duration{"single": singles, "pause": pauses, "resume": resumes} {
		slices.Sort(took)
		f[name+"_median_ms"], f[name+"_most_ms"] = millis(took[len(took)/2]), millis(took[len(took)-1])
	}

	if _, err := s.campaigns.Cancel(s.owner, c.ID); err != nil {
		return err
	}

	return f.print("steer")
}

// overtakes is the time from the call of sendMessage to the message's arrival at WhatsApp.
func (s *stage) overtakes(ctx context.Context, m *meta, single *transactional.Service,
	to string) (time.Duration, error) {
	begun := time.Now()
	_, err := single.Send(s.owner, transactional.Message{PhoneNumberID: s.number.ID, To: to,
		Template: &transactional.Template{TemplateID: s.template.ID,
			Values: []transactional.Value{{Parameter: "1", Value: "Ana"}}}})
	if err != nil {
		return 0, err
	}

	var arrived time.Time
	err = poll(ctx, 20*time.Millisecond, func() (bool, error) {
		for _, a := range m.Accepted() {
			if "+"+a.To == to {
				arrived = a.ArrivedAt
			}
		}

		return !arrived.IsZero(), nil
	})

	return arrived.Sub(begun), err
}

func millis(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
