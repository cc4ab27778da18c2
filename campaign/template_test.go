package campaign_test

import (
	"strings"
	"testing"

	"carillon/account"
	"carillon/database"
	"carillon/database/dbtest"
	"carillon/ent/enum"
	"carillon/usererror"
	"carillon/whatsapp"
)

func TestATemplateThatCampaignsNeedIsNeitherChangedNorDeleted(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		h := furnish(t, db)
		change := account.UpdateTemplate{ID: h.template.ID, Components: []whatsapp.Component{{Type: "BODY", Text: "Hello."}}}
		for status, want := range map[enum.CampaignStatus]struct{ change, deletion bool }{
			enum.CampaignStatusScheduled: {false, true}, enum.CampaignStatusPreparing: {true, true},
			enum.CampaignStatusRunning: {true, true}, enum.CampaignStatusPaused: {true, true},
		} {
			h.db.Client.Campaign.Update().SetStatus(status).ExecX(h.owner)
			_, changing := h.UpdateTemplate(h.owner, change)
			_, deleting := h.DeleteTemplate(h.owner, h.template.ID, false)
			for what, is := range map[string]struct {
				err     error
				refused bool
			}{"changing": {changing, want.change}, "deleting": {deleting, want.deletion}} {
				named := is.err != nil && strings.Contains(is.err.Error(), `"both"`) &&
					codes(is.err)["templateId"] == usererror.NotAllowed
				if named != is.refused {
					t.Errorf("%s while campaigns are %s: %v", what, status, is.err)
				}
			}
		}

		h.db.Client.Campaign.Update().SetStatus(enum.CampaignStatusDraft).ExecX(h.owner)
		h.template.Update().SetStatus(enum.TemplateStatusDraft).ClearMetaID().ExecX(h.owner)
		deleted, err := h.DeleteTemplate(h.owner, h.template.ID, true)
		if err != nil || len(deleted.Templates) != 1 {
			t.Fatal(deleted, err)
		}
		if got := h.db.Client.Template.GetX(h.owner, h.template.ID); got.Status != enum.TemplateStatusDeleted {
			t.Errorf("a draft that campaigns use is %s", got.Status)
		}
	})
}
