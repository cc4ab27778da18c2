package graph

import (
	"cmp"
	"context"

	"carillon/account"
	"carillon/ent"
	"carillon/graph/model"
	"carillon/uid"
)

func signUpOf(in *model.EmbeddedSignupInput) *account.SignUp {
	by := &account.SignUp{Code: in.Code, WABAID: in.WabaID}
	if in.PhoneNumberID != nil {
		by.PhoneNumberID = *in.PhoneNumberID
	}

	return by
}

// currentRate is how fast a number may send now; those of all the response's numbers are asked for
// at once. While Redis is away a number that Meta has slowed down is not known, and the limit is
// what is known.
func (r *Resolver) currentRate(ctx context.Context, n *ent.PhoneNumber) (float64, error) {
	l := loadsOf(ctx)
	l.limits.Store(n.ID, limitOf(n))
	return l.rates.load(ctx, n.ID, func(ctx context.Context, numbers []uid.ID) (map[uid.ID]float64, error) {
		perSecond := make(map[uid.ID]float64, len(numbers))
		for _, id := range numbers {
			if limit, known := l.limits.Load(id); known {
				perSecond[id] = limit.(float64)
			}
		}

		rates, err := r.Rates.Rates(ctx, perSecond)
		if err != nil {
			r.logger().DebugContext(ctx, "the rates of numbers could not be read: their limits are shown", "error", err)
			return perSecond, nil
		}

		return rates, nil
	})
}

// profileOf is a number's business profile; those of all the response's numbers are read together.
// What cannot be read is an error of this field alone.
func (r *Resolver) profileOf(ctx context.Context, n *ent.PhoneNumber) (*model.BusinessProfile, error) {
	read, err := loadsOf(ctx).profiles.load(ctx, n.ID, r.Accounts.Profiles)
	if err != nil || read.Err != nil || read.Profile == nil {
		return nil, cmp.Or(err, read.Err)
	}

	p := read.Profile

	return &model.BusinessProfile{About: some(p.About), Address: some(p.Address), Description: some(p.Description),
		Email: some(p.Email), Websites: p.Websites, Vertical: some(p.Vertical), PictureURL: some(p.PictureURL)}, nil
}

// limitOf is how many messages a second a number may send at most.
func limitOf(n *ent.PhoneNumber) float64 {
	if n.ThroughputCap != nil {
		return float64(min(n.Throughput, *n.ThroughputCap))
	}
	return float64(n.Throughput)
}

// pointers are to the elements of a list, as gqlgen wants lists of objects.
func pointers[T any](list []T) []*T {
	out := make([]*T, len(list))
	for i := range list {
		out[i] = &list[i]
	}

	return out
}
