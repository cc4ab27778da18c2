package delivery

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"

	"carillon/database"
	"carillon/ent/enum"
	"carillon/uid"
)

// countKey is a group in which people of a campaign are counted: a reason for which they were
// skipped, or the title of a button that they pressed.
type countKey struct {
	kind enum.CampaignCountKind
	name string
}

// count adds n people to a group.
func (c *campaignChange) count(kind enum.CampaignCountKind, name string, n int) {
	if c.counts == nil {
		c.counts = map[countKey]int{}
	}
	c.counts[countKey{kind, name}] += n
}

// groupChange is what a commit adds to a row of campaign_count.
type groupChange struct {
	*campaignChange
	countKey
	people int
}

var groupKeyColumns = database.Columns[groupChange]{
	database.Col("organization_id", func(g groupChange) uid.ID { return g.organization }, database.IDs),
	database.Col("campaign_id", func(g groupChange) uid.ID { return g.id }, database.IDs),
	database.Col("kind", func(g groupChange) enum.CampaignCountKind { return g.kind }, database.Texts),
	database.Col("name", func(g groupChange) string { return g.name }, database.Texts),
}

var groupColumns = append(slices.Clip(groupKeyColumns),
	database.Col("people", func(g groupChange) int { return g.people }, database.Ints))

// countGroups adds to the groups of campaigns, whose rows are locked by then: so no two commits
// wait for each other's groups.
func countGroups(db *database.DB, changed []*campaignChange) []database.Statement {
	var groups []groupChange
	for _, c := range changed {
		for key, n := range c.counts {
			if n != 0 {
				groups = append(groups, groupChange{c, key, n})
			}
		}
	}

	if len(groups) == 0 {
		return nil
	}

	slices.SortFunc(groups, func(a, b groupChange) int {
		return cmp.Or(uid.Compare(a.id, b.id), strings.Compare(string(a.kind), string(b.kind)),
			strings.Compare(a.name, b.name))
	})
	statement, args := groupColumns.Insertion(db, "campaign_count", groups)

	return []database.Statement{{What: "count groups of campaigns", Args: args, Query: statement +
		" ON CONFLICT (" + groupKeyColumns.Names() + ") DO UPDATE SET people = campaign_count.people + excluded.people"}}
}

// People is how many people of a campaign are in a group: were skipped for a reason, or pressed a
// button.
type People struct {
	Kind  enum.CampaignCountKind
	Name  string
	Count int
}

// Groups reads the groups of campaigns, the largest first.
func (l *Log) Groups(ctx context.Context, organization uid.ID, campaigns []uid.ID) (map[uid.ID][]People, error) {
	groups := make(map[uid.ID][]People, len(campaigns))
	from, args := l.db.Rowset([]any{organization}, database.IDs("id", campaigns))
	rows, err := l.db.Query(ctx, `SELECT c.campaign_id, c.kind, c.name, c.people FROM `+from+`
		CROSS JOIN campaign_count c WHERE c.organization_id = $1 AND c.campaign_id = f.id AND c.people > 0
		ORDER BY c.people DESC, c.name`, args...)

	err = database.Each(rows, err, func(rows *sql.Rows) error {
		var campaign uid.ID
		var p People
		err := rows.Scan(&campaign, &p.Kind, &p.Name, &p.Count)
		groups[campaign] = append(groups[campaign], p)

		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read the groups of campaigns: %w", err)
	}

	return groups, nil
}
