package notification

import (
	"testing"

	"carillon/ent/enum"
)

func TestEveryKindAndReasonHasATextOfItsOwn(t *testing.T) {
	t.Parallel()
	for _, kind := range (enum.NotificationKind("")).Values() {
		if got := textOf(enum.NotificationKind(kind), ""); got.one == "" || got.many == "" {
			t.Errorf("%s has no text", kind)
		}
	}

	for _, reason := range (enum.CampaignStatusReason("")).Values() {
		if _, has := pauseTexts[enum.CampaignStatusReason(reason)]; !has &&
			reason != string(enum.CampaignStatusReasonPausedByUser) {
			t.Errorf("a pause for %s has no text", reason)
		}
	}

	got := textOf(enum.NotificationKindCampaignPaused, "OF_A_LATER_VERSION")
	if got.why != usualPause.why || got.todo == "" || got.one == "" {
		t.Errorf("an unknown reason: %+v", got)
	}
}
