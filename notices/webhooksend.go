package notices

import (
	"bytes"
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/gatehouse-portal/gatehouse/outbound"
	"github.com/gatehouse-portal/gatehouse/portal"
)

// WebhookTimeout is how long a webhook may take for its whole answer.
const WebhookTimeout = 10 * time.Second

const (
	maxAnswer       = 1 << 10
	maxAnswerHeader = 64 << 10
	webhookAgent    = "Gatehouse-Webhooks"
)

type secrets interface {
	WebhookSecret(ctx context.Context, kmsKey string, account portal.AccountID, webhook string, generation int) ([]byte, error)
}

// WebhookSender sends notices to webhooks, in the format of Standard Webhooks
// (https://www.standardwebhooks.com). It follows no redirect and reaches no address inside a
// network.
type WebhookSender struct {
	Secrets  secrets
	Outbound outbound.Config
	// BaseURL has no trailing "/".
	BaseURL string
	// Timeout replaces WebhookTimeout if it is not 0.
	Timeout time.Duration
}

// Payload is the body of a webhook: a CloudEvent 1.0 in JSON.
type Payload struct {
	SpecVersion string      `json:"specversion"`
	ID          string      `json:"id"`
	Source      string      `json:"source"`
	Type        string      `json:"type"`
	Subject     string      `json:"subject"`
	Time        time.Time   `json:"time"`
	ContentType string      `json:"datacontenttype"`
	Data        PayloadData `json:"data"`
}

// PayloadData is what a Payload tells.
type PayloadData struct {
	Account    portal.AccountID   `json:"account"`
	Kind       Kind               `json:"kind"`
	Importance Importance         `json:"importance"`
	Title      string             `json:"title"`
	Text       string             `json:"text"`
	Advice     string             `json:"advice,omitempty"`
	Link       string             `json:"link"`
	Operation  portal.OperationID `json:"operation,omitempty"`
}

// MessageID is the webhook-id of a notice: the same at every attempt and webhook.
func MessageID(notice string) string { return "msg_" + notice }

func (s *WebhookSender) payload(account portal.AccountID, n Notice) ([]byte, error) {
	return json.Marshal(Payload{
		SpecVersion: "1.0", ID: MessageID(n.ID), Source: s.BaseURL, Type: "gatehouse.notice." + string(n.Kind), Subject: n.About,
		Time: n.At.UTC(), ContentType: "application/json", Data: PayloadData{
			Account: account, Kind: n.Kind, Importance: n.Importance, Title: n.Title, Text: n.Text, Advice: n.Advice,
			Link: s.BaseURL + n.Link, Operation: n.Operation,
		},
	})
}

// send makes one attempt. An error is KMS's, and nothing was sent.
func (s *WebhookSender) send(ctx context.Context, account portal.AccountID, w Webhook, n Notice, now time.Time) (result, error) {
	body, err := s.payload(account, n)
	if err != nil {
		return result{}, err
	}
	signatures, err := s.sign(ctx, account, w, MessageID(n.ID), now, body)
	if err != nil {
		return result{}, err
	}
	limited, cancel := context.WithTimeout(ctx, cmp.Or(s.Timeout, WebhookTimeout))
	defer cancel()
	request, err := SignedRequest(limited, w.URL, webhookAgent, MessageID(n.ID), now, body, signatures)
	if err != nil {
		return failedFor("The address is not a URL."), nil
	}
	response, err := outbound.Transport(s.Outbound, maxAnswerHeader).RoundTrip(request)
	if err != nil {
		return s.unanswered(limited, err), nil
	}
	defer response.Body.Close()
	return answered(response, now), nil
}

// sign signs with the secret, and with the one before if it was replaced lately.
func (s *WebhookSender) sign(ctx context.Context, account portal.AccountID, w Webhook, id string, at time.Time, body []byte) (string, error) {
	generations := []int{w.Generation}
	if w.Generation > 1 && at.Before(w.PreviousUntil) {
		generations = append(generations, w.Generation-1)
	}
	var all []string
	for _, generation := range generations {
		secret, err := s.Secrets.WebhookSecret(ctx, w.KMSKey, account, w.ID, generation)
		if err != nil {
			return "", err
		}
		all = append(all, Sign(secret, id, at, body))
	}
	return strings.Join(all, " "), nil
}

