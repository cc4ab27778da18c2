package enum

import "io"

// PriceState says how sure a message's price is.
type PriceState string

const (
	PriceStateEstimated PriceState = "ESTIMATED"
	PriceStateCharged   PriceState = "CHARGED"
	PriceStateFree      PriceState = "FREE"
	PriceStateUnknown   PriceState = "UNKNOWN"
)

// MarshalGQL and UnmarshalGQL bind PriceState to the GraphQL enum of that name.
func (v PriceState) MarshalGQL(w io.Writer)     { write(w, v) }
func (v *PriceState) UnmarshalGQL(in any) error { return read(v, in) }

// Values lists them.
func (PriceState) Values() []string { return []string{"ESTIMATED", "CHARGED", "FREE", "UNKNOWN"} }
