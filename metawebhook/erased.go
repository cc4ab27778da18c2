package metawebhook

import (
	"context"
	"regexp"
	"time"

	"carillon/audience"
	"carillon/caller"
	"carillon/delivery"
	"carillon/uid"
)

// PersonErased is counted, and nothing of the payload kept.
const PersonErased = "PERSON_ERASED"

// erasedAt tells when somebody was erased who has these addresses; zero where they were not.
func (h *Handler) erasedAt(ctx context.Context, organization uid.ID, addresses ...string) (at time.Time, err error) {
	asked := make([]delivery.Address, 0, len(addresses))
	for _, told := range addresses {
		asked = append(asked, addressed(organization, told))
	}

	found, err := h.Queue.Erased().When(ctx, h.DB, h.DB.Query, asked)
	for _, erased := range found {
		if erased.After(at) {
			at = erased
		}
	}

	return at, err
}

// addressed is an address as WhatsApp writes it.
func addressed(organization uid.ID, told string) delivery.Address {
	if address := audience.Address(told); address != "" {
		told = address
	}
	return delivery.Address{Organization: organization, Value: told}
}

// isOver reports whether what is told of somebody is dropped since they were erased: what was
// before, in any case; and until they write again themselves, whatever is not a message of theirs.
func (h *Handler) isOver(ctx context.Context, organization uid.ID, told time.Time, theirs bool,
	addresses ...string) (bool, error) {
	erased, err := h.erasedAt(ctx, organization, addresses...)
	switch {
	case err != nil, erased.IsZero():
		return false, err
	case !told.After(erased):
		return true, nil
	case theirs:
		return false, nil
	}

	known, err := h.isKnown(ctx, organization, addresses)

	return !known, err
}

// isKnown reports whether somebody has one of the addresses now.
func (h *Handler) isKnown(ctx context.Context, organization uid.ID, addresses []string) (bool, error) {
	for _, told := range addresses {
		found, err := audience.FindByAddress(ctx, h.DB.Client, organization, addressed(organization, told).Value)
		if err != nil || !found.ID.IsZero() {
			return true, err
		}
	}

	return false, nil
}

// addresses are all by which the sender of a message is named.
func (a *arrival) addresses() []string {
	all := []string{a.in.Address, a.m.From, a.m.FromUserID}
	if c := a.m.System; c != nil {
		all = append(all, c.PreviousUserID, c.WaID, c.UserID)
	}

	return all
}

// unerased is living, which costs an organization that has erased nobody one look at its row.
func (h *Handler) unerased(ctx context.Context, list []*arrival) ([]*arrival, error) {
	if len(list) == 0 {
		return list, nil
	}

	_, erases, err := h.policies(ctx, list)
	if err != nil || !erases {
		return list, err
	}

	return h.living(ctx, list)
}

// living are the messages of a list that are not of people who were erased after they wrote them.
func (h *Handler) living(ctx context.Context, list []*arrival) (left []*arrival, err error) {
	var asked []delivery.Address
	for _, a := range list {
		for _, told := range a.addresses() {
			asked = append(asked, addressed(a.in.Organization, told))
		}
	}

	erased, err := h.Queue.Erased().When(ctx, h.DB, h.DB.Query, asked)
	if err != nil || len(erased) == 0 {
		return list, err
	}

	for _, a := range list {
		theirs := a.m.Change == nil && a.m.System == nil && a.m.Type != "system"
		over, err := h.isOver(ctx, a.in.Organization, a.in.At, theirs, a.addresses()...)
		if err != nil {
			return nil, err
		}
		if a.over = over; !over {
			left = append(left, a)
		}
	}

	return left, nil
}

// names are what in a payload may be a number or a user id.
var names = regexp.MustCompile(`[A-Z]{2}\.(?:ENT\.)?[A-Za-z0-9]{1,128}|[0-9]{5,20}`)

// mostNames bounds what is looked up of one payload.
const mostNames = 2000

// namesErased reports whether a payload that would be kept names somebody whom one of the
// organizations that it is about has erased, and who has not come back.
func (h *Handler) namesErased(ctx context.Context, v verdict, body []byte) (bool, error) {
	if v.reason == "" || len(v.about) == 0 {
		return false, nil
	}

	owners, err := h.Accounts.Owners(ctx, v.about...)
	if err != nil {
		return false, err
	}

	var asked []delivery.Address
	for _, owner := range owners {
		for _, name := range names.FindAll(body, mostNames) {
			asked = append(asked, addressed(owner, string(name)))
		}
	}

	erased, err := h.Queue.Erased().When(ctx, h.DB, h.DB.Query, asked)
	for a := range erased {
		known, err := h.isKnown(caller.System(ctx), a.Organization, []string{a.Value})
		if err != nil || !known {
			return !known, err
		}
	}

	return false, err
}
