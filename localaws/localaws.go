// Package localaws is the slice of AWS that Gatehouse uses, in one process: the
// real wire protocols, so that the production code with the real SDK runs
// against it unchanged, with its state in one file. What it does not implement
// it refuses in AWS's own error shape. It is for development and tests; it
// checks no signatures and no permissions.
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
	"github.com/gatehouse-portal/gatehouse/localaws/cognito"
	"github.com/gatehouse-portal/gatehouse/localaws/dynamodb"
	"github.com/gatehouse-portal/gatehouse/localaws/faults"
	"github.com/gatehouse-portal/gatehouse/localaws/kms"
	"github.com/gatehouse-portal/gatehouse/localaws/metering"
	"github.com/gatehouse-portal/gatehouse/localaws/s3"
	"github.com/gatehouse-portal/gatehouse/localaws/sns"
	"github.com/gatehouse-portal/gatehouse/localaws/sqs"
	"github.com/gatehouse-portal/gatehouse/localaws/store"
	"github.com/gatehouse-portal/gatehouse/localaws/sts"
	"github.com/gatehouse-portal/gatehouse/localaws/wire"
)

// Account and Region are what every local ARN carries.
const (
	Account = "000000000000"
	Region  = "us-east-1"
)

// DataFile is the file in the data folder that holds everything.
const DataFile = "localaws.db"

// Options of Open.
type Options struct {
	// Dir holds the data file. Required.
	Dir string
	// Addr is the address to listen at; "127.0.0.1:0" picks a free port. Requests whose
	// Host header names neither this host nor this machine are refused.
	Addr string
	// NoSync and Fresh: see store.Options.
	NoSync, Fresh bool
	// Now is the clock; nil is the system's.
	Now func() time.Time
	Log zerolog.Logger
	// Mount serves further handlers by path prefix: the backends of demo APIs. They
	// suffer no faults.
	Mount map[string]http.Handler
	// Faults is what goes wrong on purpose.
	Faults faults.Plan
	// Limits are those of API Gateway's that are enforced.
	Limits Limits
}

// Server is a running local AWS.
type Server struct {
	db       *store.DB
	listener net.Listener
	http     *http.Server
	stop     context.CancelFunc
	serving  sync.WaitGroup
	unused   unused
	// listensAt is the host in Options.Addr, which requests may name.
	listensAt string

	json    map[string]jsonService  // by target
	query   map[string]queryService // by API version
	gateway *apigateway.Service
	cognito *cognito.Service
	meters  *metering.Service
	objects *s3.Service
	mounts  map[string]http.Handler
	faults  *faults.Injector
	admin   http.Handler
}

// Open opens the data file, listens and serves. Errors name what is in the way:
// the taken port, the unwritable folder, the file of another version or in use, the
// fault that there cannot be.
func Open(opts Options) (*Server, error) {
	if opts.Now == nil {
		opts.Now = time.Now
	}
	db, err := store.Open(filepath.Join(opts.Dir, DataFile), store.Options{NoSync: opts.NoSync, Fresh: opts.Fresh})
	if err != nil {
		return nil, err
	}
	listener, err := net.Listen("tcp", opts.Addr)
	if err != nil {
		_ = db.Close()
		return nil, fmt.Errorf("listening at %s: %w", opts.Addr, err)
	}
	s := &Server{db: db, listener: listener, mounts: opts.Mount, listensAt: hostName(opts.Addr)}
	env := wire.Env{
		DB: db, Now: opts.Now, Account: Account, Region: Region,
		Endpoint: s.Endpoint, Log: opts.Log,
	}
	// Requests inherit the logger for what goes wrong inside an operation.
	ctx, stop := context.WithCancel(opts.Log.WithContext(context.Background()))
	s.stop = stop
	s.wire(ctx, env)
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

func (s *Server) wire(ctx context.Context, env wire.Env) {
	queues := sqs.New(ctx, env)
	topics := sns.New(env, queues)
	tables := dynamodb.New(env)
	keys := kms.New(env)
	s.gateway = apigateway.New(env)
	s.cognito = cognito.New(env)
	s.meters = metering.New(env)
	s.objects = s3.New(env)
	s.json = map[string]jsonService{}
	for _, svc := range []jsonService{
		{"sqs", queues.JSON()}, {"dynamodb", tables.JSON()}, {"kms", keys.JSON()},
		{"cognito-idp", s.cognito.JSON()}, {"metering", s.meters.JSON()},
	} {
		s.json[svc.Target] = svc
	}
	s.query = map[string]queryService{}
	for _, svc := range []queryService{{"sns", topics.Query()}, {"sts", sts.New(env).Query()}} {
		s.query[svc.Version] = svc
	}
	s.faults = faults.New(s.operations(), queues)
	queues.OnOldReceipt(s.faults.OldReceipt)
	s.admin = s.faults.Admin(s.Counts)
}

// Endpoint is the base URL, what AWS_ENDPOINT_URL is to be set to. It names
// localhost, which cookies and redirects of the sign-in pages need.
func (s *Server) Endpoint() string {
	_, port, _ := net.SplitHostPort(s.listener.Addr().String())
	return "http://localhost:" + port
}

// Cognito is the user pools, which send mail, and Metering the Marketplace, where
// somebody buys: what AWS has no API for is done through their methods.
func (s *Server) Cognito() *cognito.Service { return s.cognito }

// Metering: see Cognito.
func (s *Server) Metering() *metering.Service { return s.meters }

// Close stops serving, hands waiting long polls an empty answer, and closes the data
// file. Answers under way have a second to finish; a connection that was dialled and
// never used is not waited for.
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
