package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/rs/zerolog"

	"github.com/gatehouse-portal/gatehouse/accounts"
	"github.com/gatehouse-portal/gatehouse/app"
	"github.com/gatehouse-portal/gatehouse/bench/issuer"
	"github.com/gatehouse-portal/gatehouse/catalog"
	"github.com/gatehouse-portal/gatehouse/events"
	"github.com/gatehouse-portal/gatehouse/journal"
	"github.com/gatehouse-portal/gatehouse/localaws"
	"github.com/gatehouse-portal/gatehouse/portal"
	"github.com/gatehouse-portal/gatehouse/projections"
)

// site is the local AWS and the issuer in this process, and one portal.
type site struct {
	dir        string
	aws        *localaws.Server
	issuer     *issuer.Issuer
	portal     *exec.Cmd
	address    string
	token      string
	account    portal.AccountID
	names      app.Names
	tables     *dynamodb.Client
	journal    *journal.Journal
	projector  *projections.Projector
	documents  *catalog.Store
	definition string
}

func start(ctx context.Context, s settings) (*site, error) {
	dir, err := os.MkdirTemp("", "gatehouse-reads-")
	if err != nil {
		return nil, fmt.Errorf("creating a folder: %w", err)
	}
	is := &site{dir: dir}
	if err := is.start(ctx, s); err != nil {
		is.close()
		return nil, err
	}
	return is, nil
}

func (s *site) start(ctx context.Context, set settings) (err error) {
	if s.issuer, err = issuer.Start(); err != nil {
		return err
	}
	if s.token, err = s.issuer.Token("reader"); err != nil {
		return err
	}
	if s.aws, err = localaws.Open(localaws.Options{Dir: filepath.Join(s.dir, "aws"), Addr: "127.0.0.1:0", Log: zerolog.Nop(), NoSync: true}); err != nil {
		return fmt.Errorf("starting the local AWS: %w", err)
	}
	cfg, err := app.LoadConfig(nil)
	if err != nil {
		return err
	}
	if err := app.Setup(ctx, s.aws.AWSConfig(), cfg); err != nil {
		return err
	}
	names, client := app.NamesFor(cfg.Prefix), dynamodb.NewFromConfig(s.aws.AWSConfig())
	s.names, s.tables = names, client
	s.journal = journal.New(client, names.Journal, names.Records)
	s.documents = catalog.NewStore(client, names.Records)
	reader := accounts.NewReader(s.journal, client, names.Records, time.Now)
	s.projector = projections.NewProjector(s.journal, reader, client, projections.Tables{Views: names.Views, Records: names.Records})
	if s.definition, err = s.documents.PutBlob(ctx, definition()); err != nil {
		return err
	}
	if err := s.serve(ctx, set); err != nil {
		return err
	}
	return s.register(ctx)
}

// serve builds and starts the portal, and waits until it answers.
func (s *site) serve(ctx context.Context, set settings) error {
	program := filepath.Join(s.dir, "api")
	build := exec.CommandContext(ctx, "go", "build", "-o", program, "github.com/gatehouse-portal/gatehouse/cmd/api")
	build.Dir = set.source
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("building the portal: %w\n%s", err, out)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	s.address = l.Addr().String()
	if err := l.Close(); err != nil {
		return err
	}
	s.portal = exec.CommandContext(ctx, program)
	s.portal.Env = []string{
		"HOME=" + s.dir, "AWS_EC2_METADATA_DISABLED=true", "AWS_ENDPOINT_URL=" + s.aws.Endpoint(), "AWS_REGION=" + localaws.Region,
		"AWS_ACCESS_KEY_ID=local", "AWS_SECRET_ACCESS_KEY=local",
		"GATEHOUSE_BASE_URL=http://" + s.address, "GATEHOUSE_ADDR=" + s.address, "GATEHOUSE_OPERATORS_ADDR=127.0.0.1:0",
		"GATEHOUSE_OIDC_ISSUER=" + s.issuer.URL, "GATEHOUSE_OIDC_CLIENT_ID=" + issuer.ClientID, "GATEHOUSE_OIDC_JWKS_URL=" + s.issuer.KeysURL(),
		"GATEHOUSE_LOG_FORMAT=json",
	}
	log, err := os.Create(filepath.Join(s.dir, "api.log"))
	if err != nil {
		return err
	}
	defer log.Close()
	s.portal.Stdout, s.portal.Stderr = log, log
	if err := s.portal.Start(); err != nil {
		return fmt.Errorf("starting the portal: %w", err)
	}
	return s.until(ctx, "the portal answers", func() bool {
		_, err := s.get(ctx, "/healthz")
		return err == nil
	})
}

