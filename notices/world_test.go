package notices_test

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"

	"github.com/gatehouse-portal/gatehouse/accounts"
	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/identity"
	"github.com/gatehouse-portal/gatehouse/journal/journaltest"
	"github.com/gatehouse-portal/gatehouse/notices"
	"github.com/gatehouse-portal/gatehouse/outbound"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/schema"
	"github.com/gatehouse-portal/gatehouse/state/statetest"
)

const (
	ann portal.AccountID = "ann"

	publicIP = "93.184.216.34"
)

var noon = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

// world is a worker's notices with their tables, and fakes for everything outside.
type world struct {
	t         *testing.T
	notifier  *notices.Notifier
	deliverer *notices.Deliverer
	desk      *notices.Desk
	records   string
	tables    journaltest.Tables
	post      *post
	people    people
	net       *internet
	facts     []events.Event
	snapshot  int64

	mu   sync.Mutex
	time time.Time
	sent []events.Event
}

func newWorld(t *testing.T) *world {
	t.Helper()
	tables := journaltest.Start(t)
	w := &world{t: t, tables: tables, records: tables.Records, time: noon, post: &post{}, net: &internet{answers: [][]string{{publicIP}}}}
	w.people = people{ann: {Email: "ann@example.com", Name: "Ann Example"}}
	_, err := tables.Client.PutItem(t.Context(), &dynamodb.PutItemInput{TableName: &tables.Records, Item: schema.Person(ann).Attributes()})
	if err != nil {
		t.Fatal(err)
	}
	store := notices.NewStore(tables.Client, tables.Records)
	out := outbound.Config{Resolver: w.net, Connect: w.net.connect, AllowPrivate: func(host string) bool { return host == "inside.test" }}
	w.notifier = &notices.Notifier{Accounts: w, Store: store, Sender: w, Now: w.now, Mail: true}
	w.deliverer = &notices.Deliverer{
		Store: store, Notifier: w.notifier, Sender: w, Now: w.now,
		Mail:     &notices.MailSender{Mailer: w.post, People: w.people, Portal: "Acme", BaseURL: "https://portal.example", InvitationsNeeded: true},
		Webhooks: &notices.WebhookSender{Secrets: secrets{}, Outbound: out, BaseURL: "https://portal.example", Timeout: time.Second},
	}
	w.desk = &notices.Desk{Store: store, Secrets: secrets{}, Sender: w, KMSKey: "mrk-1", Outbound: out, Now: w.now}
	return w
}

func (w *world) now() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.time
}

func (w *world) later(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.time = w.time.Add(d)
}

// AccountSince folds the world's facts. Like a process that reads on from a snapshot, it returns those
// after the snapshot, or after that sequence if it is earlier.
func (w *world) AccountSince(_ context.Context, id portal.AccountID, after int64, _ events.Event) (accounts.History, error) {
	base := min(after, w.snapshot)
	return accounts.History{
		Account: statetest.FoldAccount(id, w.facts), Base: statetest.FoldAccount(id, w.facts[:base]), Facts: w.facts[base:],
	}, nil
}

func (w *world) Account(ctx context.Context, id portal.AccountID) (accounts.History, error) {
	return w.AccountSince(ctx, id, 0, events.Event{})
}

func (w *world) Send(_ context.Context, messages ...events.Event) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.sent = append(w.sent, messages...)
	return nil
}

// fact appends a fact to ann's stream, and returns it.
func (w *world) fact(data events.Fact) events.Event {
	w.t.Helper()
	sequence := int64(len(w.facts) + 1)
	f := events.Event{
		ID: fmt.Sprintf("fact-%d", sequence), Subject: portal.AccountStream(ann), Sequence: sequence, Time: w.now(),
		Actor: portal.AccountActor(ann), Operation: "op1", Data: data,
	}
	w.facts = append(w.facts, f)
	return f
}

// handle has the notifier handle facts.
func (w *world) handle(facts ...events.Event) {
	w.t.Helper()
	for _, f := range facts {
		if err := w.notifier.Handle(w.t.Context(), f); err != nil {
			w.t.Fatal(err)
		}
	}
}

// active makes ann's subscription to Plus active, with its notice.
func (w *world) active() events.Event {
	w.t.Helper()
	w.fact(events.SubscriptionWanted{Plan: "plus", Name: "Plus", Ring: portal.AccountRing})
	f := w.fact(events.SubscriptionActivated{Plan: "plus", Link: events.Link{Wish: 1}})
	w.handle(f)
	return f
}

