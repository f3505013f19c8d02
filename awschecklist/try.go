package awschecklist

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigateway"
	"github.com/aws/aws-sdk-go-v2/service/apigateway/types"

	"github.com/gatehouse-portal/gatehouse/gateway/keyimport"
)

const stage = "probe"

// trial is one run of Try, and what it has made.
type trial struct {
	Config
	base    string // the beginning of the names of everything that trials make
	run     string // the beginning of the names of everything that this trial makes
	api     string
	answers []Answer
}

// Try makes a REST API, two usage plans and some API keys, asks its questions with them, and deletes them,
// together with what interrupted runs have left. If AWS refuses a call that a question needs, the answer is what
// AWS said. The error says what could not be deleted, or why no question could be asked.
func Try(ctx context.Context, c Config) (answers []Answer, err error) {
	t := &trial{Config: c, base: c.Prefix + "/probe-aws/"}
	t.run = t.base + strings.ToLower(rand.Text()[:8])
	defer func() {
		// An interrupted run cleans up, too.
		within, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanUpTime)
		defer cancel()
		c.Tell("deleting what was made")
		err = errors.Join(err, t.cleanUp(within))
		answers = t.answers
	}()
	c.Tell("making a REST API, two usage plans and two API keys")
	things, err := t.setUp(ctx)
	if err != nil {
		return nil, fmt.Errorf("making what is needed to ask: %w", err)
	}
	t.askAttaching(ctx, things)
	t.askCounting(ctx, things)
	t.askEnding(ctx, things)
	t.askImporting(ctx)
	return t.answers, ctx.Err()
}

func (t *trial) note(number int, question, found string, args ...any) {
	t.answers = append(t.answers, Answer{number, question, fmt.Sprintf(found, args...)})
}

// call makes a control-plane call after a pause.
func call[In, Out any](ctx context.Context, t *trial, do func(context.Context, *In, ...func(*apigateway.Options)) (*Out, error), in *In) (*Out, error) {
	if err := t.Pause(ctx); err != nil {
		return nil, err
	}
	return do(ctx, in)
}

type things struct {
	quota, free   string // plans
	first, second key
}

type key struct{ id, value string }

func (t *trial) setUp(ctx context.Context) (things, error) {
	var made things
	api, err := call(ctx, t, t.Gateway.CreateRestApi, &apigateway.CreateRestApiInput{Name: &t.run, Description: aws.String("Throw-away, of gatehouse doctor --aws."),
		EndpointConfiguration: &types.EndpointConfiguration{Types: []types.EndpointType{types.EndpointTypeRegional}}})
	if err != nil {
		return made, err
	}
	t.api = aws.ToString(api.Id)
	if err := t.deploy(ctx); err != nil {
		return made, err
	}
	covers := []types.ApiStage{{ApiId: &t.api, Stage: aws.String(stage)}}
	plan, err := call(ctx, t, t.Gateway.CreateUsagePlan, &apigateway.CreateUsagePlanInput{Name: aws.String(t.run + "/quota"), ApiStages: covers,
		Quota: &types.QuotaSettings{Limit: 1_000_000, Period: types.QuotaPeriodTypeDay}})
	if err != nil {
		return made, err
	}
	made.quota = aws.ToString(plan.Id)
	if plan, err = call(ctx, t, t.Gateway.CreateUsagePlan, &apigateway.CreateUsagePlanInput{Name: aws.String(t.run + "/free"), ApiStages: covers}); err != nil {
		return made, err
	}
	made.free = aws.ToString(plan.Id)
	if made.first, err = t.makeKey(ctx, "/1"); err != nil {
		return made, err
	}
	made.second, err = t.makeKey(ctx, "/2")
	return made, err
}

func (t *trial) makeKey(ctx context.Context, name string) (key, error) {
	out, err := call(ctx, t, t.Gateway.CreateApiKey, &apigateway.CreateApiKeyInput{Name: aws.String(t.run + name), Enabled: true})
	if err != nil {
		return key{}, err
	}
	return key{aws.ToString(out.Id), aws.ToString(out.Value)}, nil
}