func (s *site) register(ctx context.Context) error {
	body, err := s.get(ctx, "/api/v1/me")
	if err != nil {
		return err
	}
	var me struct{ Account portal.AccountID }
	if err := json.Unmarshal(body, &me); err != nil {
		return err
	}
	s.account = me.Account
	for _, fact := range []events.Fact{
		events.UserRegistered{},
		events.KeyWanted{Key: "key1", Ring: portal.AccountRing, Name: "Default key", Scheme: "v1", KMSKey: "mrk-1"},
		events.SubscriptionWanted{Plan: "plan-1", Name: "Free", Ring: portal.AccountRing},
		events.KeyCreated{Key: "key1", GatewayID: "gateway1"},
		events.KeyAttached{Link: events.Link{Wish: 3}, Key: "key1", Plan: "plan-1"},
		events.SubscriptionActivated{Link: events.Link{Wish: 3}, Plan: "plan-1"},
	} {
		if err := s.happen(ctx, portal.AccountStream(me.Account), fact); err != nil {
			return err
		}
	}
	return nil
}

func (s *site) happen(ctx context.Context, stream portal.Stream, fact events.Fact) error {
	head, err := s.journal.Head(ctx, stream)
	if err != nil {
		return err
	}
	stamped := journal.Stamp(events.Event{ID: "bench", Subject: stream}, "/bench", time.Now(), head, []events.Fact{fact})
	if err := s.journal.Append(ctx, stream, head, stamped); err != nil {
		return err
	}
	return s.projector.Handle(ctx, stamped[0])
}

// publish publishes a catalog of about that size, and waits until the portal serves it.
func (s *site) publish(ctx context.Context, size int) error {
	document := catalogOf(size, s.definition)
	hash, err := s.documents.Put(ctx, document)
	if err != nil {
		return err
	}
	if err := s.happen(ctx, portal.CatalogStream, events.CatalogPublished{Hash: hash, Products: len(document.Products)}); err != nil {
		return err
	}
	return s.until(ctx, "the portal serves the catalog", func() bool {
		body, err := s.get(ctx, "/api/v1/catalog")
		return err == nil && len(body) >= size
	})
}

func (s *site) reads(size int) []read {
	reads := []read{{name: fmt.Sprintf("catalog, %d KB", size>>10), path: "/api/v1/catalog"}}
	if size > 100<<10 {
		return reads
	}
	return append(reads,
		read{name: "product page", path: "/apis/product-1"},
		read{name: "documentation page", path: "/apis/product-1/docs/orders"},
		read{name: "operation page", path: "/apis/product-1/docs/orders/operations/getOrder1"},
		s.dashboard("dashboard"),
	)
}

func (s *site) dashboard(name string) read {
	return read{name: name, path: "/dashboard", token: s.token}
}

func (s *site) get(ctx context.Context, path string) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+s.address+path, nil)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Authorization", "Bearer "+s.token)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s is answered %s: %.300s", path, response.Status, body)
	}
	return body, err
}

const patience = time.Minute

func (s *site) until(ctx context.Context, what string, so func() bool) error {
	for deadline := time.Now().Add(patience); time.Now().Before(deadline) && ctx.Err() == nil; time.Sleep(50 * time.Millisecond) {
		if so() {
			return nil
		}
	}
	log, _ := os.ReadFile(filepath.Join(s.dir, "api.log"))
	return errors.Join(ctx.Err(), fmt.Errorf("it did not happen that %s; the portal's log:\n%s", what, log))
}

// cpu is the portal's processor time, by proc(5); 0 without /proc.
func (s *site) cpu() time.Duration {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", s.portal.Process.Pid))
	if err != nil {
		return 0
	}
	_, after, _ := strings.Cut(string(stat), ") ")
	fields := strings.Fields(after)
	const user, system = 11, 12 // counted from the state
	var ticks int64
	for _, at := range []int{user, system} {
		n, _ := strconv.ParseInt(fields[at], 10, 64)
		ticks += n
	}
	return time.Duration(ticks) * 10 * time.Millisecond
}

func (s *site) close() {
	if s.portal != nil && s.portal.Process != nil {
		_ = s.portal.Process.Signal(os.Interrupt)
		_ = s.portal.Wait()
	}
	if s.aws != nil {
		_ = s.aws.Close()
	}
	if s.issuer != nil {
		_ = s.issuer.Close()
	}
	_ = os.RemoveAll(s.dir)
}
