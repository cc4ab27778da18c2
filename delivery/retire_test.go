package delivery_test

import (
	"encoding/json"
	"testing"
	"time"

	"carillon/database"
	"carillon/database/dbtest"
	"carillon/delivery"
	"carillon/ent"
	"carillon/ent/enum"
	"carillon/ent/jsonfield"
	"carillon/uid"
)

// retire erases what the messages made until now say, a page at a time.
func (b *bench) retire(t *testing.T, after uid.ID, n int) (erased int, waiting *uid.ID) {
	t.Helper()
	for more := true; more; {
		var done delivery.Retired
		err := b.db.InTx(b.ctx, func(tx *database.Tx) (err error) {
			done, err = b.queue.Retire(b.ctx, tx, b.organization, after, uid.From(time.Now().Add(time.Hour)), n)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}

		if waiting == nil {
			waiting = done.Waiting
		}

		after, erased, more = done.Last, erased+done.Erased, done.More
	}

	return erased, waiting
}

func (b *bench) message(id uid.ID) *ent.Message { return b.db.Client.Message.GetX(b.ctx, id) }

func says(m *ent.Message) bool {
	return m.Parameters != nil || m.Content != nil || m.Reply != nil || m.ErrorDetail != nil
}

func TestWhatIsStillToBeSentIsPassedOverAndEverythingElseSaysNothingAnyMore(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		b := setUp(t, db)
		ids := b.enqueue(t, b.campaign, 5)
		claimed := b.claim(t, 4, 0)
		b.record(t, accepted(claimed[0]), accepted(claimed[1]), failed(claimed[1]),
			delivery.Fact{Message: claimed[2].ID, Kind: delivery.Lost, Attempt: 1, At: start})

		status := map[enum.MessageStatus]uid.ID{}
		for _, id := range ids {
			status[b.message(id).Status] = id
		}

		before := db.Client.Message.GetX(b.ctx, claimed[0].ID)
		erased, waiting := b.retire(t, uid.ID{}, 2)
		if erased != 2 || waiting == nil {
			t.Errorf("%d messages were erased, the first that waits follows on %v", erased, waiting)
		}

		for s, id := range status {
			waits := s == enum.MessageStatusQueued || s == enum.MessageStatusSending || s == enum.MessageStatusUnknown
			if m := b.message(id); says(m) != waits || (m.ErasedAt == nil) != waits {
				t.Errorf("one that is %s says %v, %s", s, m.Parameters, m.Content)
			}
		}

		after := b.message(before.ID)
		if after.Status != before.Status || after.Address != before.Address || *after.Wamid != *before.Wamid ||
			!after.AcceptedAt.Equal(*before.AcceptedAt) {
			t.Errorf("it was %+v and is %+v", before, after)
		}

		b.verify(t)
		if again, _ := b.retire(t, uid.ID{}, 2); again != 0 {
			t.Errorf("%d messages were erased again", again)
		}

		b.record(t, accepted(claimed[3]))
		if late, _ := b.retire(t, *waiting, 2); late != 1 {
			t.Errorf("%d of 1 that waited were erased once they had gone", late)
		}
		b.verify(t)
	})
}

func TestAMessageWhoseTextIsGoneIsNeverSentAgain(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		b := setUp(t, db)
		b.enqueue(t, b.campaign, 1)
		m := b.claim(t, 1, 0)[0]
		b.record(t, accepted(m), failed(m))
		b.retire(t, uid.ID{}, 10)
		if n, err := b.queue.Requeue(b.ctx, b.campaign.ID, anyCode); err != nil || n != 0 {
			t.Errorf("queued %d again, %v", n, err)
		}

		// One that a page of Requeue had read before.
		b.record(t, delivery.Fact{Message: m.ID, Kind: delivery.Requeue, Attempt: 1, At: start, NotBefore: start})
		if row := b.message(m.ID); row.Status != enum.MessageStatusFailed {
			t.Errorf("it is %s", row.Status)
		}
		b.verify(t)
	})
}

func TestWhatIsToldLateBringsNoWordsBack(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, db *database.DB) {
		b := setUp(t, db)
		b.enqueue(t, b.campaign, 1)
		m := b.claim(t, 1, 0)[0]
		b.record(t, accepted(m))
		number := delivery.Number{MetaID: "2", Rows: []uid.ID{b.campaign.PhoneNumberID}}
		in, err := b.queue.Receive(b.ctx, delivery.Received{Organization: b.organization,
			PhoneNumber: b.campaign.PhoneNumberID, Account: b.account, Address: "+8613800000009", Country: "CN",
			Type: enum.MessageTypeText, WAMID: "wamid.in", Content: json.RawMessage(`{"text":{"body":"mine"}}`), At: start,
			Reply: &jsonfield.Reply{Title: "Yes", Payload: "mine"}})
		if err != nil || len(in) != 1 {
			t.Fatal(err)
		}

		b.retire(t, uid.ID{}, 10)
		b.record(t, delivery.Fact{Message: m.ID, Kind: delivery.Failed, Attempt: 1, At: start, ErrorCode: 131026,
			Detail: "no +8613800000000"})
		for _, late := range []delivery.Amendment{
			{Content: json.RawMessage(`{"text":{"body":"mine, better"},"edit":"wamid.edit"}`), At: start.Add(time.Second)},
			{Revoked: true, At: start.Add(time.Minute)},
		} {
			late.Number, late.Direction, late.Original = number, enum.DirectionInbound, "wamid.in"
			err := b.db.InTx(b.ctx, func(tx *database.Tx) error {
				found, err := b.queue.AmendInTx(b.ctx, tx, late)
				if !found {
					t.Error("the message is not found")
				}

				return err
			})
			if err != nil {
				t.Fatal(err)
			}
		}

		out, received := b.message(m.ID), b.message(in[0])
		if says(out) || out.Status != enum.MessageStatusFailed || *out.ErrorCode != 131026 {
			t.Errorf("ours is %+v", out)
		}
		if says(received) || received.EditedAt == nil || received.RevokedAt == nil {
			t.Errorf("theirs is %+v", received)
		}
		b.verify(t)
	})
}
