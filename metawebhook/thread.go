package metawebhook

import (
	"cmp"
	"context"

	"carillon/account"
	"carillon/audience"
	"carillon/whatsapp"
)

// handover notes who holds a conversation now, where several apps share a number.
func (h *Handler) handover(ctx context.Context, c whatsapp.Handover) error {
	to, err := h.Accounts.ReceiverOf(ctx, c.WABAID, c.PhoneNumberID)
	if err != nil {
		return err
	}

	over, err := h.isOver(ctx, to.PhoneNumber.OrganizationID, c.At, false, c.From, c.FromUserID)
	if err != nil || over {
		return err
	}

	return h.Accounts.NoteThread(ctx, account.Thread{PhoneNumber: to.PhoneNumber,
		Address: cmp.Or(audience.Address(c.From), c.FromUserID), Ours: c.Ours, Role: c.Role, At: c.At})
}

// holder notes what a message says of its conversation's holder: a copy that another app answers,
// and any other that we do. Groups and WhatsApp's own messages have no holder.
func (h *Handler) holder(ctx context.Context, a *arrival) error {
	if a.m.GroupID != "" || a.m.System != nil || a.m.Type == "system" {
		return nil
	}

	thread := account.Thread{PhoneNumber: a.to.PhoneNumber, Address: a.in.Address, At: a.in.At}
	if a.m.Standby {
		return h.Accounts.NoteThread(ctx, thread)
	}

	return h.Accounts.NoteReceived(ctx, thread)
}
