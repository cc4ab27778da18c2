package webhook

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"carillon/ent"
	"carillon/outbound"
	"carillon/secret"
	"carillon/uid"
)

const (
	// mostKept is how many bytes of an answer are kept, and mostRead how many are read so that its
	// connection can be used again.
	mostKept = 1024
	mostRead = 64 << 10
	// longestRetryAfter bounds what an endpoint may ask for.
	longestRetryAfter = 12 * time.Hour

	userAgent = "Carillon-Webhooks/1 (+https://www.standardwebhooks.com)"
)

// signer signs what is posted to an endpoint.
type signer struct {
	current  *standardwebhooks.Webhook
	previous *standardwebhooks.Webhook // nil: there is none
	until    time.Time                 // when the previous one ends
}

// signerOf opens an endpoint's secrets.
func signerOf(keys *secret.Keyring, e *ent.WebhookEndpoint) (s signer, err error) {
	open := func(sealed []byte) (*standardwebhooks.Webhook, error) {
		key, err := keys.Open(sealed, e.ID[:])
		if err != nil {
			return nil, err
		}
		return standardwebhooks.NewWebhookRaw(key)
	}

	if s.current, err = open(e.Secret); err != nil {
		return s, fmt.Errorf("open the secret of endpoint %s: %w", e.ID, err)
	}

	if e.PreviousSecret != nil && e.PreviousUntil != nil {
		s.until = *e.PreviousUntil
		if s.previous, err = open(*e.PreviousSecret); err != nil {
			return s, fmt.Errorf("open the former secret of endpoint %s: %w", e.ID, err)
		}
	}

	return s, nil
}

// header is the signature of a payload: two while a former secret holds, the new one first.
func (s signer) header(id string, at time.Time, payload []byte) (string, error) {
	signature, err := s.current.Sign(id, at, payload)
	if err != nil || s.previous == nil || !at.Before(s.until) {
		return signature, err
	}

	second, err := s.previous.Sign(id, at, payload)

	return signature + " " + second, err
}

// answer is what came of posting.
type answer struct {
	status     int // 0: there was none
	body       string
	err        string        // empty: it was taken
	retryAfter time.Duration // as the endpoint asks
	cut        bool          // it was not the endpoint's fault, and is no attempt
}

func (a answer) taken() bool { return a.err == "" }
func (a answer) gone() bool  { return a.status == http.StatusGone }

// post posts a payload once.
func (s *Service) post(ctx context.Context, sign signer, address string, id uid.ID, payload string) answer {
	ctx, cancel := context.WithTimeout(ctx, postTimeout)
	defer cancel()
	body, at := []byte(payload), s.moment()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		return answer{err: "The address cannot be used."}
	}

	signature, err := sign.header(id.String(), at, body)
	if err != nil {
		return answer{err: "It could not be signed."}
	}

	h := request.Header
	h.Set("Content-Type", "application/json")
	h.Set("User-Agent", userAgent)
	h.Set(standardwebhooks.HeaderWebhookID, id.String())
	h.Set(standardwebhooks.HeaderWebhookTimestamp, strconv.FormatInt(at.Unix(), 10))
	h.Set(standardwebhooks.HeaderWebhookSignature, signature)

	response, err := s.client.Do(request)
	if err != nil {
		return answer{err: why(err), cut: errors.Is(err, context.Canceled)}
	}

	defer response.Body.Close()
	kept, err := io.ReadAll(io.LimitReader(response.Body, mostKept))
	if err == nil { // with the rest read, the connection can be used again
		_, _ = io.CopyN(io.Discard, response.Body, mostRead)
	}

	a := answer{status: response.StatusCode}
	if a.status >= http.StatusOK && a.status < http.StatusMultipleChoices {
		return a
	}

	a.body = strings.ReplaceAll(strings.ToValidUTF8(string(kept), "\uFFFD"), "\x00", "\uFFFD")
	a.err = fmt.Sprintf("It answered %s.", strings.TrimSpace(strconv.Itoa(a.status)+" "+http.StatusText(a.status)))
	if a.status >= http.StatusMultipleChoices && a.status < http.StatusBadRequest {
		a.err += " Redirects are not followed."
	}

	a.retryAfter = retryAfter(response.Header.Get("Retry-After"), at)

	return a
}

// retryAfter reads the header of that name: seconds, or a time.
func retryAfter(value string, now time.Time) time.Duration {
	d := time.Duration(0)
	if seconds, err := strconv.Atoi(value); err == nil {
		d = time.Duration(min(max(seconds, 0), int(longestRetryAfter/time.Second))) * time.Second
	} else if at, err := http.ParseTime(value); err == nil {
		d = at.Sub(now)
	}

	return min(max(d, 0), longestRetryAfter)
}

// why says what went wrong on the way, without anything of our own network.
func why(err error) string {
	var dns *net.DNSError
	var certificate *tls.CertificateVerificationError
	var record tls.RecordHeaderError
	var timeout interface{ Timeout() bool }

	switch {
	case errors.Is(err, outbound.ErrForbidden):
		return "Its name leads to an address that is not public; the operator of this service allows others in WEBHOOK_ALLOW."
	case errors.As(err, &dns) && dns.IsNotFound:
		return "Its name is not known."
	case errors.As(err, &dns):
		return "Its name could not be resolved."
	case errors.As(err, &certificate):
		return "Its certificate is not good."
	case errors.As(err, &record):
		return "It does not speak TLS there."
	case errors.Is(err, context.Canceled):
		return "The service stopped while it waited for the answer."
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded),
		errors.As(err, &timeout) && timeout.Timeout():
		return fmt.Sprintf("It did not answer within %d seconds.", postTimeout/time.Second)
	case errors.Is(err, syscall.ECONNREFUSED):
		return "It refused the connection."
	}

	return "The connection broke."
}
