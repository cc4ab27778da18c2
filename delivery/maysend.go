package delivery

import (
	"context"
	"fmt"
	"slices"

	"carillon/database"
	"carillon/uid"
)

// maySend is the condition under which an organization's messages are handed to workers at all, in
// SQL: the operator has neither stopped it nor the whole service. It stands in every statement that
// looks for work, so that it holds from the next claim on, in every process, whatever news was
// lost.
func maySend(organization string) string {
	return " AND NOT EXISTS (SELECT 1 FROM organization WHERE organization.id = " + organization +
		" AND organization.status <> 'ACTIVE') AND NOT EXISTS (SELECT 1 FROM service_state WHERE maintenance)"
}

// numberMaySend is maySend for the number that is the statement's first parameter.
var numberMaySend = " AND EXISTS (SELECT 1 FROM phone_number AS lane WHERE lane.id = $1" +
	maySend("lane.organization_id") + ")"

// MaySend are those of the campaigns whose claimed messages may be sent: not paused or canceled
// meanwhile, and of an organization that may. Of one that is paused because a limit is full they
// may: each had its place in the limit when it was claimed. The zero id stands for the number's
// single messages.
func (q *Queue) MaySend(ctx context.Context, number uid.ID, campaigns []uid.ID) (map[uid.ID]bool, error) {
	may := make(map[uid.ID]bool, len(campaigns))
	if slices.Contains(campaigns, uid.ID{}) {
		var single bool
		err := q.db.QueryRow(ctx, "SELECT count(*) > 0 FROM phone_number WHERE id = $1"+
			maySend("phone_number.organization_id"), number).Scan(&single)
		if err != nil {
			return nil, fmt.Errorf("see whether number %s may send: %w", number, err)
		}
		if single {
			may[uid.ID{}] = true
		}
	}

	from, args := q.db.Rowset(nil, database.IDs("id", campaigns))
	ids, err := database.ScanIDs(q.db.Query(ctx, "SELECT campaign.id FROM campaign JOIN "+from+
		" ON campaign.id = f.id WHERE "+
		"(campaign.status = 'RUNNING' OR campaign.status = 'PAUSED' AND campaign.status_reason IN ('MESSAGING_LIMIT', "+
		"'QUOTA_REACHED'))"+
		maySend("campaign.organization_id"), args...))
	if err != nil {
		return nil, fmt.Errorf("see whether campaigns may send: %w", err)
	}

	for _, n := range ids {
		may[n] = true
	}

	return may, nil
}
