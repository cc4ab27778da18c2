package media

import (
	"context"
	"errors"
	"fmt"
	"time"

	"carillon/audit"
	"carillon/caller"
	"carillon/database"
	"carillon/ent"
	"carillon/ent/mediaupload"
	"carillon/uid"
	"carillon/usererror"
	"carillon/whatsapp"
)

// goodFor is how long a file has to be kept by WhatsApp still to be given to a campaign: it may
// wait, and pause.
const goodFor = 7 * 24 * time.Hour

// forgetAfter is how long an upload stays known after WhatsApp has forgotten it, so that who uses
// it is told why it is refused.
const forgetAfter = 90 * 24 * time.Hour

// Renew returns the id by which a number can send a file for a week to come: the same, or that of
// the same file of this number, or of one that it uploads anew, straight from WhatsApp, which has
// it for another number or not for long. An id that was not uploaded here stays as it is. One that
// WhatsApp has forgotten is refused as the value of field.
func (s *Service) Renew(ctx context.Context, phoneNumber uid.ID, mediaID, field string) (string, error) {
	known, err := s.db.Client.MediaUpload.Query().Where(mediaupload.MediaID(mediaID)).
		Order(mediaupload.ByExpiresAt()).All(ctx)
	if err != nil {
		return "", fmt.Errorf("find upload: %w", err)
	}
	if len(known) == 0 {
		return mediaID, nil
	}

	last := known[len(known)-1]
	if last.PhoneNumberID == phoneNumber && last.ExpiresAt.After(s.now().Add(goodFor)) {
		return mediaID, nil
	}

	kept, err := s.kept(ctx, phoneNumber, last.Sha256)
	if err != nil {
		return "", err
	}
	if kept != nil {
		return kept.MediaID, nil
	}

	if !last.ExpiresAt.After(s.now()) {
		return "", usererror.Refuse(field, usererror.Stale, "WhatsApp has forgotten the file %q, which was uploaded on %s; "+
			"upload it again", last.FileName, last.UploadedAt.Format(time.DateOnly))
	}

	return s.copy(ctx, last, phoneNumber, field)
}

// copy uploads a file anew for a number, out of what WhatsApp has of it.
func (s *Service) copy(ctx context.Context, from *ent.MediaUpload, phoneNumber uid.ID, field string) (string, error) {
	system := caller.System(ctx)
	source, err := s.accounts.Sender(ctx, from.PhoneNumberID)
	if err != nil {
		return "", err
	}

	to, err := s.accounts.Sender(ctx, phoneNumber)
	if no := (*usererror.Error)(nil); errors.As(err, &no) { // whoever sends from it will be told
		return from.MediaID, nil
	}
	if err != nil {
		return "", err
	}

	ctx, cancel := context.WithTimeout(ctx, fetchWithin)
	defer cancel()
	content, err := s.fetch(ctx, source, from.MediaID, "")
	if err != nil {
		return "", usererror.Refuse(field, usererror.Upstream, "WhatsApp does not give the file %q back to be sent from "+
			"another number; upload it for this number", from.FileName)
	}

	defer func() { _ = content.Body.Close() }()

	id, err := s.give(ctx, to, whatsapp.File{Name: from.FileName, MIME: from.MimeType, Size: from.Size,
		Content: content.Body})
	if err != nil {
		return "", err
	}

	row := &ent.MediaUpload{FileName: from.FileName, MimeType: from.MimeType, Sha256: from.Sha256, Size: from.Size,
		MediaID: id}
	err = s.db.InTx(system, func(tx *database.Tx) error {
		if err := s.keep(system, tx, to, row); err != nil {
			return err
		}

		return audit.Record(ctx, tx, audit.Entry{Organization: from.OrganizationID, Action: audit.ActionMediaUpload,
			Subject: phoneNumber, Summary: fmt.Sprintf("uploaded %q again", from.FileName)})
	})
	if err != nil {
		return "", fmt.Errorf("keep an upload: %w", err)
	}

	return id, nil
}

// Sweep forgets uploads that WhatsApp has forgotten long ago.
func (s *Service) Sweep(ctx context.Context) error {
	ctx = caller.System(ctx)
	if _, err := s.db.Client.MediaUpload.Delete().
		Where(mediaupload.ExpiresAtLT(s.now().Add(-forgetAfter))).Exec(ctx); err != nil {
		return fmt.Errorf("forget uploads: %w", err)
	}

	return nil
}
