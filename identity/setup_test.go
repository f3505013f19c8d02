package identity_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/rs/zerolog"

	"github.com/gatehouse-portal/gatehouse/identity"
	"github.com/gatehouse-portal/gatehouse/localaws/localawstest"
	"github.com/gatehouse-portal/gatehouse/outputtest"
	"github.com/gatehouse-portal/gatehouse/portal"
)

var tables = identity.Tables{Journal: "t-journal", Records: "t-records", Sessions: "t-sessions"}

// site is a portal with sign-in only. Its home page shows who is signed in.
type site struct {
	*identity.Service
	url      string
	http     http.Handler
	db       *dynamodb.Client
	provider *fakeProvider
	clock    *clock
	log      *outputtest.Buffer

	mu     sync.Mutex
	errors []error
}

// open starts a site with a provider and a local AWS of its own.
func open(t *testing.T, adjust ...func(*identity.Config, *identity.Options)) *site {
	t.Helper()
	clock := &clock{now: time.Now().Truncate(time.Second)}
	return openWith(t, createTables(t, localawstest.Start(t).AWSConfig()), clock, startProvider(t, clock), adjust...)
}

func openWith(t *testing.T, db *dynamodb.Client, clock *clock, p *fakeProvider, adjust ...func(*identity.Config, *identity.Options)) *site {
	t.Helper()
	s := &site{clock: clock, provider: p, db: db, log: &outputtest.Buffer{}}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { s.http.ServeHTTP(w, r) }))
	t.Cleanup(server.Close)
	s.url = server.URL
	config := identity.Config{
		BaseURL: s.url, Issuer: p.issuer(), ClientID: clientID, ClientSecret: clientSecret,
	}
	options := identity.Options{
		DynamoDB: db, Tables: tables, OnError: s.onError, Log: zerolog.New(s.log), Now: s.clock.Now,
	}
	for _, f := range adjust {
		f(&config, &options)
	}
	service, err := identity.New(config, options)
	if err != nil {
		t.Fatal(err)
	}
	s.Service = service
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+identity.SignInPath, service.SignIn)
	mux.HandleFunc("GET "+identity.CallbackPath, service.Callback)
	mux.HandleFunc(identity.SignOutPath, service.SignOut)
	mux.Handle("/", service.Authenticate(http.HandlerFunc(home)))
	s.http = mux
	return s
}

func home(w http.ResponseWriter, r *http.Request) {
	id, ok := identity.From(r.Context())
	if !ok {
		fmt.Fprint(w, "nobody")
		return
	}
	fmt.Fprintf(w, "%s via %s", id.Account, id.Via)
}

func (s *site) onError(w http.ResponseWriter, _ *http.Request, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.errors = append(s.errors, err)
	http.Error(w, portal.MessageOf(err), map[portal.Code]int{
		portal.Invalid: 400, portal.Unauthorized: 401, portal.Forbidden: 403, portal.Unavailable: 503, portal.Internal: 500,
	}[portal.CodeOf(err)])
}

// cookieName adds the start of the SHA-256 of the site's origin.
func (s *site) cookieName(name string) string {
	sum := sha256.Sum256([]byte(s.url))
	return "gatehouse_" + name + "_" + hex.EncodeToString(sum[:4])
}

func (s *site) lastError() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.errors) == 0 {
		return nil
	}
	return s.errors[len(s.errors)-1]
}

