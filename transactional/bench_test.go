package transactional_test

import (
	"testing"

	"carillon/database/dbtest"
	"carillon/transactional"
)

// BenchmarkSend is a burst of calls at once for one organization, whose log and audit trail they
// all wait for.
func BenchmarkSend(b *testing.B) {
	for name, dsn := range map[string]func(testing.TB) string{"sqlite": dbtest.SQLite, "postgres": dbtest.Postgres} {
		b.Run(name, func(b *testing.B) {
			s := stand(b, dbtest.Open(b, dsn(b)), "bench@example.com")
			b.SetParallelism(4)
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					if _, err := s.Send(s.owner, transactional.Message{PhoneNumberID: s.number, To: optedIn,
						Template: &transactional.Template{TemplateID: s.templates["order"]}}); err != nil {
						b.Error(err)
						return
					}
				}
			})
		})
	}
}
