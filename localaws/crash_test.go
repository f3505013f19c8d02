package localaws_test

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/apigateway"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/smithy-go"

	"github.com/gatehouse-portal/gatehouse/localaws"
)

var (
	kills      = flag.Int("kills", 15, "how many times the crash test kills the server; a few hundred for a thorough run")
	crashSeed  = flag.Uint64("crash-seed", 0, "seed of the crash test; 0 picks one")
	victimDir  = flag.String("victim-dir", "", "used by the crash test itself: serve this folder until killed")
	clockAhead = flag.Duration("victim-clock", 0, "used by the crash test itself: how far ahead the clock is")
)

// TestMain is also the main function of the processes that the crash test kills.
func TestMain(m *testing.M) {
	flag.Parse()
	if *victimDir != "" {
		serveUntilKilled()
		return
	}
	m.Run()
}

func serveUntilKilled() {
	srv, err := localaws.Open(localaws.Options{
		Dir: *victimDir, Addr: "127.0.0.1:0",
		Now: func() time.Time { return time.Now().Add(*clockAhead) },
	})
	if err != nil {
		_, _ = fmt.Fprintln(os.Stderr, err)
		return
	}
	_, _ = fmt.Fprintln(os.Stdout, srv.Endpoint())
	// Standard input ends if the test itself is killed; then this process ends too.
	_, _ = io.Copy(io.Discard, os.Stdin)
}

// work is what clients do while the server is killed, with the checks of the result. run
// works until a call gets no answer. check runs alone, against the same server or the next
// one. Both record which calls were answered.
type work interface {
	setUp(*session) error
	run(*session)
	check(*session)
	// finish makes the slower checks, once, at the end.
	finish(*session)
}

func TestAKillAtAnyMomentLosesNothingAndDoublesNothing(t *testing.T) {
	t.Parallel()
	seed := *crashSeed
	if seed == 0 {
		seed = rand.Uint64()
	}
	t.Logf("%d kills, -crash-seed %d", *kills, seed)
	c := &crashes{t: t, dir: t.TempDir(), random: rand.New(rand.NewPCG(seed, 0))}
	works := []work{
		newStandardQueue(t), newLanes(t, "sent", 6), newLanes(t, "published", 6),
		newAppends(t), newTransactions(t), newAPIKeys(t), newPurchases(t),
	}
	s := c.serve()
	for _, w := range works {
		if err := w.setUp(s); err != nil {
			t.Fatal(err)
		}
	}
	for range *kills {
		c.killWhile(s, works)
		if c.random.IntN(4) == 0 {
			c.killAtStart()
		}
		s = c.serve()
		for _, w := range works {
			w.check(s)
		}
		if t.Failed() {
			t.Fatalf("after %d answered calls", c.answered.Load())
		}
	}
	for _, w := range works {
		w.finish(s)
	}
	s.kill()
	t.Logf("%d calls were answered", c.answered.Load())
}

// crashes starts servers on one data file and kills them.
type crashes struct {
	t        testing.TB
	dir      string
	random   *rand.Rand
	started  int
	answered atomic.Int64
}

// session is a running server with its clients.
type session struct {
	*crashes
	cmd    *exec.Cmd
	stdin  io.Closer
	stderr *strings.Builder
	cfg    aws.Config
	random *rand.Rand // for one goroutine, see forked

	queues  *sqs.Client
	topics  *sns.Client
	tables  *dynamodb.Client
	gateway *apigateway.Client
}

// visibility is how long a received message is hidden, in seconds: it is visible again on
// the next server, whose clock is ahead by more. Deduplication lasts minutes.
const (
	visibility = 30
	ahead      = 45 * time.Second
)

func (c *crashes) start() (*exec.Cmd, io.Reader, io.Closer, *strings.Builder) {
	c.t.Helper()
	c.started++
	cmd := exec.Command(os.Args[0], "-victim-dir", c.dir, "-victim-clock", (time.Duration(c.started) * ahead).String())
	stderr := &strings.Builder{}
	cmd.Stderr = stderr
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		c.t.Fatal(err)
	}
	stdin, err := cmd.StdinPipe()
	if err != nil {
		c.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		c.t.Fatal(err)
	}
	return cmd, stdout, stdin, stderr
}