// SignedRequest is a request of Standard Webhooks with a JSON body. signatures has those of Sign, with blanks
// between them. The error means that the address is not a URL.
func SignedRequest(ctx context.Context, address, agent, id string, at time.Time, body []byte, signatures string) (*http.Request, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("User-Agent", agent)
	request.Header.Set("Webhook-Id", id)
	request.Header.Set("Webhook-Timestamp", strconv.FormatInt(at.Unix(), 10))
	request.Header.Set("Webhook-Signature", signatures)
	return request, nil
}

// Sign returns one signature of Standard Webhooks, "v1,<base64>".
func Sign(secret []byte, id string, at time.Time, body []byte) string {
	mac := hmac.New(sha256.New, secret)
	fmt.Fprintf(mac, "%s.%d.", id, at.Unix())
	mac.Write(body)
	return "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

// SecretText is how a secret is shown.
func SecretText(secret []byte) string { return "whsec_" + base64.StdEncoding.EncodeToString(secret) }

func (s *WebhookSender) unanswered(ctx context.Context, err error) result {
	text := map[outbound.Failure]string{
		outbound.FailurePrivate: "The address is inside a network, on this machine, or a metadata service. Webhooks go only to public addresses.",
		outbound.FailureDNS:     "The host was not found.",
		outbound.FailureRefused: "The host refused the connection.",
		outbound.FailureTLS:     "The host's certificate is not valid, or it does not speak TLS.",
		outbound.FailureTimeout: fmt.Sprintf("There was no answer within %s.", cmp.Or(s.Timeout, WebhookTimeout)),
	}[outbound.FailureOf(ctx, err)]
	return result{Attempt: Attempt{Error: cmp.Or(text, "The connection broke, or the answer was not HTTP.")}}
}

// answered judges by the status alone. The body is read up to a kilobyte, for the log.
func answered(response *http.Response, now time.Time) result {
	body, _ := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	r := result{Attempt: Attempt{Status: response.StatusCode, Answer: strings.ToValidUTF8(string(body), "�")}}
	switch status := response.StatusCode; {
	case status >= 200 && status < 300:
		return r
	case status == http.StatusGone:
		r.Error, r.final, r.gone = "It answered 410 Gone.", true, true
	case status >= 300 && status < 400:
		r.Error = fmt.Sprintf("It answered %d with a redirect. Redirects are not followed: register the final address.", status)
	default:
		r.Error = fmt.Sprintf("It answered %d %s.", status, http.StatusText(status))
		r.notBefore = retryAfter(response.Header.Get("Retry-After"), now)
	}
	return r
}

// retryAfter reads a Retry-After header: seconds or a date (RFC 9110, section 10.2.3).
func retryAfter(value string, now time.Time) time.Time {
	if seconds, err := strconv.Atoi(value); err == nil && seconds > 0 {
		return now.Add(time.Duration(min(seconds, int(maxRetryAfter/time.Second))) * time.Second)
	}
	if at, err := http.ParseTime(value); err == nil {
		return at
	}
	return time.Time{}
}

// checkURL refuses addresses that no webhook can have. private allows http, and addresses inside
// networks, for its hosts.
func checkURL(text string, private func(host string) bool) error {
	u, err := url.Parse(text)
	switch {
	case len(text) > maxURL:
		return portal.Fail(portal.Invalid, "The address is longer than 2,000 characters.")
	case err != nil || u.Host == "" || u.Hostname() == "":
		return portal.Fail(portal.Invalid, "The address must be a full URL, like https://example.com/hooks.")
	case u.User != nil:
		return portal.Fail(portal.Invalid, "The address must have no user name or password. Check the signature of each request instead.")
	case u.Fragment != "":
		return portal.Fail(portal.Invalid, `The address must have no "#".`)
	case u.Scheme == "https", u.Scheme == "http" && private != nil && private(outbound.Canonical(u.Hostname())):
		return nil
	}
	return portal.Fail(portal.Invalid, "The address must begin with https://.")
}

const maxURL = 2000
