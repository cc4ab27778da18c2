package sandbox

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
)

// refusal is an answer that says no, in Meta's error envelope.
type refusal struct {
	status        int
	kind          string // "type" in the envelope
	code, subcode int
	message       string
	details       string // error_data.details
	userTitle     string
	userMessage   string
	transient     bool
}

// answer is how Meta words an error code.
type answer struct {
	title   string
	status  int // of the HTTP answer; 0 means 400
	subcode int
}

// answers lists the codes that the sandbox gives, in an HTTP answer or in a failed status.
// developers.facebook.com/documentation/business-messaging/whatsapp/support/error-codes (read
// 2026-09; HTTP column 2025-12).
var answers = map[int]answer{
	1:   {"An unknown error occurred", 0, 0},
	2:   {"An unexpected error has occurred. Please retry your request later.", 503, 0},
	10:  {"Application does not have permission for this action", 403, 0},
	100: {"Invalid parameter", 0, 0},
	104: {"An access token is required to request this resource.", 0, 0},
	190: {"Error validating access token", 401, 0},
	200: {"You do not have the necessary permissions required to perform this action on this WhatsApp Business " +
		"Account", 403, 0},
	2200:   {"Callback verification failed", 0, 0},
	80007:  {"There have been too many calls to this WhatsApp Business Account", 0, 2494055},
	130429: {"Rate limit hit", 0, 2494055},
	130472: {"User's number is part of an experiment", 0, 0},
	131000: {"Something went wrong", 500, 0},
	131008: {"Required parameter is missing", 0, 0},
	131009: {"Parameter value is not valid", 0, 0},
	131021: {"Recipient cannot be sender", 0, 0},
	131026: {"Message undeliverable", 0, 0},
	131030: {"Recipient phone number not in allowed list", 0, 2655007},
	131042: {"Business eligibility payment issue", 0, 0},
	131047: {"Re-engagement message", 0, 0},
	131048: {"Spam rate limit hit", 0, 0},
	131049: {"This message was not delivered to maintain healthy ecosystem engagement.", 0, 0},
	131050: {"Unable to deliver the message. This recipient has chosen to stop receiving marketing messages on " +
		"WhatsApp from your business", 0, 0},
	131051: {"Unsupported message type", 0, 0},
	131053: {"Media upload error", 0, 0},
	131055: {"Method not allowed", 0, 0},
	131061: {"Message template with a max price cannot be sent through Cloud API", 0, 0},
	131056: {"(Business Account, Consumer Account) pair rate limit hit", 0, 0},
	131059: {"Invalid cursor", 0, 0},
	131062: {"Business-scoped user id (BSUID) recipients are not supported for this message", 0, 0},
	131063: {"Marketing templates are disabled on Cloud API", 0, 0},
	131070: {"Another app owns the thread", 0, 0},
	132000: {"Number of parameters does not match the expected number of params", 0, 2494073},
	132001: {"Template name does not exist in the translation", 404, 0},
	132005: {"Translated text too long", 0, 0},
	132012: {"Parameter format does not match format in the created template", 0, 0},
	132015: {"Template is paused", 0, 0},
	132016: {"Template is disabled", 0, 0},
	132018: {"There's an issue with the parameters in your template", 0, 0},
	133005: {"Two step verification PIN mismatch", 0, 0},
	133008: {"Too many two step verification PIN guesses", 0, 0},
	133006: {"Phone number re-verification needed", 0, 0},
	133010: {"Phone number not registered", 0, 0},
	133016: {"Account register deregister rate limit exceeded", 0, 0},
	134102: {"Template unavailable for the Marketing Messages API", 500, 0},
	136024: {"Request code error", 0, 2388091},
	136025: {"Verify code error", 0, 2388093},
	147001: {"Username is not available", 0, 0},
}

// refuse is the refusal with a code, and details to which Meta's fixed texts leave room.
func refuse(code int, details string, args ...any) *refusal {
	a := answers[code]
	no := &refusal{status: a.status, kind: "OAuthException", code: code, subcode: a.subcode, transient: code == 2}
	if no.status == 0 {
		no.status = http.StatusBadRequest
	}

	no.details = fmt.Sprintf(details, args...)
	no.message = fmt.Sprintf("(#%d) %s", code, a.title)
	if code == 2 {
		no.message = a.title
	}

	return no
}

// invalid is how a bad parameter reads: code 100, and the sentence in the message itself.
func invalid(sentence string, args ...any) *refusal {
	no := refuse(100, sentence, args...)
	no.message = "(#100) " + no.details
	return no
}

// badTemplate is how template management refuses: code 100, a subcode, and a text for the person
// who wrote it.
func badTemplate(subcode int, title, sentence string, args ...any) *refusal {
	no := refuse(100, "")
	no.message, no.subcode, no.userTitle, no.userMessage = "Invalid parameter", subcode, title,
		fmt.Sprintf(sentence, args...)
	return no
}

// missing is how Graph speaks of a node that is not there, or not for this token to see.
func missing(method, id string) *refusal {
	return &refusal{
		status: http.StatusBadRequest, kind: "GraphMethodException", code: 100, subcode: 33,
		message: fmt.Sprintf(
			"Unsupported %s request. Object with ID '%s' does not exist, cannot be loaded due to missing permissions, "+
				"or does not support this operation. Please read the Graph API documentation at "+
				"https://developers.facebook.com/docs/graph-api",
			strings.ToLower(method), id),
	}
}

func (s *Sandbox) refuse(w http.ResponseWriter, no *refusal) {
	s.book.refused(no.code)
	inner := map[string]any{
		"message": no.message, "type": no.kind, "code": no.code, "fbtrace_id": s.trace(),
	}
	if no.subcode != 0 {
		inner["error_subcode"] = no.subcode
	}
	if no.details != "" {
		inner["error_data"] = map[string]any{"messaging_product": "whatsapp", "details": no.details}
	}
	if no.userTitle != "" {
		inner["error_user_title"], inner["error_user_msg"] = no.userTitle, no.userMessage
	}
	if no.transient || no.userTitle != "" {
		inner["is_transient"] = no.transient
	}

	trace := inner["fbtrace_id"].(string)
	w.Header().Set("X-Fb-Trace-Id", trace)
	w.Header().Set("Www-Authenticate", `OAuth "Facebook Platform" "`+no.kind+`"`)
	s.write(w, no.status, map[string]any{"error": inner})
}

// trace is an id in the shape of fbtrace_id.
func (s *Sandbox) trace() string {
	x := mix(s.seed ^ s.tosses.Add(1)<<20)
	return "A" + strconv.FormatUint(x, 36)
}

func (s *Sandbox) write(w http.ResponseWriter, status int, value any) {
	body, err := json.Marshal(value)
	if err != nil {
		s.log.Error("sandbox: encode answer", "error", err)
		status, body = http.StatusInternalServerError, nil
	}

	w.Header().Set("Content-Type", "application/json; charset=UTF-8")
	w.WriteHeader(status)
	if _, err := w.Write(body); err != nil {
		s.log.Debug("sandbox: caller went away", "error", err)
	}
}

// succeed answers as Graph does when there is nothing else to say.
func (s *Sandbox) succeed(w http.ResponseWriter) {
	s.write(w, http.StatusOK, map[string]any{"success": true})
}
