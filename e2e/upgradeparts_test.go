// Helpers that run two versions against one local AWS.

package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/apigateway"
	"github.com/aws/aws-sdk-go-v2/service/cognitoidentityprovider"

	"github.com/gatehouse-portal/gatehouse/demo"
	"github.com/gatehouse-portal/gatehouse/identity"
	"github.com/gatehouse-portal/gatehouse/local"
	"github.com/gatehouse-portal/gatehouse/localaws"
)

// fleetOf is so many processes of the programs in a folder.
type fleetOf struct {
	programs string
	n        int
}

// storm is people who sign up, subscribe and leave while versions change.
type storm struct {
	*testing.T
	site
	env              []string
	portals, workers []*process
	people           []*customer
	steps, rotated   int
	others           int // people beside these, with a key each
}

// customer is a person with the operations that they have asked for.
type customer struct {
	person
	since      int // the step in which they signed up
	subscribed bool
	asked      []answer
}

// startStorm sets up a local AWS with the older version, and starts no process.
func startStorm(t *testing.T, older string) *storm {
	t.Helper()
	c := startCloud(t)
	const base = "http://localhost:8080"
	s := &storm{T: t, site: site{aws: c.AWSConfig(), Portal: local.Portal{AWSURL: c.Endpoint()}}}
	s.aws.Region = localaws.Region
	s.env = slices.Concat(c.env, []string{"GATEHOUSE_BASE_URL=" + base, "GATEHOUSE_QUOTA_SHARE=1"})
	s.run(older, "setup")
	var err error
	s.Demo.PoolID, s.Demo.ClientID, err = demo.UserPool{
		Cognito: cognitoidentityprovider.NewFromConfig(s.aws), Name: "gatehouse-demo", ClientName: "Gatehouse",
		CallbackURL: base + identity.CallbackPath, SignOutURL: base + "/", AdminGroup: "admins",
	}.Install(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if s.Demo.API, err = demo.Install(t.Context(), apigateway.NewFromConfig(s.aws), c.Endpoint()+"/demo-api"); err != nil {
		t.Fatal(err)
	}
	s.env = append(s.env, "GATEHOUSE_OIDC_ISSUER="+c.Endpoint()+"/"+s.Demo.PoolID, "GATEHOUSE_OIDC_CLIENT_ID="+s.Demo.ClientID)
	return s
}

func (s *storm) command(programs, name string, env []string, args ...string) *exec.Cmd {
	cmd := exec.Command(filepath.Join(programs, name), args...)
	cmd.Env = slices.Concat([]string{"HOME=" + s.TempDir(), "AWS_EC2_METADATA_DISABLED=true"}, s.env, env)
	return cmd
}

// run has an operator run a command of the version.
func (s *storm) run(programs string, args ...string) (stdout string) {
	s.Helper()
	out, err := s.command(programs, "gatehouse", nil, args...).Output()
	if err != nil {
		var stderr []byte
		if exit, ok := err.(*exec.ExitError); ok { //nolint:errorlint // Output wraps nothing
			stderr = exit.Stderr
		}
		s.Fatalf("gatehouse %s of %s: %v\n%s%s", strings.Join(args, " "), programs, err, out, stderr)
	}
	return string(out)
}

// step replaces all processes. Half of the people ask the portals of the step before, after its
// workers have stopped; the others ask those of this step. All their operations must succeed.
func (s *storm) step(name string, portals, workers []fleetOf) {
	s.Helper()
	s.Logf("%s", name)
	s.steps++
	stop(s.workers)
	if s.portals != nil {
		s.ask(0)
	}
	stop(s.portals)
	s.portals, s.workers = s.start("api", 2, portals), s.start("worker", 1, workers)
	s.PortalURL = s.portals[0].portal
	for _, p := range s.portals {
		s.PortalURL = p.portal
		s.waitForCatalog(s.T)
	}
	s.ask(1)
	s.waitUntilOver(name)
}

func (s *storm) start(program string, servers int, groups []fleetOf) (all []*process) {
	for _, g := range groups {
		for range g.n {
			all = append(all, startCommand(s.T, s.command(g.programs, program, freePorts), servers, program))
		}
	}
	return all
}

func stop(processes []*process) {
	for _, p := range processes {
		p.terminate()
	}
	for _, p := range processes {
		p.waitForExit()
	}
}

const newcomers = 3

// ask has newcomers register and subscribe, and every other person change what they have.
func (s *storm) ask(turn int) {
	var asking []*customer
	for i, c := range s.people {
		if i%2 == turn && c.since < s.steps {
			asking = append(asking, c)
		}
	}
	for range newcomers {
		c := &customer{since: s.steps, person: s.signUp(s.T, fmt.Sprintf("person%d@example.com", len(s.people)))}
		s.people, asking = append(s.people, c), append(asking, c)
	}
	var all sync.WaitGroup
	for i, c := range asking {
		c.base = s.portals[i%len(s.portals)].portal
		all.Go(func() { c.change(s.Demo.API.FreePlanID) })
	}
	all.Wait()
}

func (c *customer) change(plan string) {
	if c.asked == nil {
		c.asked = append(c.asked, c.do(http.MethodPost, "/api/v1/register", "").want(http.StatusAccepted))
	}
	method := http.MethodPut
	if c.subscribed {
		method = http.MethodDelete
	}
	c.asked = append(c.asked, c.do(method, "/api/v1/subscriptions/"+plan, "").want(http.StatusAccepted))
	c.subscribed = !c.subscribed
}

// useKeys has every third subscriber change their plan and back, and rotate their key.
func (s *storm) useKeys() {
	for i, c := range s.people {
		if i%3 > 0 || !c.subscribed {
			continue
		}
		free, plus := s.Demo.API.FreePlanID, s.Demo.API.PlusPlanID
		c.succeed(c.do(http.MethodPut, "/api/v1/subscriptions/"+plus, `{"replaces": "`+free+`"}`))
		c.succeed(c.do(http.MethodPut, "/api/v1/subscriptions/"+free, `{"replaces": "`+plus+`"}`))
		c.succeed(c.do(http.MethodPost, "/api/v1/keys/"+c.liveKeys()[0]+"/rotate", `{"overlap": "0"}`))
		s.rotated++
	}
}

// liveKeys returns the ids of the person's keys that have not ended.
func (c *customer) liveKeys() (ids []string) {
	c.t.Helper()
	for _, k := range decode[items[key]](c.do(http.MethodGet, "/api/v1/keys", "").want(http.StatusOK)).Items {
		if k.State == "active" || k.State == "unused" {
			ids = append(ids, k.ID)
		}
	}
	return ids
}

// waitUntilOver wants every operation to succeed, also those of earlier steps, as all portals show them.
func (s *storm) waitUntilOver(step string) {
	s.Helper()
	for i, c := range s.people {
		c.base = s.portals[i%len(s.portals)].portal
		for _, a := range c.asked {
			if op := c.finish(a); op.Status != "succeeded" {
				s.Errorf("%s: an operation of person %d ended %s: %+v", step, i, op.Status, op)
			}
		}
	}
}

// checkPromises checks that each person has one key, that it works exactly if they are subscribed,
// and that journal, API Gateway and views agree.
func (s *storm) checkPromises() {
	held := s.gatewayKeys(s.T)
	if want := len(s.people) + s.rotated + s.others; len(held) != want || s.rotated == 0 {
		s.Errorf("API Gateway holds %d keys of %d people, who rotated %d", len(held), len(s.people), s.rotated)
	}
	for i, c := range s.people {
		keys := c.liveKeys()
		if len(keys) != 1 {
			s.Errorf("person %d has the keys %v", i, keys)
			continue
		}
		value := c.valueOf(keys[0])
		if _, ok := held[value]; !ok {
			s.Errorf("the key of person %d is not in API Gateway", i)
		}
		want := http.StatusForbidden
		if c.subscribed {
			want = http.StatusOK
		}
		if got := s.call(s.T, value); got != want {
			s.Errorf("with the key of person %d the API answers %d, want %d", i, got, want)
		}
	}
	newer, err := programs()
	if err != nil {
		s.Fatal(err)
	}
	var found struct{ Streams, Open, Drifted, Unshown, Unreadable int }
	if err := json.Unmarshal([]byte(s.run(newer, "sweep", "--json")), &found); err != nil {
		s.Fatal(err)
	}
	if found.Open+found.Drifted+found.Unshown+found.Unreadable > 0 || found.Streams < len(s.people) {
		s.Errorf("the sweep finds %+v", found)
	}
	s.checkLetters(newer)
}

// checkLetters accepts the dead letters of ticks for jobs that the older version does not know. It made
// them before workers left such ticks to newer ones; they do no harm.
func (s *storm) checkLetters(programs string) {
	var list struct {
		Letters []struct{ Class, Type, Error string }
	}
	if err := json.Unmarshal([]byte(s.run(programs, "dlq", "list", "--json")), &list); err != nil {
		s.Fatal(err)
	}
	for _, letter := range list.Letters {
		if letter.Class != "invalid" || letter.Type != "gatehouse.JobRequested.v1" || !strings.Contains(letter.Error, "There is no job") {
			s.Errorf("there is a dead letter: %+v", letter)
		}
	}
}
