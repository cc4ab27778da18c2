package enum

import "io"

// ReconciliationMeasure is what is compared with WhatsApp's own figures.
type ReconciliationMeasure string

const (
	ReconciliationMeasureSent      ReconciliationMeasure = "SENT"
	ReconciliationMeasureDelivered ReconciliationMeasure = "DELIVERED"
	ReconciliationMeasureCharged   ReconciliationMeasure = "CHARGED"
)

// MarshalGQL and UnmarshalGQL bind ReconciliationMeasure to the GraphQL enum of that name.
func (v ReconciliationMeasure) MarshalGQL(w io.Writer)     { write(w, v) }
func (v *ReconciliationMeasure) UnmarshalGQL(in any) error { return read(v, in) }

// Values lists them.
func (ReconciliationMeasure) Values() []string { return []string{"SENT", "DELIVERED", "CHARGED"} }
