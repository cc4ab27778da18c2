package audience

import (
	"context"
	stdsql "database/sql"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"carillon/audit"
	"carillon/database"
	"carillon/ent"
	"carillon/ent/jsonfield"
	"carillon/ent/segment"
	"carillon/uid"
	"carillon/usererror"
)

// CreateSegment saves a rule under a name in the caller's organization.
func (s *Service) CreateSegment(ctx context.Context, name string, rule jsonfield.ContactFilter) (*ent.Segment, error) {
	owner, err := organization(ctx)
	if err != nil {
		return nil, err
	}

	name = strings.TrimSpace(name)
	id := uid.New(uid.Segment)

	err = s.db.InTx(ctx, func(tx *database.Tx) error {
		if err := checkSegment(ctx, tx, &name, &rule); err != nil {
			return err
		}

		err := tx.Client.Segment.Create().SetID(id).SetOrganizationID(owner).SetName(name).SetRule(rule).
			SetCreatedAt(s.moment()).Exec(ctx)
		if err != nil {
			return err
		}

		return audit.Record(ctx, tx, audit.Entry{Action: audit.ActionSegmentCreate, Subject: id,
			Summary: fmt.Sprintf("made segment %q", name)})
	})
	if database.IsUnique(err) {
		return nil, nameTaken("segment", name)
	}
	if err != nil {
		return nil, fmt.Errorf("create segment: %w", err)
	}

	return s.db.Client.Segment.Get(ctx, id)
}

// UpdateSegment renames a segment, or gives it another rule. A campaign whose people have begun to
// become messages keeps the rule that it began with.
func (s *Service) UpdateSegment(ctx context.Context, id uid.ID, name *string,
	rule *jsonfield.ContactFilter) (*ent.Segment, error) {
	if name != nil {
		trimmed := strings.TrimSpace(*name)
		name = &trimmed
	}

	err := s.db.InTx(ctx, func(tx *database.Tx) error {
		now, err := lockSegment(ctx, tx, id)
		if err != nil {
			return err
		}
		if err := checkSegment(ctx, tx, name, rule); err != nil {
			return err
		}

		u := tx.Client.Segment.UpdateOneID(id).SetNillableName(name)
		if rule != nil {
			u.SetRule(*rule)
		}
		if err := u.Exec(ctx); err != nil {
			return err
		}

		return audit.Record(ctx, tx, audit.Entry{Action: audit.ActionSegmentUpdate, Subject: id,
			Summary: fmt.Sprintf("changed segment %q", now.Name)})
	})
	if database.IsUnique(err) {
		return nil, nameTaken("segment", *name)
	}
	if err != nil {
		return nil, err
	}

	return s.db.Client.Segment.Get(ctx, id)
}

// DeleteSegment deletes a segment that nothing uses, and returns its id.
func (s *Service) DeleteSegment(ctx context.Context, id uid.ID) (*uid.ID, error) {
	owner, err := organization(ctx)
	if err != nil {
		return nil, err
	}

	err = s.db.InTx(ctx, func(tx *database.Tx) error {
		now, err := lockSegment(ctx, tx, id)
		if err != nil {
			return err
		}

		if user, err := usedBy(ctx, tx, usersOfSegment, owner, id); err != nil {
			return fmt.Errorf("see who uses segment: %w", err)
		} else if user != "" {
			return usererror.Refuse("segmentId", usererror.NotAllowed, "%s uses the segment; cancel or finish it first",
				user)
		}

		if err := tx.Client.Segment.DeleteOneID(id).Exec(ctx); err != nil {
			return fmt.Errorf("delete segment: %w", err)
		}

		return audit.Record(ctx, tx, audit.Entry{Action: audit.ActionSegmentDelete, Subject: id,
			Summary: fmt.Sprintf("deleted segment %q", now.Name)})
	})
	if err != nil {
		return nil, err
	}

	return &id, nil
}

// checkSegment refuses a name or a rule that cannot be; nil is not given. It keeps the lists that
// the rule names from being deleted until the transaction ends.
func checkSegment(ctx context.Context, tx *database.Tx, name *string, rule *jsonfield.ContactFilter) error {
	var in usererror.Fields
	if name != nil {
		checkListName(&in, *name)
	}
	if rule != nil {
		if err := checkFilter(ctx, tx.Client, &in, "filter.", *rule); err != nil {
			return err
		}
	}
	if err := in.Err(); err != nil || rule == nil {
		return err
	}

	return hold(ctx, tx, "filter.listIds", rule.ListIDs, nil)
}

