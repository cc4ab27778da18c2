package audience

import (
	"context"
	"fmt"
	"time"

	"carillon/database"
	"carillon/delivery"
	"carillon/ent/enum"
	"carillon/uid"
)

// recognize looks which of the numbers and user ids that nobody has are those of people who were
// erased.
func (r *resolution) recognize(ctx context.Context) error {
	var asked []delivery.Address
	of := map[delivery.Address]identifier{}
	for _, g := range r.groups {
		for _, i := range g.fresh {
			a := delivery.Address{Organization: i.organization, Value: i.value}
			asked, of[a] = append(asked, a), i
		}
	}

	found, err := r.erased.When(ctx, r.DB, r.QueryContext, asked)
	if err != nil || len(found) == 0 {
		return err
	}

	r.gone = make(map[identifier]time.Time, len(found))
	for a, at := range found {
		r.gone[of[a]] = at
	}

	return nil
}

// isOver reports whether nothing is kept of a group since its person was erased: what is told late
// of the time before does not bring them back, nor does anything but what makes a contact.
func (r *resolution) isOver(g *group, making Making) bool {
	for _, i := range g.fresh {
		erased, is := r.gone[i]
		if !is {
			continue
		}

		last := r.told[g.told[len(g.told)-1]].At
		if making != MakeContact || !last.After(erased) {
			return true
		}
	}

	return false
}

// erasedOf reports whether somebody whom nobody knows any more was erased.
func (s *Service) erasedOf(ctx context.Context, tx *database.Tx, who told) (bool, error) {
	asked := make([]delivery.Address, len(who.identifiers))
	for i, own := range who.identifiers {
		asked[i] = delivery.Address{Organization: own.organization, Value: own.value}
	}

	found, err := s.erased.When(ctx, tx.DB, tx.QueryContext, asked)

	return len(found) > 0, err
}

// mark notes which of the identifiers that are kept were those of people who were erased: whoever
// has them is not written to.
func (r *resolution) mark(ctx context.Context, kept []held) error {
	var erased []identifier
	for _, h := range kept {
		if _, is := r.gone[h.identifier]; is {
			erased = append(erased, h.identifier)
		}
	}

	return markErased(ctx, r.Tx, erased)
}

// mark is that of an import's page.
func (w writer) mark(ctx context.Context, kept []keptIdentifier) error {
	asked := make([]delivery.Address, len(kept))
	for i, k := range kept {
		asked[i] = delivery.Address{Organization: w.im.OrganizationID, Value: k.value}
	}

	found, err := w.erased.When(ctx, w.DB, w.QueryContext, asked)
	if err != nil {
		return err
	}

	var erased []identifier
	for i, k := range kept {
		if _, is := found[asked[i]]; is {
			erased = append(erased, identifier{w.im.OrganizationID, k.kind, k.value})
		}
	}

	return markErased(ctx, w.Tx, erased)
}

var identifierColumns = database.Columns[identifier]{
	database.Col("organization_id", func(i identifier) uid.ID { return i.organization }, database.IDs),
	database.Col("kind", func(i identifier) enum.IdentifierKind { return i.kind }, database.Texts),
	database.Col("value", func(i identifier) string { return i.value }, database.Texts),
}

func markErased(ctx context.Context, tx *database.Tx, erased []identifier) error {
	if len(erased) == 0 {
		return nil
	}

	from, args := tx.DB.Rowset([]any{true}, identifierColumns.Of(erased)...)
	_, err := tx.ExecContext(ctx, "UPDATE contact_identifier SET erased = $1 FROM "+from+
		" WHERE contact_identifier.organization_id = f.organization_id AND contact_identifier.kind = f.kind"+
		" AND contact_identifier.value = f.value", args...)
	if err != nil {
		return fmt.Errorf("mark the identifiers of people who were erased: %w", err)
	}

	return nil
}

// readmit lets a number be written to again that was somebody's who was erased.
func (s *Service) readmit(ctx context.Context, tx *database.Tx, owner uid.ID, phone string) error {
	if err := s.erased.Forget(ctx, tx, owner, everySpelling(phone)); err != nil {
		return err
	}

	_, err := tx.ExecContext(ctx, "UPDATE contact_identifier SET erased = $3 WHERE organization_id = $1"+
		" AND kind = 'PHONE' AND value = $2 AND erased", owner, NumberKey(phone), false)
	if err != nil {
		return fmt.Errorf("let a number be written to again: %w", err)
	}

	return nil
}
