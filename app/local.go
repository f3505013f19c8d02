package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/gatehouse-portal/gatehouse/demo"
	"github.com/gatehouse-portal/gatehouse/localaws"
	"github.com/gatehouse-portal/gatehouse/localaws/cognito"
	"github.com/gatehouse-portal/gatehouse/localaws/faults"
	"github.com/gatehouse-portal/gatehouse/localaws/store"
)

// demoPath is where the demo API is answered beside the local AWS.
const demoPath = "/demo-api"

// LocalOptions are the flags of `gatehouse local`.
type LocalOptions struct {
	// Dir holds all data; Fresh empties it first.
	Dir   string
	Fresh bool
	// Ports to listen at, on all loopback addresses; 0 picks a free one.
	Port, AWSPort, OperatorsPort int
	// Faults are what goes wrong in the local AWS once the portal runs, in the text form
	// of faults.Parse; they come after those of GATEHOUSE_LOCAL_FAULTS.
	Faults []string
	// AWSQuotas has its API Gateway keep to AWS's limits, from then on too.
	AWSQuotas bool
	// Out is where the banner goes.
	Out io.Writer
	// Ready is told once everything answers; nil to do without.
	Ready chan<- Local
}

// Local is a local portal that runs.
type Local struct {
	PortalURL, AWSURL, OperatorsURL string
	Demo                            Demo
	Dir                             string
	// running is called once everything runs, before anybody is told.
	running func() error
	// faults is what the banner says goes wrong on purpose.
	faults string
	// config is what the portal runs with.
	config Config
}

// RunLocal runs a whole portal in one process: the local AWS, the portal and a worker,
// set up with the demo. It is the production code over the production SDK; only AWS is
// another.
func RunLocal(ctx context.Context, p Process, opts LocalOptions) error {
	dir, err := filepath.Abs(opts.Dir)
	if err != nil {
		return fmt.Errorf("finding the data folder %s: %w", opts.Dir, err)
	}
	misbehaviour, err := faults.Parse(strings.Join(append([]string{p.Config.LocalFaults}, opts.Faults...), "; "))
	if err != nil {
		return err
	}
	portalListener, err := listenLocal("the portal", "--port", opts.Port)
	if err != nil {
		return err
	}
	defer portalListener.Close()
	operatorsListener, err := listenLocal("operators", "--operators-port", opts.OperatorsPort)
	if err != nil {
		return err
	}
	defer operatorsListener.Close()
	server, err := localaws.Open(localaws.Options{
		Dir: dir, Fresh: opts.Fresh, Addr: loopback(opts.AWSPort), Log: p.Log.With().Str("process", "localaws").Logger(), Now: p.Now,
		Mount: map[string]http.Handler{demoPath + "/": http.StripPrefix(demoPath, demo.API())},
	})
	if err != nil {
		return inTheWay(err, opts)
	}
	defer func() { _ = server.Close() }()
	server.Cognito().OnMail(mailTo(opts.Out))

	local := Local{
		PortalURL: localURL(portalListener), AWSURL: server.Endpoint(), OperatorsURL: localURL(operatorsListener), Dir: dir,
	}
	p.AWS, p.Config.BaseURL = server.AWSConfig(), local.PortalURL
	p.PollWait = time.Second // so that it stops as soon as somebody presses Ctrl+C
	if err := Setup(ctx, p.AWS, p.Config); err != nil {
		return fmt.Errorf("setting up: %w", err)
	}
	if local.Demo, err = SetupDemo(ctx, p.AWS, p.Config, local.AWSURL+demoPath); err != nil {
		return fmt.Errorf("setting up the demo: %w", err)
	}
	probeLocally(ctx, p)
	if p.Config, err = local.signIn(ctx, p.Config); err != nil {
		return err
	}
	local.config = p.Config
	if len(misbehaviour.Rules) > 0 {
		local.faults = misbehaviour.String()
	}
	local.running = func() error {
		if opts.AWSQuotas {
			server.SetLimits(localaws.AWSLimits())
		}
		return server.SetFaults(misbehaviour)
	}
	return runLocal(ctx, p, opts, local, portalListener, operatorsListener)
}

