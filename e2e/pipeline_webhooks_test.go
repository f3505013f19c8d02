// The webhooks of a run of pipeline_test.go, and their receiver.

package e2e

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"sync"
	"syscall"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"pgregory.net/rapid"

	"github.com/gatehouse-portal/gatehouse/notices"
	"github.com/gatehouse-portal/gatehouse/outbound"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/schema"
)

// receiver is the server behind all people's webhooks. Before each attempt, the test draws what it does with the
// request.
type receiver struct {
	w       *world
	address string
	// of are the ids of the people's webhooks.
	of map[portal.AccountID]string

	mu   sync.Mutex
	fate string
	// taken counts the requests that the receiver took, with any answer, by webhook and webhook-id.
	taken map[string]int
	// over is closed at the end.
	over chan struct{}
}

func newReceiver(w *world) *receiver {
	r := &receiver{w: w, of: map[portal.AccountID]string{}, taken: map[string]int{}, over: make(chan struct{})}
	server := httptest.NewServer(r)
	w.Cleanup(server.Close)
	w.Cleanup(func() { close(r.over) }) // first, since Close waits for what hangs
	r.address = server.Listener.Addr().String()
	return r
}

func (r *receiver) sender() *notices.WebhookSender {
	return &notices.WebhookSender{Secrets: r, Outbound: r.outbound(), BaseURL: "https://portal.example.com", Timeout: 50 * time.Millisecond}
}

func (r *receiver) outbound() outbound.Config {
	return outbound.Config{Resolver: r, Connect: r.connect, AllowPrivate: func(host string) bool { return host == "hooks.test" }}
}

func (r *receiver) register(store *notices.Store, account portal.AccountID) {
	desk := &notices.Desk{Store: store, Secrets: r, Sender: fakeSender{r.w}, KMSKey: "k", Outbound: r.outbound(), Now: r.w.now}
	hook, _, err := desk.AddWebhook(context.Background(), account, "http://hooks.test/"+string(account), "", nil)
	if err != nil {
		r.w.Fatal(err)
	}
	r.of[account] = hook.ID
}

// WebhookSecret returns the secret that a worker needs before each attempt. So the receiver's fate is drawn here, and
// the worker may crash here.
func (r *receiver) WebhookSecret(ctx context.Context, _ string, _ portal.AccountID, webhook string, _ int) ([]byte, error) {
	fate := "takes it"
	if _, worker := ctx.Value(workerKey{}).(*worker); worker && !r.w.calm {
		fate = rapid.SampledFrom([]string{
			"takes it", "takes it", "fails", "fails", "hangs", "redirects", "disappears", "takes it and fails", "is gone for good",
		}).Draw(r.w.T, "the receiver")
	}
	r.mu.Lock()
	r.fate = fate
	r.mu.Unlock()
	err := error(nil)
	if _, worker := ctx.Value(workerKey{}).(*worker); worker {
		err = r.w.faultPoint(ctx, func() error { return nil })
	}
	return []byte(webhook), err
}

func (r *receiver) ServeHTTP(rw http.ResponseWriter, request *http.Request) {
	r.mu.Lock()
	fate := r.fate
	if fate == "takes it" || fate == "takes it and fails" {
		r.taken[request.URL.Path+" "+request.Header.Get("webhook-id")]++
	}
	r.mu.Unlock()
	switch fate {
	case "fails", "takes it and fails":
		rw.WriteHeader(http.StatusInternalServerError)
	case "hangs":
		<-r.over
	case "redirects":
		http.Redirect(rw, request, "http://169.254.169.254/", http.StatusTemporaryRedirect)
	case "is gone for good":
		rw.WriteHeader(http.StatusGone)
	}
}

func (r *receiver) LookupNetIP(context.Context, string, string) ([]netip.Addr, error) {
	return []netip.Addr{netip.MustParseAddr("127.0.0.1")}, nil
}

func (r *receiver) connect(ctx context.Context, network, _ string) (net.Conn, error) {
	r.mu.Lock()
	gone := r.fate == "disappears"
	r.mu.Unlock()
	if gone {
		return nil, &net.OpError{Op: "dial", Net: network, Err: errors.Join(syscall.ECONNREFUSED)}
	}
	return (&net.Dialer{}).DialContext(ctx, network, r.address)
}

// checkHooked checks that the delivery to the owner's webhook has ended: delivered under its own webhook-id, failed,
// or held.
func (w *world) checkHooked(account portal.AccountID, notice notices.Notice, row map[string]types.AttributeValue) {
	r := w.telling.hooks
	r.mu.Lock()
	taken := r.taken["/"+string(account)+" "+notices.MessageID(notice.ID)]
	r.mu.Unlock()
	switch state := schema.TextOf(row["state"]); {
	case state == notices.Delivered && taken == 0:
		w.Errorf("%s of %s is delivered, and the webhook has not got it under its id", notice.ID, account)
	case state == notices.Delivered, state == notices.Failed, state == notices.Held:
	default:
		w.Errorf("%s of %s is %q at the webhook", notice.ID, account, state)
	}
}
