package hub_test

import (
	"testing"
	"time"

	"carillon/hub"
	"carillon/uid"
)

// settled is a watch whose channel is heard, and whose first signal, which says so, has been taken.
func settled(t *testing.T, h *hub.Hub[entry], organization uid.ID, topic string) *hub.Watch {
	t.Helper()
	w := h.Watch(organization, topic)
	t.Cleanup(w.Close)
	<-w.C()

	return w
}

func silent(t *testing.T, w *hub.Watch, why string) {
	t.Helper()
	select {
	case <-w.C():
		t.Errorf("there was a signal, though %s", why)
	default:
	}
}

func TestNotifySignalsWhoWatchesTheTopicInAnyProcess(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	here, _ := c.start(seldom)
	there, _ := c.start(seldom)
	organization := uid.New(uid.Organization)
	near, far := settled(t, here, organization, "campaign"), settled(t, there, organization, "campaign")
	other, foreign := another(t, there, organization, "import"), settled(t, there, uid.New(uid.Organization), "campaign")

	for range 1000 {
		here.Notify(t.Context(), organization, "campaign")
	}

	<-near.C()
	<-far.C()
	silent(t, near, "a thousand changes are one signal in their own process")

	// What is said last is heard last, so the others would have been signaled by now.
	here.Notify(t.Context(), organization, "import")
	<-other.C()
	silent(t, other, "nothing else has changed")
	silent(t, foreign, "it watches another organization")
}

// another is a watch on a channel that is heard already: there is no first signal.
func another(t *testing.T, h *hub.Hub[entry], organization uid.ID, topic string) *hub.Watch {
	w := h.Watch(organization, topic)
	t.Cleanup(w.Close)
	return w
}

func TestAnnounceReachesEveryProcess(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	here, _ := c.start(seldom)
	there, _ := c.start(seldom)
	session := uid.New(uid.Session)
	w := settled(t, there, uid.ID{}, session.String())
	here.Announce(t.Context(), session)
	<-w.C()
}

func TestAWatchIsSignaledWhenRedisIsBack(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	h, n := c.start(seldom)
	w := settled(t, h, uid.New(uid.Organization), "campaign")
	n.cut(false)
	<-w.C()
}

func TestAWatchIsSignaledByThePollWhileRedisIsAway(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	h, n := c.start(quick)
	w := settled(t, h, uid.New(uid.Organization), "campaign")
	n.cut(true)
	for range 10 {
		<-w.C()
	}
}

func TestNewsWaitsForRedis(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	here, n := c.start(seldom)
	there, _ := c.start(seldom)
	organization := uid.New(uid.Organization)
	w := settled(t, there, organization, "campaign")
	n.cut(true)
	here.Notify(t.Context(), organization, "campaign")
	n.cut(false)

	select {
	case <-w.C():
	case <-time.After(time.Minute):
		t.Error("the news was lost")
	}
}

func TestWhatStillWaitsIsSentWhenTheHubStops(t *testing.T) {
	t.Parallel()
	c := newCluster(t)
	there, _ := c.start(seldom)
	organization := uid.New(uid.Organization)
	w := settled(t, there, organization, "campaign")

	t.Run("", func(t *testing.T) {
		short := *c
		short.t = t
		here, _ := short.start(seldom)
		settled(t, here, organization, "campaign")
		here.Notify(t.Context(), organization, "campaign")
	})

	<-w.C()
}
