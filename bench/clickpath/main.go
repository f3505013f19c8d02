// Command clickpath lists the functions of this module that one click on Subscribe executes, by
// package: the portal's and the workers', from the request to the answer that shows success.
// Several people click in turn, and only functions that every click executes count. `make click-path`
// builds it with the coverage counters that it needs.
package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path"
	"regexp"
	"runtime/coverage"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider/types"
	"github.com/rs/zerolog"

	"github.com/gatehouse-portal/gatehouse/app"
	"github.com/gatehouse-portal/gatehouse/local"
	"github.com/gatehouse-portal/gatehouse/localaws"
)

const (
	patience = 2 * time.Minute
	people   = 5
	module   = "github.com/gatehouse-portal/gatehouse/"
)

// notListed matches the packages that are no part of a portal on AWS; their functions are not listed.
var notListed = regexp.MustCompile("^(bench|demo|local|localaws)(/|$)")

func main() {
	if err := run(os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "clickpath:", err)
		os.Exit(1)
	}
}

func run(out io.Writer) error {
	ctx, stop := context.WithTimeout(context.Background(), patience)
	defer stop()
	dir, err := os.MkdirTemp("", "gatehouse-way-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	site, err := start(ctx, path.Join(dir, "site"))
	if err != nil {
		return err
	}
	clicks := map[function]int{}
	for i := range people {
		executed, err := click(ctx, site, strconv.Itoa(i), path.Join(dir, strconv.Itoa(i)))
		if err != nil {
			return err
		}
		for _, f := range executed {
			clicks[f]++
		}
	}
	maps.DeleteFunc(clicks, func(_ function, n int) bool { return n < people })
	return list(out, slices.SortedFunc(maps.Keys(clicks), function.compare))
}

type function struct{ pkg, file, name string }

func (f function) compare(other function) int {
	return cmp.Or(cmp.Compare(f.pkg, other.pkg), cmp.Compare(f.file, other.file), cmp.Compare(f.name, other.name))
}

func list(out io.Writer, functions []function) error {
	packages := map[string][]function{}
	for _, f := range functions {
		packages[f.pkg] = append(packages[f.pkg], f)
	}
	var text strings.Builder
	for _, pkg := range slices.Sorted(maps.Keys(packages)) {
		fmt.Fprintf(&text, "%s: %d\n", pkg, len(packages[pkg]))
		for _, f := range packages[pkg] {
			fmt.Fprintf(&text, "\t%s\t%s\n", f.file, f.name)
		}
	}
	fmt.Fprintf(&text, "%d functions in %d packages\n", len(functions), len(packages))
	_, err := io.WriteString(out, text.String())
	return err
}

// click has a new person subscribe, and returns the functions that this executed.
func click(ctx context.Context, site local.Portal, name, folder string) ([]function, error) {
	token, err := signUp(ctx, site, name+"@example.com")
	if err != nil {
		return nil, err
	}
	p := person{url: site.PortalURL, token: token}
	if err := p.askUntilSucceeded(ctx, http.MethodPost, "/api/v1/register"); err != nil {
		return nil, err
	}
	if err := p.waitUntilOffered(ctx); err != nil {
		return nil, err
	}
	if err := coverage.ClearCounters(); err != nil {
		return nil, fmt.Errorf("run make click-path: %w", err)
	}
	if err := p.askUntilSucceeded(ctx, http.MethodPut, "/api/v1/subscriptions/"+site.Demo.API.FreePlanID); err != nil {
		return nil, err
	}
	if err := errors.Join(os.Mkdir(folder, 0o700), coverage.WriteMetaDir(folder), coverage.WriteCountersDir(folder)); err != nil {
		return nil, err
	}
	report, err := exec.CommandContext(ctx, "go", "tool", "covdata", "func", "-i="+folder).Output()
	if err != nil {
		return nil, fmt.Errorf("reading the coverage: %w", err)
	}
	return executed(string(report)), nil
}

// covered matches a line of covdata's report: file, line, function, and the share of its
// statements that were executed.
var covered = regexp.MustCompile(`(?m)^` + module + `(\S+)/(\S+):\d+:\s+(\S+)\s+([\d.]+)%$`)

func executed(report string) []function {
	var functions []function
	for _, line := range covered.FindAllStringSubmatch(report, -1) {
		if line[4] != "0.0" && !notListed.MatchString(line[1]) {
			functions = append(functions, function{line[1], line[2], line[3]})
		}
	}
	return functions
}

func start(ctx context.Context, dir string) (local.Portal, error) {
	cfg, err := app.LoadConfig(nil)
	if err != nil {
		return local.Portal{}, err
	}
	ready, done := make(chan local.Portal, 1), make(chan error, 1)
	go func() {
		done <- local.Run(ctx, app.Process{Config: cfg, Log: zerolog.Nop(), Metrics: app.NewMetrics("gatehouse")}, local.Options{Dir: dir, Ready: ready})
	}()
	select {
	case site := <-ready:
		return site, nil
	case err := <-done:
		return local.Portal{}, err
	}
}

func signUp(ctx context.Context, site local.Portal, name string) (token string, err error) {
	users := cognitoidentityprovider.NewFromConfig(aws.Config{
		Region: localaws.Region, BaseEndpoint: &site.AWSURL, Credentials: credentials.NewStaticCredentialsProvider("local", "local", ""),
	})
	password := "Correct-horse-1"
	if _, err := users.SignUp(ctx, &cognitoidentityprovider.SignUpInput{ClientId: &site.Demo.ClientID, Username: &name, Password: &password}); err != nil {
		return "", err
	}
	out, err := users.InitiateAuth(ctx, &cognitoidentityprovider.InitiateAuthInput{
		ClientId: &site.Demo.ClientID, AuthFlow: types.AuthFlowTypeUserPasswordAuth,
		AuthParameters: map[string]string{"USERNAME": name, "PASSWORD": password},
	})
	if err != nil {
		return "", err
	}
	return *out.AuthenticationResult.IdToken, nil
}

type person struct{ url, token string }

// askUntilSucceeded sends a request and polls its operation until it has succeeded.
func (p person) askUntilSucceeded(ctx context.Context, method, path string) error {
	var op struct{ ID, Status string }
	if err := p.do(ctx, method, path, &op); err != nil {
		return err
	}
	for op.Status != "succeeded" {
		time.Sleep(20 * time.Millisecond)
		if err := p.do(ctx, http.MethodGet, "/api/v1/operations/"+op.ID, &op); err != nil {
			return err
		}
	}
	return nil
}

func (p person) waitUntilOffered(ctx context.Context) error {
	for {
		var list struct{ Items []any }
		if err := p.do(ctx, http.MethodGet, "/api/v1/catalog", &list); err != nil || len(list.Items) > 0 {
			return err
		}
		time.Sleep(20 * time.Millisecond)
	}
}

func (p person) do(ctx context.Context, method, path string, into any) error {
	req, err := http.NewRequestWithContext(ctx, method, p.url+path, nil)
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+p.token)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode >= http.StatusBadRequest {
		return fmt.Errorf("%s %s answered %s", method, path, resp.Status)
	}
	return json.NewDecoder(resp.Body).Decode(into)
}
