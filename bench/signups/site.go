package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/rs/zerolog"

	"github.com/aws/aws-sdk-go-v2/service/apigateway"

	"github.com/gatehouse-portal/gatehouse/bench/issuer"
	"github.com/gatehouse-portal/gatehouse/demo"
	"github.com/gatehouse-portal/gatehouse/localaws"
)

type site struct {
	settings
	tell   func(format string, values ...any)
	dir    string
	aws    *localaws.Server
	issuer *issuer.Issuer
	fleet  *fleet
	demo   demo.Installed
	random *rand.Rand
	client *http.Client
	polls  int
	rows   *rowCounter
}

func newSite(ctx context.Context, s settings, tell func(string, ...any)) (*site, error) {
	dir, err := os.MkdirTemp("", "gatehouse-signups-")
	if err != nil {
		return nil, fmt.Errorf("creating a folder: %w", err)
	}
	is := &site{settings: s, tell: tell, dir: dir, random: rand.New(rand.NewPCG(s.seed, 0)), client: &http.Client{
		Timeout:   time.Minute,
		Transport: &http.Transport{MaxIdleConnsPerHost: s.clients, MaxConnsPerHost: 2 * s.clients},
	}}
	is.rows = newRowCounter(func() http.Handler { return is.aws })
	if err := is.start(ctx); err != nil {
		is.close()
		return nil, err
	}
	return is, nil
}

func (s *site) start(ctx context.Context) (err error) {
	s.tell("building")
	if s.fleet, err = newFleet(ctx, s.dir, s.source); err != nil {
		return err
	}
	if s.issuer, err = issuer.Start(); err != nil {
		return err
	}
	s.aws, err = localaws.Open(localaws.Options{
		Dir: filepath.Join(s.dir, "aws"), Addr: "127.0.0.1:0", Log: zerolog.Nop(),
		Mount: map[string]http.Handler{"/demo/": http.StripPrefix("/demo", demo.API()), countedPath: s.rows},
	})
	if err != nil {
		return fmt.Errorf("starting the local AWS: %w", err)
	}
	if err := s.fleet.once(ctx, s.env("gatehouse"), "gatehouse", "setup"); err != nil {
		return err
	}
	if s.demo, err = demo.Install(ctx, apigateway.NewFromConfig(s.aws.AWSConfig()), s.aws.Endpoint()+"/demo"); err != nil {
		return err
	}
	if s.provisioning == "auto" {
		if err := s.fleet.once(ctx, s.env("gatehouse"), "gatehouse", "doctor", "--probe-import"); err != nil {
			return fmt.Errorf("probing the import: %w", err)
		}
	}
	for i := range s.apis {
		if err := s.fleet.add(ctx, "api", i, s.env("api")); err != nil {
			return err
		}
	}
	for i := range s.workers {
		if err := s.fleet.add(ctx, "worker", i, s.env("worker")); err != nil {
			return err
		}
	}
	return s.waitForCatalog(ctx)
}

func (s *site) env(program string) []string {
	endpoint := s.aws.Endpoint()
	if s.byRow {
		endpoint += countedPath + program
	}
	return []string{
		"HOME=" + s.dir, "AWS_EC2_METADATA_DISABLED=true",
		"AWS_ENDPOINT_URL=" + endpoint, "AWS_REGION=" + localaws.Region,
		"AWS_ACCESS_KEY_ID=local", "AWS_SECRET_ACCESS_KEY=local",
		"GATEHOUSE_OIDC_ISSUER=" + s.issuer.URL, "GATEHOUSE_OIDC_CLIENT_ID=" + issuer.ClientID,
		"GATEHOUSE_OIDC_JWKS_URL=" + s.issuer.KeysURL(),
		fmt.Sprintf("GATEHOUSE_QUOTA_SHARE=%g", s.share), "GATEHOUSE_PROVISIONING=" + s.provisioning,
		"GATEHOUSE_LOG_LEVEL=warn", "GATEHOUSE_LOG_FORMAT=json",
	}
}

func (s settings) limits() localaws.Limits {
	l := localaws.Limits{ConcurrentModification: s.attaching}
	if s.quotas {
		l.Quotas = 1
	}
	return l
}

func (s *site) waitForCatalog(ctx context.Context) error {
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		var list struct{ Items []struct{ ID string } }
		if _, err := s.get(ctx, 0, "", "/api/v1/catalog", &list); err == nil && len(list.Items) > 0 {
			return nil
		}
	}
	return fmt.Errorf("the catalog was not published; the processes' logs are in %s", s.dir)
}

func (s *site) close() {
	if s.fleet != nil {
		s.fleet.stop()
	}
	if s.issuer != nil {
		_ = s.issuer.Close()
	}
	if s.aws != nil {
		_ = s.aws.Close()
	}
	_ = os.RemoveAll(s.dir)
}