// deploy gives the API a stage that answers 200 to GET with a key, without a backend.
func (t *trial) deploy(ctx context.Context) error {
	resources, err := call(ctx, t, t.Gateway.GetResources, &apigateway.GetResourcesInput{RestApiId: &t.api})
	if err != nil {
		return err
	}
	if len(resources.Items) == 0 {
		return errors.New("the new REST API has no resource")
	}
	root, get, ok := resources.Items[0].Id, aws.String(http.MethodGet), aws.String("200")
	_, err = call(ctx, t, t.Gateway.PutMethod, &apigateway.PutMethodInput{RestApiId: &t.api, ResourceId: root, HttpMethod: get, AuthorizationType: aws.String("NONE"), ApiKeyRequired: true})
	if err == nil {
		_, err = call(ctx, t, t.Gateway.PutMethodResponse, &apigateway.PutMethodResponseInput{RestApiId: &t.api, ResourceId: root, HttpMethod: get, StatusCode: ok})
	}
	if err == nil {
		_, err = call(ctx, t, t.Gateway.PutIntegration, &apigateway.PutIntegrationInput{RestApiId: &t.api, ResourceId: root, HttpMethod: get, Type: types.IntegrationTypeMock,
			RequestTemplates: map[string]string{"application/json": `{"statusCode": 200}`}})
	}
	if err == nil {
		_, err = call(ctx, t, t.Gateway.PutIntegrationResponse, &apigateway.PutIntegrationResponseInput{RestApiId: &t.api, ResourceId: root, HttpMethod: get, StatusCode: ok})
	}
	if err == nil {
		_, err = call(ctx, t, t.Gateway.CreateDeployment, &apigateway.CreateDeploymentInput{RestApiId: &t.api, StageName: aws.String(stage)})
	}
	return err
}

func (t *trial) attach(ctx context.Context, plan string, k key) error {
	_, err := call(ctx, t, t.Gateway.CreateUsagePlanKey, &apigateway.CreateUsagePlanKeyInput{UsagePlanId: &plan, KeyId: &k.id, KeyType: aws.String("API_KEY")})
	return err
}

func (t *trial) enable(ctx context.Context, k key, enabled string) error {
	_, err := call(ctx, t, t.Gateway.UpdateApiKey, &apigateway.UpdateApiKeyInput{ApiKey: &k.id, PatchOperations: []types.PatchOperation{
		{Op: types.OpReplace, Path: aws.String("/enabled"), Value: &enabled}}})
	return err
}

// askAttaching asks how soon the data plane knows of a change, and what API Gateway says to attachments that
// exist or collide.
func (t *trial) askAttaching(ctx context.Context, made things) {
	t.Tell("attaching a key, and calling the API until it is accepted")
	t.timed(ctx, "until a key that was attached is accepted", made.first, http.StatusOK, func() error { return t.attach(ctx, made.quota, made.first) })
	t.note(2, "attaching a key again to its plan", "%s", answerOf(t.attach(ctx, made.quota, made.first)))
	t.note(2, "attaching it to another plan of the same stage", "%s", answerOf(t.attach(ctx, made.free, made.first)))
	t.timed(ctx, "until a key that was disabled is refused", made.first, http.StatusForbidden, func() error { return t.enable(ctx, made.first, "false") })
	t.timed(ctx, "until a key that was enabled again is accepted", made.first, http.StatusOK, func() error { return t.enable(ctx, made.first, "true") })
}