// serve starts a server and waits for it to listen.
func (c *crashes) serve() *session {
	c.t.Helper()
	cmd, stdout, stdin, stderr := c.start()
	endpoint, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		_ = cmd.Wait()
		c.t.Fatalf("the server did not start after %d kills: %s", c.started-1, stderr)
	}
	cfg := aws.Config{
		Region: localaws.Region, BaseEndpoint: aws.String(strings.TrimSpace(endpoint)),
		Credentials: credentials.NewStaticCredentialsProvider("local", "local", ""),
		HTTPClient: awshttp.NewBuildableClient().WithTransportOptions(func(tr *http.Transport) {
			tr.MaxIdleConnsPerHost = 64
		}),
	}
	s := &session{
		crashes: c, cmd: cmd, stdin: stdin, stderr: stderr, cfg: cfg,
		random: rand.New(rand.NewPCG(c.random.Uint64(), 0)),
	}
	s.dial(cfg)
	return s
}

func (s *session) dial(cfg aws.Config) {
	s.queues, s.topics = sqs.NewFromConfig(cfg), sns.NewFromConfig(cfg)
	s.tables, s.gateway = dynamodb.NewFromConfig(cfg), apigateway.NewFromConfig(cfg)
}

// once returns the session with clients that do not retry: each call has succeeded, or was
// refused, or has an unknown result.
func (s *session) once() *session {
	other := s.forked()
	cfg := s.cfg
	cfg.RetryMaxAttempts = 1
	other.dial(cfg)
	return other
}

func (s *session) kill() {
	s.t.Helper()
	if err := s.cmd.Process.Kill(); err != nil {
		s.t.Fatal(err)
	}
	_ = s.cmd.Wait()
	_ = s.stdin.Close()
	if s.stderr.Len() > 0 {
		s.t.Errorf("the server wrote to stderr: %s", s.stderr)
	}
}

// killWhile kills the server while all clients work, after a random number of answers and a
// random delay.
func (c *crashes) killWhile(s *session, works []work) {
	c.t.Helper()
	enough := c.answered.Load() + 1 + c.random.Int64N(250)
	moment := time.Duration(c.random.IntN(3000)) * time.Microsecond
	var working sync.WaitGroup
	for _, w := range works {
		s := s.once()
		working.Go(func() { w.run(s) })
	}
	deadline := time.Now().Add(20 * time.Second)
	for c.answered.Load() < enough && time.Now().Before(deadline) {
		time.Sleep(200 * time.Microsecond)
	}
	time.Sleep(moment)
	s.kill()
	working.Wait()
	if c.answered.Load() < enough {
		c.t.Fatal("the server answered too few calls")
	}
}

// killAtStart kills a server while it starts.
func (c *crashes) killAtStart() {
	c.t.Helper()
	cmd, _, stdin, _ := c.start()
	time.Sleep(time.Duration(c.random.IntN(40)) * time.Millisecond)
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	_ = stdin.Close()
}

// forked returns the session for another goroutine.
func (s *session) forked() *session {
	other := *s
	other.random = rand.New(rand.NewPCG(s.random.Uint64(), 0))
	return &other
}

// outcome is what a client knows about the result of its call.
type outcome int

const (
	done       outcome = iota
	refused            // the server returned an expected error
	unknown            // no answer: the call may have succeeded
	unexpected         // the server returned another error
)

// outcomeOf returns the outcome of a call. Errors with other codes than the expected ones
// fail the test.
func (s *session) outcomeOf(what string, err error, expected ...string) outcome {
	var answer smithy.APIError
	switch {
	case err == nil:
		s.answered.Add(1)
		return done
	case !errors.As(err, &answer):
		return unknown
	}
	s.answered.Add(1)
	for _, code := range expected {
		if answer.ErrorCode() == code {
			return refused
		}
	}
	s.t.Errorf("%s: %v", what, err)
	return unexpected
}

// must is for calls outside run, which must succeed.
func (s *session) must(what string, err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatalf("%s: %v", what, err)
	}
}

func (s *session) queueURL(name string) string {
	s.t.Helper()
	out, err := s.queues.GetQueueUrl(context.Background(), &sqs.GetQueueUrlInput{QueueName: &name})
	s.must("finding the queue "+name, err)
	return *out.QueueUrl
}

func number(text string) int {
	n, err := strconv.Atoi(text)
	if err != nil {
		return -1
	}
	return n
}
