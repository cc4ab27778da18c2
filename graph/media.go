package graph

import (
	"context"
	"time"

	"carillon/ent"
	"carillon/ent/enum"
	"carillon/graph/model"
	"carillon/media"
	"carillon/uid"
)

func newUpload(in model.UploadMediaInput) media.NewUpload {
	file, _ := in.File.File.(media.Content) // transport's files are *os.File
	return media.NewUpload{AccountID: in.AccountID, PhoneNumberID: in.PhoneNumberID,
		Example: in.Purpose == model.MediaPurposeHeaderExample, FileName: in.File.Filename, File: file}
}

func uploaded(u *media.Uploaded, wrong []*model.UserError, mutation *string) *model.UploadMediaPayload {
	payload := &model.UploadMediaPayload{UserErrors: wrong, ClientMutationID: mutation}
	if u != nil {
		payload.Handle, payload.MediaID = some(u.Handle), some(u.MediaID)
	}

	return payload
}

// fileOf is a message's file, with a link for those who may see people's numbers.
func (r *Resolver) fileOf(ctx context.Context, m *ent.Message) (*model.Media, error) {
	f := media.FileOf(m)
	if f == nil {
		return nil, nil
	}

	if m.Direction == enum.DirectionOutbound && f.MediaID() != "" {
		loads := loadsOf(ctx)
		loads.rows.Store(m.ID, m)
		u, err := loads.uploads.load(ctx, m.ID,
			func(ctx context.Context, ids []uid.ID) (map[uid.ID]*ent.MediaUpload, error) {
				return r.Media.UploadsOf(ctx, loads.read(ids))
			})
		if err != nil {
			return nil, err
		}

		f.Describe(u)
	}

	if r.Media.Sign(m.ID, f); masked(ctx) {
		f.URL, f.ExpiresAt = "", time.Time{}
	}

	return mediaOf(f), nil
}

func mediaOf(f *media.File) *model.Media {
	out := &model.Media{MimeType: some(f.MIME), FileName: some(f.Name), Sha256: some(f.SHA256), URL: some(f.URL)}
	if f.Size > 0 {
		size := int(f.Size)
		out.Size = &size
	}
	if !f.ExpiresAt.IsZero() {
		out.ExpiresAt = &f.ExpiresAt
	}

	return out
}
