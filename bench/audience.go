package main

import (
	"context"
	"fmt"
	"runtime"

	"carillon/ent"
	"carillon/ent/jsonfield"
	"carillon/uid"
	"carillon/whatsapp/sandbox"
)

// benchAudience is what a growing audience costs: to import, to count as a segment, to estimate and
// to enroll.
func benchAudience(ctx context.Context, o options) error {
	for _, store := range o.stores {
		for _, n := range o.sizes() {
			if err := audienceOnce(ctx, store, n); err != nil {
				return fmt.Errorf("%d contacts: %w", n, err)
			}
		}
	}

	return nil
}

func audienceOnce(ctx context.Context, store string, n int) error {
	_, s, end, err := setScene(ctx, store, sandbox.Options{Throughput: 80})
	if err != nil {
		return err
	}

	defer end()
	file, err := newUpload(writeCSV, n)
	if err != nil {
		return err
	}

	defer file.remove()
	imported, err := importFile(s.owner, s.store, s.audience, file, n)
	if err != nil {
		return err
	}
	if err := s.analyze(); err != nil {
		return err
	}

	everybody := jsonfield.ContactFilter{Country: []string{"CN"},
		Attributes: []jsonfield.AttributeFilter{{Key: "city"}}}
	segment, err := s.audience.CreateSegment(s.owner, "Everybody", everybody)
	if err != nil {
		return err
	}

	c, err := s.draftTo(jsonfield.Audience{SegmentIDs: []uid.ID{segment.ID}})
	if err != nil {
		return err
	}

	list, err := s.db.Client.ContactList.Query().OnlyID(s.owner)
	if err != nil {
		return err
	}

	toList, err := s.draftTo(jsonfield.Audience{ListIDs: []uid.ID{list}})
	if err != nil {
		return err
	}

	f := figures{"store": store, "n": n}
	f.add("import", imported)
	for _, step := range []struct {
		name string
		do   func() (people int, err error)
	}{
		{"count", func() (int, error) { return s.countSegment(segment) }},
		{"estimate", func() (int, error) { return s.estimate(c) }},
		{"estimate_list", func() (int, error) { return s.estimate(toList) }},
		{"enroll", func() (int, error) { return s.enrollNow(c) }},
	} {
		runtime.GC()
		forgetPeak()
		server, begun := s.serverCPU(ctx), costNow()
		people, err := step.do()
		if err != nil {
			return fmt.Errorf("%s: %w", step.name, err)
		}
		if people != n {
			return fmt.Errorf("%s: %d people", step.name, people)
		}

		spent := figures{"peak_mib": peakMiB()}.since(begun, n)
		spent["database_cpu_seconds_per_1000"] = (s.serverCPU(ctx) - server).Seconds() * 1000 / float64(n)
		f.add(step.name, spent)
	}

	return f.print("audience")
}

// add takes over what a reader asks of one step.
func (f figures) add(step string, of figures) {
	for _, name := range []string{"seconds", "per_second", "cpu_seconds_per_1000", "database_cpu_seconds_per_1000",
		"peak_mib"} {
		if value, there := of[name]; there {
			f[step+"_"+name] = value
		}
	}
}

func (s *stage) countSegment(segment *ent.Segment) (int, error) {
	counts, err := s.audience.Counts(s.owner, s.account.OrganizationID,
		map[uid.ID]jsonfield.Audience{segment.ID: {SegmentIDs: []uid.ID{segment.ID}}})
	return counts[segment.ID], err
}

func (s *stage) estimate(c *ent.Campaign) (int, error) {
	e, err := s.campaigns.Estimate(s.owner, c.ID)
	if err != nil {
		return 0, err
	}

	return e.Recipients, nil
}

// enrollNow makes the messages of a campaign, none of which is sent meanwhile.
func (s *stage) enrollNow(c *ent.Campaign) (int, error) {
	if _, err := s.campaigns.Launch(s.owner, c.ID, nil); err != nil {
		return 0, err
	}
	if err := s.campaigns.Enroll(s.system, c.ID); err != nil {
		return 0, err
	}

	enrolled, err := s.db.Client.Campaign.Get(s.system, c.ID)
	if err != nil {
		return 0, err
	}

	return enrolled.Total, nil
}