// lockSegment reads a segment and keeps it from being changed, or named by a new campaign, until
// the transaction ends.
func lockSegment(ctx context.Context, tx *database.Tx, id uid.ID) (*ent.Segment, error) {
	found, err := tx.Client.Segment.Query().Where(segment.ID(id), tx.DB.Locked).Only(ctx)
	if ent.IsNotFound(err) {
		return nil, usererror.Missing("segment")
	}
	if err != nil {
		return nil, fmt.Errorf("read segment: %w", err)
	}

	return found, nil
}

// usedBy names the first of what uses a list or a segment; empty for none. The query takes the
// organization, the id as text and more.
func usedBy(ctx context.Context, tx *database.Tx, query string, owner, id uid.ID,
	more ...any) (user string, err error) {
	err = tx.QueryRowContext(ctx, query+" LIMIT 1", append([]any{owner, id.String()}, more...)...).Scan(&user)
	if errors.Is(err, stdsql.ErrNoRows) {
		return "", nil
	}

	return user, err
}

// A campaign that is not over must keep its audience: over an excluded list or segment that is gone
// it would write to everyone in it.
const (
	usersOfSegment = `SELECT 'campaign ' || name FROM campaign WHERE organization_id = $1
		AND status IN ('DRAFT', 'SCHEDULED', 'PREPARING', 'RUNNING', 'PAUSED')
		AND CAST(audience_rule AS text) LIKE '%' || CAST($2 AS text) || '%'`
	usersOfList = usersOfSegment + `
		UNION ALL SELECT 'segment ' || name FROM segment WHERE organization_id = $1
			AND CAST(rule AS text) LIKE '%' || CAST($2 AS text) || '%'
		UNION ALL SELECT 'the import of ' || file_name FROM contact_import WHERE organization_id = $1
			AND contact_list_id = $3 AND status IN ('PENDING', 'RUNNING')`
)

// Freeze gives an audience the rules that its segments have now. Those that it has already stay.
// Freezing what is frozen costs nothing. The client may be a transaction's.
func Freeze(ctx context.Context, client *ent.Client, organization uid.ID,
	a jsonfield.Audience) (jsonfield.Audience, error) {
	missing := unfrozen(a)
	if len(missing) == 0 {
		return a, nil
	}

	rules, err := segmentRules(ctx, client, organization, missing)
	if err != nil {
		return a, err
	}

	for _, id := range a.ExcludeSegmentIDs {
		if _, there := withRules(a, rules).Rules[id]; !there {
			return a, fmt.Errorf("segment %s, which the audience excludes, is gone", id)
		}
	}

	return withRules(a, rules), nil
}

// unfrozen are the segments of an audience whose rules it does not hold.
func unfrozen(a jsonfield.Audience) []uid.ID {
	return slices.DeleteFunc(slices.Concat(a.SegmentIDs, a.ExcludeSegmentIDs), func(id uid.ID) bool {
		_, frozen := a.Rules[id]
		return frozen
	})
}

// withRules is an audience that also holds those of the rules that it names.
func withRules(a jsonfield.Audience, rules map[uid.ID]jsonfield.ContactFilter) jsonfield.Audience {
	held := maps.Clone(a.Rules)
	if held == nil {
		held = map[uid.ID]jsonfield.ContactFilter{}
	}

	for _, id := range unfrozen(a) {
		if rule, there := rules[id]; there {
			held[id] = rule
		}
	}

	a.Rules = held

	return a
}

func segmentRules(ctx context.Context, client *ent.Client, organization uid.ID,
	ids []uid.ID) (map[uid.ID]jsonfield.ContactFilter, error) {
	if len(ids) == 0 {
		return nil, nil
	}

	found, err := client.Segment.Query().Where(segment.IDIn(ids...), segment.OrganizationID(organization)).All(ctx)
	if err != nil {
		return nil, fmt.Errorf("read segments: %w", err)
	}

	rules := make(map[uid.ID]jsonfield.ContactFilter, len(found))
	for _, s := range found {
		rules[s.ID] = s.Rule
	}

	return rules, nil
}

// SegmentSizes counts who matches each segment now, in one statement.
func (s *Service) SegmentSizes(ctx context.Context,
	segments map[uid.ID]jsonfield.ContactFilter) (map[uid.ID]int, error) {
	owner, err := organization(ctx)
	if err != nil {
		return nil, err
	}

	all := make(map[uid.ID]jsonfield.Audience, len(segments))
	for id, rule := range segments {
		all[id] = jsonfield.Audience{Filter: &rule}
	}

	return s.Counts(ctx, owner, all)
}
