// Package localaws is the part of AWS that Gatehouse uses, in one process, with its state
// in one file. It implements the real wire protocols, so production code runs against it
// unchanged. It refuses everything else with errors like AWS's. It is for development and
// tests, and checks neither signatures nor permissions.
package localaws

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"path/filepath"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"github.com/gatehouse-portal/gatehouse/localaws/apigateway"
	"github.com/gatehouse-portal/gatehouse/localaws/cloudformation"
	"github.com/gatehouse-portal/gatehouse/localaws/cloudtrail"
	"github.com/gatehouse-portal/gatehouse/localaws/cognito"
	"github.com/gatehouse-portal/gatehouse/localaws/dynamodb"
	"github.com/gatehouse-portal/gatehouse/localaws/eventbridge"
	"github.com/gatehouse-portal/gatehouse/localaws/faults"
	"github.com/gatehouse-portal/gatehouse/localaws/iam"
	"github.com/gatehouse-portal/gatehouse/localaws/kms"
	"github.com/gatehouse-portal/gatehouse/localaws/marketplace"
	"github.com/gatehouse-portal/gatehouse/localaws/metering"
	"github.com/gatehouse-portal/gatehouse/localaws/s3"
	"github.com/gatehouse-portal/gatehouse/localaws/ses"
	"github.com/gatehouse-portal/gatehouse/localaws/sns"
	"github.com/gatehouse-portal/gatehouse/localaws/sqs"
	"github.com/gatehouse-portal/gatehouse/localaws/store"
	"github.com/gatehouse-portal/gatehouse/localaws/sts"
	"github.com/gatehouse-portal/gatehouse/localaws/wire"
)

// Account and Region appear in every local ARN.
const (
	Account = "000000000000"
	Region  = "us-east-1"
)

// DataFile is the one file in the data folder.
const DataFile = "localaws.db"

// Options of Open.
type Options struct {
	Dir string
	// Addr is the address to listen on; "127.0.0.1:0" picks a free port. A request
	// whose Host header names neither this host nor this machine is refused.
	Addr string
	// NoSync and Fresh: see store.Options.
	NoSync, Fresh bool
	// Now is the clock; nil means the system's.
	Now func() time.Time
	Log zerolog.Logger
	// Mount holds backends of demo APIs by path prefix, without faults.
	Mount map[string]http.Handler
	// Handlers are the types of messages whose handlers, in this process, can be broken by faults.
	Handlers []string
	Faults   faults.Plan
	Limits   Limits
}

// Server is a running local AWS.
type Server struct {
	db        *store.DB
	listener  net.Listener
	http      *http.Server
	stop      context.CancelFunc
	serving   sync.WaitGroup
	unused    unused
	listensAt string

	json    map[string]jsonService  // by target
	cbor    map[string]jsonService  // by service name
	query   map[string]queryService // by API version
	gateway *apigateway.Service
	cognito *cognito.Service
	meters  *metering.Service
	market  *marketplace.Service
	objects *s3.Service
	mail    *ses.Service
	stacks  *cloudformation.Service
	iam     *iam.Service
	topics  *sns.Service
	mounts  map[string]http.Handler
	faults  *faults.Injector
	admin   http.Handler
	buyers  http.Handler
}

// Open opens the data file, listens and serves. Its errors are for people.
func Open(opts Options) (*Server, error) {
	if opts.Now == nil {
		opts.Now = time.Now
	}
	listener, err := net.Listen("tcp", opts.Addr) // first, since Fresh empties the file
	if err != nil {
		return nil, fmt.Errorf("listening at %s: %w", opts.Addr, err)
	}
	db, err := store.Open(filepath.Join(opts.Dir, DataFile), store.Options{NoSync: opts.NoSync, Fresh: opts.Fresh})
	if err != nil {
		_ = listener.Close()
		return nil, err
	}
	s := &Server{db: db, listener: listener, mounts: opts.Mount, listensAt: hostName(opts.Addr)}
	env := wire.Env{
		DB: db, Now: opts.Now, Account: Account, Region: Region,
		Endpoint: s.Endpoint, Log: opts.Log,
	}
	// Operations log internal failures with this logger.
	ctx, stop := context.WithCancel(opts.Log.WithContext(context.Background()))
	s.stop = stop
	s.wire(ctx, env, opts.Handlers)
	if err := s.SetFaults(opts.Faults); err != nil {
		stop()
		return nil, errors.Join(err, listener.Close(), db.Close())
	}
	s.SetLimits(opts.Limits)
	s.http = &http.Server{
		Handler:           s,
		ReadHeaderTimeout: 10 * time.Second,
		BaseContext:       func(net.Listener) context.Context { return ctx },
		ConnState:         s.unused.track,
	}
	s.http.RegisterOnShutdown(s.unused.close)
	s.serving.Go(func() {
		if err := s.http.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			opts.Log.Error().Err(err).Msg("local AWS stopped serving")
		}
	})
	return s, nil
}

