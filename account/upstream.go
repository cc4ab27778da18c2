package account

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"carillon/usererror"
	"carillon/whatsapp"
)

// blame says which of Meta's refusals belongs to which field of an input; an empty field is the
// whole input. The permission is the one that the call needs, empty where that is not known.
type blame struct{ token, waba, permission string }

// explain turns what went wrong with a call to Meta into what the caller can mend. Only when the
// caller itself gave up is it an error of another kind.
func explain(ctx context.Context, err error, fields blame) error {
	if ctx.Err() != nil {
		return fmt.Errorf("ask WhatsApp: %w", err)
	}

	var no *whatsapp.Error
	if !errors.As(err, &no) {
		return usererror.Refuse("", usererror.Upstream, "WhatsApp did not answer. Try again.")
	}

	switch {
	case badToken(no):
		return usererror.Refuse(fields.token, usererror.Invalid, "WhatsApp does not accept the access token: %s", words(no))
	case lacksPermission(no) && fields.permission != "":
		return usererror.Refuse(fields.token, usererror.NotAllowed, "The access token lacks the permission %s, or its "+
			"system user is not assigned to the account: %s", fields.permission, words(no))
	case lacksPermission(no):
		return usererror.Refuse(fields.token, usererror.NotAllowed, "The access token lacks a permission: %s", words(no))
	case no.Code == 100 && fields.waba != "":
		return usererror.Refuse(fields.waba, usererror.NoSuch, "WhatsApp shows no such account to this access token: %s",
			words(no))
	}

	return usererror.Refuse("", usererror.Upstream, "WhatsApp could not do it: %s", words(no))
}

// Explain is explain for a call of which no single field is to blame.
func Explain(ctx context.Context, err error) error { return explain(ctx, err, blame{}) }

// badToken reports whether no says that the token is dead, rather than that it may not do this.
func badToken(no *whatsapp.Error) bool {
	return no.Code == 190 || no.Code == 102 || no.Code == 104 || no.HTTPStatus == 401 && no.Code != whatsapp.CodeGateway
}

// lacksPermission reports whether no says that the token, or its app, may not do this.
func lacksPermission(no *whatsapp.Error) bool {
	return no.Code == 3 || no.Code == 10 || no.Code >= 200 && no.Code <= 299
}

func tokenRefused(err error) (no *whatsapp.Error, refused bool) {
	return no, errors.As(err, &no) && badToken(no)
}

// words is the most telling text of an answer for a person.
func words(no *whatsapp.Error) string {
	if no.Code == whatsapp.CodeGateway {
		return fmt.Sprintf("its answer (HTTP %d) was not one of the API. Try again.", no.HTTPStatus)
	}

	for _, text := range []string{no.UserMessage, no.Details, no.Message, no.Rule().Title} {
		if text = strings.TrimSpace(text); text != "" {
			return text
		}
	}

	return fmt.Sprintf("code %d", no.Code)
}
