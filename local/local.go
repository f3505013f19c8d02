// Package local runs a whole portal in one process, set up with the demo: the local AWS, the
// portal and a worker. All but AWS is what runs in production. It also sets up the demo in an AWS
// account. Only commands import it.
package local

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
	"time"

	"github.com/aws/aws-sdk-go-v2/credentials"
	"golang.org/x/sync/errgroup"

	"github.com/gatehouse-portal/gatehouse/app"
	"github.com/gatehouse-portal/gatehouse/demo"
	"github.com/gatehouse-portal/gatehouse/localaws"
	"github.com/gatehouse-portal/gatehouse/localaws/faults"
)

const demoPath = "/demo-api"

// Options are the flags of `gatehouse local`.
type Options struct {
	// Fresh empties Dir first.
	Dir   string
	Fresh bool
	// The ports on 127.0.0.1; 0 picks a free one.
	Port, AWSPort, OperatorsPort int
	// Faults are rules of faults.Parse, also about handlers of this process. They and AWSQuotas apply once the portal runs.
	Faults    []string
	AWSQuotas bool
	// Out gets the start-up text and the user pool's e-mails; nil drops them.
	Out io.Writer
	// Ready, if not nil, gets the portal once it answers.
	Ready chan<- Portal
}

// Portal is a running local portal.
type Portal struct {
	PortalURL, AWSURL, OperatorsURL string
	Demo                            Demo
	Dir                             string
	config                          app.Config
}

// Run runs a local portal until ctx ends. It ignores p.AWS, and replaces the base URL, the identity
// provider and PollWait of p.Config. Its errors are for people.
func Run(ctx context.Context, p app.Process, opts Options) error {
	dir, err := filepath.Abs(opts.Dir)
	if err != nil {
		return fmt.Errorf("finding the data folder %s: %w", opts.Dir, err)
	}
	misbehaviour, err := faults.Parse(strings.Join(opts.Faults, "; "))
	if err != nil {
		return err
	}
	public, err := listen("the portal", "--port", opts.Port)
	if err != nil {
		return err
	}
	defer public.Close()
	operators, err := listen("health and metrics", "--operators-port", opts.OperatorsPort)
	if err != nil {
		return err
	}
	defer operators.Close()
	seller := sellersAccount(p.Config)
	server, err := localaws.Open(localaws.Options{
		Accounts: others(seller), Seller: seller,
		Dir: dir, Fresh: opts.Fresh, Addr: loopback(opts.AWSPort), Log: p.Log.With().Str("component", "localaws").Logger(), Now: p.Now, Handlers: messageTypes(),
		Mount: map[string]http.Handler{demoPath + "/": http.StripPrefix(demoPath, demo.API())},
	})
	if err != nil {
		return cannotStartAWS(err, opts)
	}
	defer func() { _ = server.Close() }()
	server.Cognito().OnMail(mailTo(opts.Out))

	running := Portal{PortalURL: localURL(public), AWSURL: server.Endpoint(), OperatorsURL: localURL(operators), Dir: dir}
	p.AWS, p.Config.BaseURL = server.AWSConfig(), running.PortalURL
	p.Around = breakable(server)
	p.PollWait = time.Second // so that it stops soon after Ctrl+C
	if len(p.Config.MarketplaceAccounts) == 0 {
		p.Config.MarketplaceAccounts = []string{seller}
	}
	if len(p.Config.MarketplaceTopics) == 0 {
		p.Config.MarketplaceTopics = topicsOf(seller, app.NamesFor(p.Config.Prefix))
	}
	if err := app.Setup(ctx, p.AWS, p.Config); err != nil {
		return fmt.Errorf("setting up: %w", err)
	}
	if running.Demo, err = SetupDemo(ctx, p.AWS, p.Config, running.AWSURL+demoPath); err != nil {
		return fmt.Errorf("setting up the demo: %w", err)
	}
	if p.Config.Catalog == "" {
		p.Config.Catalog = filepath.Join(dir, catalogFolder)
		if err := installCatalog(p.Config.Catalog, demo.Catalog); err != nil {
			return err
		}
	}
	if err := leaveMeteringToPortal(ctx, p.AWS, running, p.Config.Catalog); err != nil {
		return err
	}
	if err := setupMarketplace(ctx, p, running); err != nil {
		return err
	}
	if err := captureMail(ctx, &p); err != nil {
		return err
	}
	if opts.Out != nil {
		p.Operators = append(p.Operators, console{opts.Out})
	}
	probeImport(ctx, p)
	if p.Config, err = running.signIn(ctx, p.Config); err != nil {
		return err
	}
	running.config = p.Config
	return run(ctx, p, public, operators, opts.Out, func() error {
		if opts.AWSQuotas {
			server.SetLimits(localaws.AWSLimits())
		}
		if err := server.SetFaults(misbehaviour); err != nil {
			return err
		}
		faults := ""
		if len(misbehaviour.Rules) > 0 {
			faults = misbehaviour.String()
		}
		running.printStartupText(opts.Out, faults)
		if opts.Ready != nil {
			opts.Ready <- running
		}
		return nil
	})
}

// workerUser is the worker's user in the local AWS. Others, such as the user of the AWS CLI, make changes by hand.
const workerUser = "gatehouse-worker"

// run calls ready once the worker runs.
func run(ctx context.Context, p app.Process, public, operators net.Listener, out io.Writer, ready func() error) error {
	working := p
	working.AWS.Credentials = credentials.NewStaticCredentialsProvider(workerUser, workerUser, "")
	worker, err := app.NewWorker(ctx, working)
	if err != nil {
		return err
	}
	portal, err := app.NewPortal(ctx, p)
	if err != nil {
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return worker.Run(ctx) })
	group.Go(func() error {
		return app.Serve(ctx, public, app.ForLoopbackNames(public, portal), p.Log, p.Config.MaxConnections)
	})
	group.Go(func() error { return app.ServeOperators(ctx, operators, p) })
	group.Go(func() error {
		select {
		case <-worker.Running():
			if err := ready(); err != nil {
				return err
			}
			return watchCatalog(p.Log.WithContext(ctx), p, out)
		case <-ctx.Done():
			return nil
		}
	})
	return errors.Join(group.Wait(), portal.Close())
}

// signIn makes the demo's user pool the identity provider. The pool keeps its first issuer, since
// issuer and subject identify an account, but may answer at another port today. So signIn
// configures the endpoints instead of having the portal discover them.
func (l Portal) signIn(ctx context.Context, cfg app.Config) (app.Config, error) {
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

type discovery struct {
	Issuer        string `json:"issuer"`
	Authorization string `json:"authorization_endpoint"`
	Token         string `json:"token_endpoint"`
	Keys          string `json:"jwks_uri"`
	EndSession    string `json:"end_session_endpoint"`
}

func discover(ctx context.Context, base string) (found discovery, err error) {
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