func (t *trial) timed(ctx context.Context, question string, k key, want int, change func() error) {
	if err := change(); err != nil {
		t.note(3, question, "not asked: %s", answerOf(err))
		return
	}
	took, last, ok := t.wait(ctx, func() (string, bool) {
		status, err := t.get(ctx, k.value)
		if err != nil {
			return "no answer: " + err.Error(), false
		}
		return fmt.Sprint(status), status == want
	})
	if !ok {
		t.note(3, question, "not within %v; the last answer is %s", took, last)
		return
	}
	t.note(3, question, "%v", took)
}

// wait calls ask until it is done, or until Timeout is over.
func (t *trial) wait(ctx context.Context, ask func() (last string, done bool)) (took time.Duration, last string, done bool) {
	began := time.Now()
	for {
		last, done = ask()
		took = time.Since(began).Round(10 * time.Millisecond)
		if done || took >= t.Timeout {
			return took, last, done
		}
		select {
		case <-ctx.Done():
			return took, last, false
		case <-time.After(t.Interval):
		}
	}
}

func (t *trial) get(ctx context.Context, value string) (int, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, t.URL(t.api, stage)+"/", nil)
	if err != nil {
		return 0, err
	}
	r.Header.Set("X-Api-Key", value)
	out, err := t.HTTP.Do(r)
	if err != nil {
		return 0, errors.New("the API cannot be reached") // the error may contain the address
	}
	defer out.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(out.Body, 1<<10))
	return out.StatusCode, nil
}

// askImporting asks about ImportApiKeys, also what the probe of imports does not need to know.
func (t *trial) askImporting(ctx context.Context) {
	t.Tell("importing keys")
	finding, err := keyimport.ProbeFreely(ctx, t.Gateway, t.Prefix)
	for _, o := range finding.Observations {
		t.note(1, "ImportApiKeys: "+o.What, "%s", o.Seen)
	}
	if err != nil {
		t.note(1, "ImportApiKeys", "not asked to the end: %s", answerOf(err))
	}
	t.importMany(ctx)
	for question, part := range map[string]string{"nameQuery with the beginning of a name": t.run + "/many/", "nameQuery with the middle of a name": "/many/", "nameQuery in upper case": strings.ToUpper(t.run + "/many/")} {
		out, err := call(ctx, t, t.Gateway.GetApiKeys, &apigateway.GetApiKeysInput{NameQuery: &part, Limit: aws.Int32(500)})
		if err != nil {
			t.note(5, question, "%s", answerOf(err))
			continue
		}
		t.note(5, question, "%d keys", len(out.Items))
	}
}

// many is the number of rows of the trial's import.
const many = 50

func (t *trial) importMany(ctx context.Context) {
	names := map[string]int{}
	var file strings.Builder
	file.WriteString("Name,Key,Description,Enabled\n")
	for i := range many {
		name := fmt.Sprintf("%s/many/%03d", t.run, i)
		names[name] = i
		fmt.Fprintf(&file, "%s,%s,probe,true\n", name, strings.ToLower(rand.Text()+rand.Text()))
	}
	question := fmt.Sprintf("ImportApiKeys with %d rows (%d bytes)", many, file.Len())
	out, err := call(ctx, t, t.Gateway.ImportApiKeys, &apigateway.ImportApiKeysInput{Body: []byte(file.String()), Format: types.ApiKeysFormatCsv, FailOnWarnings: false})
	if err != nil {
		t.note(1, question, "%s", strings.SplitN(answerOf(err), "\n", 2)[0])
		return
	}
	t.note(1, question, "%d ids and %d warnings", len(out.Ids), len(out.Warnings))
	listed, err := t.keys(ctx, t.run+"/many/")
	if err != nil {
		t.note(1, "the order of the ids", "not asked: %s", answerOf(err))
		return
	}
	rows := map[string]int{}
	for _, k := range listed {
		rows[aws.ToString(k.Id)] = names[aws.ToString(k.Name)]
	}
	order := "that of the rows"
	for i, id := range out.Ids {
		if rows[id] != i {
			order = "another than that of the rows"
			break
		}
	}
	t.note(1, "the order of the ids", "%s", order)
}