func createTables(t *testing.T, cfg aws.Config) *dynamodb.Client {
	t.Helper()
	// Concurrent requests may leave unused connections, for which a server that shuts
	// down would wait.
	transport := &http.Transport{MaxIdleConnsPerHost: 64}
	t.Cleanup(transport.CloseIdleConnections)
	cfg.HTTPClient = &http.Client{Transport: transport}
	db := dynamodb.NewFromConfig(cfg)
	for _, name := range []string{tables.Journal, tables.Records, tables.Sessions} {
		_, err := db.CreateTable(t.Context(), &dynamodb.CreateTableInput{
			TableName: &name, BillingMode: types.BillingModePayPerRequest,
			KeySchema: []types.KeySchemaElement{
				{AttributeName: aws.String("pk"), KeyType: types.KeyTypeHash},
				{AttributeName: aws.String("sk"), KeyType: types.KeyTypeRange},
			},
			AttributeDefinitions: []types.AttributeDefinition{
				{AttributeName: aws.String("pk"), AttributeType: types.ScalarAttributeTypeS},
				{AttributeName: aws.String("sk"), AttributeType: types.ScalarAttributeTypeS},
			},
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return db
}

func (s *site) contents(t *testing.T) string {
	t.Helper()
	var all bytes.Buffer
	for _, name := range []string{tables.Journal, tables.Records, tables.Sessions} {
		out, err := s.db.Scan(t.Context(), &dynamodb.ScanInput{TableName: &name})
		if err != nil {
			t.Fatal(err)
		}
		for _, it := range out.Items {
			for _, attribute := range slices.Sorted(maps.Keys(it)) {
				fmt.Fprintf(&all, "%s %s=", name, attribute)
				switch v := it[attribute].(type) {
				case *types.AttributeValueMemberS:
					fmt.Fprintln(&all, v.Value)
				case *types.AttributeValueMemberN:
					fmt.Fprintln(&all, v.Value)
				default:
					fmt.Fprintf(&all, "%+v\n", v)
				}
			}
		}
	}
	return all.String()
}

type noDatabase struct{}

var errNoDatabase = errors.New("the table is on fire")

func (noDatabase) GetItem(context.Context, *dynamodb.GetItemInput, ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error) {
	return nil, errNoDatabase
}

func (noDatabase) PutItem(context.Context, *dynamodb.PutItemInput, ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error) {
	return nil, errNoDatabase
}

func (noDatabase) UpdateItem(context.Context, *dynamodb.UpdateItemInput, ...func(*dynamodb.Options)) (*dynamodb.UpdateItemOutput, error) {
	return nil, errNoDatabase
}

func (noDatabase) DeleteItem(context.Context, *dynamodb.DeleteItemInput, ...func(*dynamodb.Options)) (*dynamodb.DeleteItemOutput, error) {
	return nil, errNoDatabase
}

func (noDatabase) Query(context.Context, *dynamodb.QueryInput, ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error) {
	return nil, errNoDatabase
}

func (noDatabase) TransactWriteItems(context.Context, *dynamodb.TransactWriteItemsInput, ...func(*dynamodb.Options)) (*dynamodb.TransactWriteItemsOutput, error) {
	return nil, errNoDatabase
}

// browser is a person's browser: it keeps cookies and follows redirects.
type browser struct {
	t       *testing.T
	http    *http.Client
	visited []*url.URL
}

func newBrowser(t *testing.T) *browser {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	b := &browser{t: t, http: &http.Client{Jar: jar}}
	b.http.CheckRedirect = func(r *http.Request, via []*http.Request) error {
		b.visited = append(b.visited, r.URL)
		if len(via) > 10 {
			return errors.New("it goes round in circles")
		}
		return nil
	}
	return b
}

// get visits a URL and returns the last response, with its body as text.
func (b *browser) get(target string) (*http.Response, string) {
	b.t.Helper()
	req, err := http.NewRequestWithContext(b.t.Context(), http.MethodGet, target, nil)
	if err != nil {
		b.t.Fatal(err)
	}
	return b.do(req)
}

func (b *browser) do(req *http.Request) (*http.Response, string) {
	b.t.Helper()
	resp, err := b.http.Do(req)
	if err != nil {
		b.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return resp, string(bytes.TrimSpace(body))
}

// stopAt makes it follow no redirect to this path.
func (b *browser) stopAt(path string) {
	follow := b.http.CheckRedirect
	b.http.CheckRedirect = func(r *http.Request, via []*http.Request) error {
		if r.URL.Path == path {
			return http.ErrUseLastResponse
		}
		return follow(r, via)
	}
}

// cookie returns the value of a cookie that it would send to the site, "" if none.
func (b *browser) cookie(site, name string) string {
	u, err := url.Parse(site)
	if err != nil {
		b.t.Fatal(err)
	}
	for _, c := range b.http.Jar.Cookies(u) {
		if c.Name == name {
			return c.Value
		}
	}
	return ""
}

func (b *browser) visitedPath(path string) *url.URL {
	b.t.Helper()
	for i := len(b.visited) - 1; i >= 0; i-- {
		if b.visited[i].Path == path {
			return b.visited[i]
		}
	}
	b.t.Fatalf("the browser never came to %s", path)
	return nil
}

// clock stands still until moved forward.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) forward(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

type database interface {
	GetItem(context.Context, *dynamodb.GetItemInput, ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error)
	PutItem(context.Context, *dynamodb.PutItemInput, ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error)
	UpdateItem(context.Context, *dynamodb.UpdateItemInput, ...func(*dynamodb.Options)) (*dynamodb.UpdateItemOutput, error)
	DeleteItem(context.Context, *dynamodb.DeleteItemInput, ...func(*dynamodb.Options)) (*dynamodb.DeleteItemOutput, error)
	Query(context.Context, *dynamodb.QueryInput, ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error)
	TransactWriteItems(context.Context, *dynamodb.TransactWriteItemsInput, ...func(*dynamodb.Options)) (*dynamodb.TransactWriteItemsOutput, error)
}

// meeting is a database whose first reads wait for each other before they return.
type meeting struct {
	database
	mu      sync.Mutex
	missing int
	all     chan struct{}
	after   func()
}

// afterRead is a database that calls f once, after the next read and before it returns.
func (m *meeting) afterRead(f func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.after = f
}

func (m *meeting) expect(readers int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.missing, m.all = readers, make(chan struct{})
}

func (m *meeting) GetItem(ctx context.Context, in *dynamodb.GetItemInput, opts ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error) {
	out, err := m.database.GetItem(ctx, in, opts...)
	m.mu.Lock()
	after := m.after
	m.after = nil
	wait := m.missing > 0
	if wait {
		m.missing--
		if m.missing == 0 {
			close(m.all)
		}
	}
	m.mu.Unlock()
	if after != nil {
		after()
	}
	if wait {
		select {
		case <-m.all:
		case <-ctx.Done():
		}
	}
	return out, err
}

type counting struct {
	database
	updates atomic.Int64
}

func (c *counting) UpdateItem(ctx context.Context, in *dynamodb.UpdateItemInput, opts ...func(*dynamodb.Options)) (*dynamodb.UpdateItemOutput, error) {
	c.updates.Add(1)
	return c.database.UpdateItem(ctx, in, opts...)
}