func (s *Server) wire(ctx context.Context, env wire.Env, handlers []string) {
	queues := sqs.New(ctx, env)
	topics := sns.New(env, queues)
	s.topics = topics
	bus := eventbridge.New(env, queues, topics)
	tables := dynamodb.New(env)
	keys := kms.New(env)
	principals := sts.New(env)
	s.gateway = apigateway.New(env)
	s.gateway.OnCall(cloudtrail.New(env, bus, principals).Record)
	s.cognito = cognito.New(env)
	s.meters = metering.New(env)
	s.market = marketplace.New(env, marketplace.Services{Queues: queues, Topics: topics, Bus: bus, Meters: s.meters})
	s.objects = s3.New(env)
	s.mail = ses.New(env)
	s.stacks = cloudformation.New(env, s.innerConfig())
	s.iam = iam.New(env)
	s.json = map[string]jsonService{}
	for _, svc := range []jsonService{
		{"sqs", queues.JSON()}, {"dynamodb", tables.JSON()}, {"kms", keys.JSON()},
		{"cognito-idp", s.cognito.JSON()}, {"metering", s.meters.JSON()}, {"events", bus.JSON()},
		{"agreements", s.market.Agreements()}, {"entitlements", s.market.Entitlements()},
	} {
		s.json[svc.Target] = svc
	}
	s.cbor = map[string]jsonService{s.market.Agreements().Target: {"agreements", s.market.Agreements()}}
	s.query = map[string]queryService{}
	for _, svc := range []queryService{{"sns", topics.Query()}, {"sts", principals.Query()}, {"cloudformation", s.stacks.Query()}, {"iam", s.iam.Query()}} {
		s.query[svc.Version] = svc
	}
	s.faults = faults.New(s.operations(handlers), queues)
	queues.OnOldReceipt(s.faults.OldReceipt)
	s.admin, s.buyers = s.faults.Admin(s.Counts), s.market.Admin()
}

// Endpoint is the base URL, for AWS_ENDPOINT_URL. Its host is localhost, which the cookies
// and redirects of the sign-in pages need.
func (s *Server) Endpoint() string {
	_, port, _ := net.SplitHostPort(s.listener.Addr().String())
	return "http://localhost:" + port
}

// Cognito returns the user pools. Its methods do what AWS has no API for, such as reading
// sent mail.
func (s *Server) Cognito() *cognito.Service { return s.cognito }

// Metering returns the Marketplace Metering service.
func (s *Server) Metering() *metering.Service { return s.meters }

// Marketplace returns AWS Marketplace. Its methods play buyers and AWS.
func (s *Server) Marketplace() *marketplace.Service { return s.market }

// Topics returns SNS.
func (s *Server) Topics() *sns.Service { return s.topics }

// Mail returns the e-mail service.
func (s *Server) Mail() *ses.Service { return s.mail }

// CloudFormation returns the stacks. Its methods do what AWS has no API for.
func (s *Server) CloudFormation() *cloudformation.Service { return s.stacks }

// IAM returns the simulated permissions.
func (s *Server) IAM() *iam.Service { return s.iam }

// Close ends waiting long polls with an empty result and closes the data file. Requests in
// progress have a second to finish; connections without a request are closed at once.
func (s *Server) Close() error {
	s.stop()
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	err := s.http.Shutdown(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		err = s.http.Close()
	}
	s.serving.Wait()
	s.faults.Close()
	return errors.Join(err, s.db.Close())
}
