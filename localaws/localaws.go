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
	"strings"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"github.com/gatehouse-portal/gatehouse/localaws/apigateway"
	"github.com/gatehouse-portal/gatehouse/localaws/cognito"
	"github.com/gatehouse-portal/gatehouse/localaws/dynamodb"
	"github.com/gatehouse-portal/gatehouse/localaws/kms"
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
	// Addr is the address to listen at; "127.0.0.1:0" picks a free port.
	Addr string
	// NoSync and Fresh: see store.Options.
	NoSync, Fresh bool
	// Now is the clock; nil is the system's.
	Now func() time.Time
	Log zerolog.Logger
	// Mount serves further handlers by path prefix: the backends of demo APIs.
	Mount map[string]http.Handler
}

// Server is a running local AWS.
type Server struct {
	db       *store.DB
	listener net.Listener
	http     *http.Server
	stop     context.CancelFunc
	serving  sync.WaitGroup
	unused   unused

	json    map[string]wire.JSONService
	query   map[string]wire.QueryService
	gateway *apigateway.Service
	cognito *cognito.Service
	mounts  map[string]http.Handler
}

// Open opens the data file, listens and serves. Errors name what is in the way:
// the taken port, the unwritable folder, the file of another version or in use.
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
	s := &Server{db: db, listener: listener, mounts: opts.Mount}
	env := wire.Env{
		DB: db, Now: opts.Now, Account: Account, Region: Region,
		Endpoint: s.Endpoint, Log: opts.Log,
	}
	ctx, stop := context.WithCancel(context.Background())
	s.stop = stop
	s.wire(ctx, env)
	s.http = &http.Server{
		Handler:           env.Logged(s),
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
	s.json = map[string]wire.JSONService{}
	for _, svc := range []wire.JSONService{queues.JSON(), tables.JSON(), keys.JSON(), s.cognito.JSON()} {
		s.json[svc.Target] = svc
	}
	s.query = map[string]wire.QueryService{}
	for _, svc := range []wire.QueryService{topics.Query(), sts.New(env).Query()} {
		s.query[svc.Version] = svc
	}
}

// Endpoint is the base URL, what AWS_ENDPOINT_URL is to be set to. It names
// localhost, which cookies and redirects of the sign-in pages need.
func (s *Server) Endpoint() string {
	_, port, _ := net.SplitHostPort(s.listener.Addr().String())
	return "http://localhost:" + port
}

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
	return errors.Join(err, s.db.Close())
}

// ServeHTTP finds the service a request is for: by its target header, its
// credential scope, its form's API version or its path.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	for prefix, handler := range s.mounts {
		if strings.HasPrefix(r.URL.Path, prefix) {
			handler.ServeHTTP(w, r)
			return
		}
	}
	switch {
	case r.URL.Path == "/_localaws/health":
		_, _ = w.Write([]byte("ok\n"))
	case strings.Contains(r.URL.Path, "/_user_request_"):
		s.gateway.ServeData(w, r)
	case r.Header.Get("X-Amz-Target") != "":
		s.serveJSON(w, r)
	case wire.CallerOf(r).Service == "apigateway":
		s.gateway.ServeControl(w, r)
	case wire.CallerOf(r).Service != "":
		s.serveQuery(w, r)
	default:
		s.cognito.ServePages(w, r)
	}
}

func (s *Server) serveJSON(w http.ResponseWriter, r *http.Request) {
	target, _, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	svc, ok := s.json[target]
	if !ok {
		svc = wire.JSONService{Target: target, Shape: "com.amazonaws." + strings.ToLower(target)}
	}
	svc.ServeHTTP(w, r)
}

func (s *Server) serveQuery(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, wire.MaxBody)
	if err := r.ParseForm(); err != nil {
		http.Error(w, "the form could not be read", http.StatusBadRequest)
		return
	}
	svc, ok := s.query[r.PostForm.Get("Version")]
	if !ok {
		svc = wire.QueryService{Version: r.PostForm.Get("Version"), Namespace: "https://localaws.invalid/"}
	}
	svc.ServeHTTP(w, r)
}