// signIn is the configuration with the demo's user pool as the identity provider. The
// pool keeps the issuer it was created with, whatever port it answers at today: that is
// half of who somebody is. So the addresses are configured, not discovered.
func (l Local) signIn(ctx context.Context, cfg Config) (Config, error) {
	found, err := discover(ctx, l.AWSURL+"/"+l.Demo.PoolID)
	if err != nil {
		return cfg, err
	}
	cfg.OIDCIssuer, cfg.OIDCClientID = found.Issuer, l.Demo.ClientID
	cfg.OIDCAuthURL, cfg.OIDCTokenURL, cfg.OIDCJWKSURL = found.Authorization, found.Token, found.Keys
	cfg.OIDCSignUpURL = l.AWSURL + "/signup"
	cfg.OIDCSignOutURL = found.EndSession + "?client_id={client_id}&logout_uri={return_url}"
	return cfg, nil
}

// discovered is what `gatehouse local` takes from a provider's discovery document.
type discovered struct {
	Issuer        string `json:"issuer"`
	Authorization string `json:"authorization_endpoint"`
	Token         string `json:"token_endpoint"`
	Keys          string `json:"jwks_uri"`
	EndSession    string `json:"end_session_endpoint"`
}

func discover(ctx context.Context, base string) (found discovered, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, base+"/.well-known/openid-configuration", nil)
	if err != nil {
		return found, fmt.Errorf("finding the identity provider: %w", err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return found, fmt.Errorf("finding the identity provider: %w", err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return found, fmt.Errorf("finding the identity provider: it answered %s", resp.Status)
	}
	if err := json.NewDecoder(resp.Body).Decode(&found); err != nil {
		return found, fmt.Errorf("finding the identity provider: %w", err)
	}
	return found, nil
}

func runLocal(ctx context.Context, p Process, opts LocalOptions, local Local, public, operators net.Listener) error {
	worker, err := NewWorker(ctx, p)
	if err != nil {
		return err
	}
	portal, err := NewPortal(ctx, p)
	if err != nil {
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return worker.Run(ctx) })
	group.Go(func() error {
		return Serve(ctx, public, forLoopbackNames(public, portal), p.Log, p.Config.MaxConnections)
	})
	group.Go(func() error { return serveOperators(ctx, operators, p) })
	group.Go(func() error {
		select {
		case <-worker.Running():
			if err := local.running(); err != nil {
				return err
			}
			local.banner(opts.Out)
			if opts.Ready != nil {
				opts.Ready <- local
			}
		case <-ctx.Done():
		}
		return nil
	})
	return errors.Join(group.Wait(), portal.Close())
}

// mailTo writes the user pools' mails on the terminal: nobody else is to read the codes
// in them, so they stay out of the log.
func mailTo(out io.Writer) cognito.Post {
	return func(to, subject, body string) {
		if out != nil {
			fmt.Fprintf(out, "\n  Mail to %s: %s\n\n    %s\n\n", to, subject, strings.ReplaceAll(strings.TrimSpace(body), "\n", "\n    "))
		}
	}
}

// inTheWay says what to do about a local AWS that does not start.
func inTheWay(err error, opts LocalOptions) error {
	var noPort *net.OpError
	switch {
	case errors.As(err, &noPort):
		return taken(opts.AWSPort, "the local AWS", "--aws-port", err)
	case errors.Is(err, store.ErrInUse):
		return fmt.Errorf("starting the local AWS: %w. Stop the other, or choose another folder with --data", err)
	case errors.Is(err, store.ErrDamaged):
		return fmt.Errorf("starting the local AWS: %w. Put a sound copy in its place (docs/configuration.md says how to make one), "+
			"or start over with --fresh, which forgets what is in it", err)
	case errors.Is(err, store.ErrVersion):
		return fmt.Errorf("starting the local AWS: %w. --fresh starts over, and forgets what is in it", err)
	}
	return fmt.Errorf("starting the local AWS: %w", err)
}

