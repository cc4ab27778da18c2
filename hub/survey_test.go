package hub_test

import (
	"fmt"
	"slices"
	"testing"

	"carillon/hub"
	"carillon/uid"
)

// surveyed is a survey whose channel is heard, and whose first signal, which says so, has been
// taken.
func surveyed(t *testing.T, h *hub.Hub[entry], organization uid.ID) *hub.Survey {
	t.Helper()
	s := h.Survey(organization)
	t.Cleanup(s.Close)
	<-s.C()
	if topics, missed := s.Take(); !missed || len(topics) > 0 {
		t.Errorf("at first there were %v, missed %v", topics, missed)
	}

	return s
}

func TestASurveyNamesEachTopicThatChangedOnce(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	here, _ := c.start(seldom)
	there, _ := c.start(seldom)
	organization := uid.New(uid.Organization)
	near, far, foreign := surveyed(t, here, organization), surveyed(t, there, organization),
		surveyed(t, there, uid.New(uid.Organization))
	for range 100 {
		here.Notify(t.Context(), organization, "one", "two")
	}

	here.Notify(t.Context(), organization, "three")
	for name, s := range map[string]*hub.Survey{"in its own process": near, "in another": far} {
		var all []string
		for len(all) < 3 {
			<-s.C()
			topics, missed := s.Take()
			if missed {
				t.Errorf("%s: something was missed", name)
			}

			for _, topic := range topics {
				if !slices.Contains(all, topic) {
					all = append(all, topic)
				}
			}
		}

		if slices.Sort(all); fmt.Sprint(all) != "[one three two]" {
			t.Errorf("%s: %v", name, all)
		}
	}

	if topics, missed := foreign.Take(); len(topics) > 0 || missed {
		t.Errorf("another organization's survey heard %v, missed %v", topics, missed)
	}
}

func TestASurveyForgetsRatherThanGrows(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	h, _ := c.start(seldom)
	organization := uid.New(uid.Organization)
	s := surveyed(t, h, organization)
	for i := range 5000 {
		h.Notify(t.Context(), organization, fmt.Sprint(i))
	}

	<-s.C()
	if topics, missed := s.Take(); !missed || len(topics) > 1024 {
		t.Errorf("holds %d topics, missed %v", len(topics), missed)
	}
}

func TestASurveyHasMissedSomethingWhenRedisIsBack(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	h, n := c.start(seldom)
	s := surveyed(t, h, uid.New(uid.Organization))
	n.cut(false)
	<-s.C()
	if _, missed := s.Take(); !missed {
		t.Error("it says that nothing was missed")
	}
}
