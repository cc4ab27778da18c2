package metawebhook_test

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"carillon/database"
	"carillon/database/dbtest"
	"carillon/ent/statistic"
)

func TestClicksAreCountedOnceForTheNumberThatTheyWereToldOf(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		s := stand(t, db)
		click := func(number, id string) string {
			return change("1", "messages", fmt.Sprintf(`{"metadata":{"phone_number_id":%q},"user_actions":[{"action_type":`+
				`"marketing_messages_link_click","timestamp":"%d","marketing_messages_link_click_data":{"click_id":%q}},`+
				`{"action_type":"landing_page_view","marketing_messages_link_click_data":{"click_id":%q}}]}`, number,
				ago(time.Hour).Unix(), id, id))
		}

		s.mustTell(click(metaNumber, "a"), click(metaNumber, "b"), click(metaNumber, "a"))
		s.mustTell(click(metaNumber, "a"))
		if code := s.told(click("4040404040", "c")); code != http.StatusOK {
			t.Errorf("a click of an unknown number: %d", code)
		}

		row := db.Client.Statistic.Query().Where(statistic.ClickedGT(0)).OnlyX(s.system)
		if hour := ago(time.Hour).Truncate(time.Hour); row.Clicked != 2 || row.PhoneNumberID != s.number ||
			row.OrganizationID != s.org || !row.Hour.Equal(hour) {
			t.Errorf("%+v, want 2 in the hour of %s", row, hour)
		}
	})
}