func loopback(port int) string { return fmt.Sprintf("127.0.0.1:%d", port) }

func listenLocal(whose, flag string, port int) (net.Listener, error) {
	l, err := net.Listen("tcp", loopback(port))
	if err != nil {
		return nil, taken(port, whose, flag, err)
	}
	return l, nil
}

func taken(port int, whose, flag string, err error) error {
	if errors.Is(err, syscall.EADDRINUSE) {
		return fmt.Errorf("cannot listen on port %d, for %s: address already in use. Stop what uses it, or choose another with %s", port, whose, flag)
	}
	return fmt.Errorf("%w. Choose another with %s", cannotListen(loopback(port), err), flag)
}

func localURL(l net.Listener) string {
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return "http://localhost:" + port
}

func (l Local) banner(out io.Writer) {
	if out == nil {
		return
	}
	fmt.Fprintf(out, `
  Gatehouse is running.

  Portal         %s
  AWS endpoint   %s
  Operators      %s/healthz  /readyz  /metrics
  Data           %s  (kept across restarts; --fresh starts over)
`, l.PortalURL, l.AWSURL, l.OperatorsURL, l.Dir)
	if l.faults != "" {
		fmt.Fprintf(out, "  Faults         %s\n", l.faults)
	}
	fmt.Fprint(out, "\n  Sign in as\n")
	for _, account := range DemoAccounts {
		role := ""
		if account.Admin {
			role = "  (admin)"
		}
		fmt.Fprintf(out, "    %-20s %s%s\n", account.Email, account.Password, role)
	}
	fmt.Fprint(out, `
  There are no pages for admins yet: the admin sees what everybody sees.
  Operators use the commands of gatehouse; gatehouse --help lists them.
`)
	fmt.Fprintf(out, `
  For the other commands of gatehouse, the AWS CLI and curl, in another terminal
%s

  Tokens of user pool %s
    aws cognito-idp initiate-auth --auth-flow USER_PASSWORD_AUTH \
      --client-id %s \
      --auth-parameters USERNAME=%s,PASSWORD=%s

  Version 1 of the AWS CLI needs for "aws sqs"
    --endpoint-url %s

  Stop with Ctrl+C.

`, l.exports(), l.Demo.PoolID, l.Demo.ClientID, DemoAccounts[0].Email, DemoAccounts[0].Password, l.AWSURL)
}

// exports are the variables with which commands find this portal and its AWS.
func (l Local) exports() string {
	var b strings.Builder
	for _, v := range l.environment() {
		fmt.Fprintf(&b, "    export %s=%s\n", v[0], v[1])
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// environment are those variables with their values.
func (l Local) environment() [][2]string {
	all := [][2]string{
		{"AWS_ENDPOINT_URL", l.AWSURL}, {"AWS_REGION", localaws.Region}, {"AWS_DEFAULT_REGION", localaws.Region},
		{"AWS_ACCESS_KEY_ID", "local"}, {"AWS_SECRET_ACCESS_KEY", "local"},
		{"GATEHOUSE_BASE_URL", l.PortalURL}, {"GATEHOUSE_OIDC_ISSUER", l.config.OIDCIssuer}, {"GATEHOUSE_OIDC_CLIENT_ID", l.config.OIDCClientID},
	}
	// The pool keeps the issuer it was created with. Where it answers elsewhere today, the
	// addresses must be told.
	if l.config.OIDCIssuer != l.AWSURL+"/"+l.Demo.PoolID {
		all = append(all, [][2]string{
			{"GATEHOUSE_OIDC_AUTH_URL", l.config.OIDCAuthURL}, {"GATEHOUSE_OIDC_TOKEN_URL", l.config.OIDCTokenURL}, {"GATEHOUSE_OIDC_JWKS_URL", l.config.OIDCJWKSURL},
		}...)
	}
	if def, err := LoadConfig(nil); err == nil && l.config.Prefix != def.Prefix {
		all = append(all, [2]string{"GATEHOUSE_PREFIX", l.config.Prefix})
	}
	return all
}