// deliver handles every message that was sent, until there is none.
func (w *world) deliver() {
	w.t.Helper()
	for {
		w.mu.Lock()
		batch := w.sent
		w.sent = nil
		w.mu.Unlock()
		if len(batch) == 0 {
			return
		}
		for _, msg := range batch {
			if err := w.deliverer.Handle(w.t.Context(), msg); err != nil {
				w.t.Fatal(err)
			}
		}
	}
}

func (w *world) list() []notices.Notice {
	w.t.Helper()
	all, err := w.desk.List(w.t.Context(), ann)
	if err != nil {
		w.t.Fatal(err)
	}
	return all
}

// webhook registers a webhook for ann that a handler answers.
func (w *world) webhook(handler http.HandlerFunc) notices.Webhook {
	w.t.Helper()
	server := httptest.NewServer(handler)
	w.t.Cleanup(server.Close)
	w.net.server = server.Listener.Addr().String()
	hook, secret, err := w.desk.AddWebhook(w.t.Context(), ann, "http://inside.test/hooks", "Mine", nil)
	if err != nil || !strings.HasPrefix(secret, "whsec_") {
		w.t.Fatalf("adding a webhook: %v, secret of %d characters", err, len(secret))
	}
	return hook
}

func (w *world) deliveries(hook notices.Webhook) []notices.Delivery {
	w.t.Helper()
	all, err := w.desk.Deliveries(w.t.Context(), ann, hook.ID, "")
	if err != nil {
		w.t.Fatal(err)
	}
	return all
}

// mailOf returns the delivery of a notice by mail.
func (w *world) mailOf(n notices.Notice) (notices.Delivery, error) {
	w.t.Helper()
	all, err := w.desk.DeliveriesOf(w.t.Context(), ann, n.ID)
	if err != nil || len(all) == 0 || all[0].Channel != notices.ChannelMail {
		w.t.Fatalf("the deliveries of %s are %+v (%v)", n.ID, all, err)
	}
	return all[0], nil
}

func (w *world) find(hook notices.Webhook) notices.Webhook {
	w.t.Helper()
	found, err := w.desk.FindWebhook(w.t.Context(), ann, hook.ID)
	if err != nil {
		w.t.Fatal(err)
	}
	return found
}

type secrets struct{}

func (secrets) WebhookSecret(_ context.Context, kmsKey string, account portal.AccountID, webhook string, generation int) ([]byte, error) {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s %s %s %d", kmsKey, account, webhook, generation))
	return sum[:], nil
}

type people map[portal.AccountID]identity.Person

func (p people) Person(_ context.Context, account portal.AccountID) (identity.Person, error) {
	person, ok := p[account]
	if !ok {
		return person, portal.Fail(portal.NotFound, "There is no personal data.")
	}
	return person, nil
}

// post takes mails, or refuses them.
type post struct {
	mu     sync.Mutex
	mails  []notices.Mail
	refuse func(notices.Mail) error
}

func (p *post) Send(_ context.Context, m notices.Mail) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.refuse != nil {
		if err := p.refuse(m); err != nil {
			return err
		}
	}
	p.mails = append(p.mails, m)
	return nil
}

// internet is DNS and network of a test. Every address leads to the server.
type internet struct {
	server string

	mu sync.Mutex
	// answers are what DNS says to one question after another; the last one stays.
	answers [][]string
	dialed  []string
}

func (n *internet) LookupNetIP(_ context.Context, _, name string) ([]netip.Addr, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if len(n.answers) == 0 {
		return nil, &net.DNSError{Err: "no such host", Name: name, IsNotFound: true}
	}
	var found []netip.Addr
	for _, text := range n.answers[0] {
		found = append(found, netip.MustParseAddr(text))
	}
	if len(n.answers) > 1 {
		n.answers = n.answers[1:]
	}
	return found, nil
}

func (n *internet) connect(ctx context.Context, network, address string) (net.Conn, error) {
	n.mu.Lock()
	n.dialed = append(n.dialed, address)
	n.mu.Unlock()
	return (&net.Dialer{}).DialContext(ctx, network, n.server)
}

// inbox records the requests that a webhook gets, and answers with a status.
type inbox struct {
	mu       sync.Mutex
	status   int
	requests []received
}

type received struct {
	header http.Header
	body   []byte
}

func (i *inbox) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	i.mu.Lock()
	defer i.mu.Unlock()
	i.requests = append(i.requests, received{r.Header, body})
	if i.status != 0 {
		w.WriteHeader(i.status)
	}
	_, _ = io.WriteString(w, "thanks")
}

func (i *inbox) got() []received {
	i.mu.Lock()
	defer i.mu.Unlock()
	return append([]received(nil), i.requests...)
}
