package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	ddbtypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	kmstypes "github.com/aws/aws-sdk-go-v2/service/kms/types"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	snstypes "github.com/aws/aws-sdk-go-v2/service/sns/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	"golang.org/x/sync/errgroup"

	"github.com/gatehouse-portal/gatehouse/keys"
)

// examineTime bounds each check.
const examineTime = 10 * time.Second

// Check is one thing that was examined.
type Check struct {
	What string
	// Problem says in plain words what is wrong and what to do, "" if nothing is.
	Problem string
	// Note is worth knowing and no problem.
	Note string
}

// Examine checks that everything a portal and a worker rely on is there and answers. It
// changes nothing.
func Examine(ctx context.Context, p Process) []Check {
	e := examination{clients: newClients(p.AWS), names: NamesFor(p.Config.Prefix), p: p}
	type examine struct {
		what string
		do   func(context.Context) (note string, err error)
	}
	var all []examine
	for _, table := range e.names.Tables() {
		all = append(all, examine{"table " + table, e.table(table)})
	}
	for _, queue := range e.names.Queues() {
		all = append(all, examine{"queue " + queue, e.queue(queue)}, examine{"queue " + DeadLetterQueue(queue), e.queue(DeadLetterQueue(queue))})
	}
	all = append(all,
		examine{"topic " + e.names.Events, e.topic},
		examine{"KMS key", e.kmsKey},
		examine{"identity provider", e.issuer},
		examine{"creating keys", e.creating},
	)
	checks := make([]Check, len(all))
	var group errgroup.Group
	for i, one := range all {
		group.Go(func() error {
			within, cancel := context.WithTimeout(ctx, examineTime)
			defer cancel()
			note, err := one.do(within)
			checks[i] = Check{What: one.what, Problem: inWords(err), Note: note}
			return nil
		})
	}
	_ = group.Wait()
	return checks
}

// examination is what the checks work with.
type examination struct {
	clients
	names Names
	p     Process
}

// inWords says what an error of AWS means to an operator.
func inWords(err error) string {
	var (
		noTable *ddbtypes.ResourceNotFoundException
		noQueue *sqstypes.QueueDoesNotExist
		noTopic *snstypes.NotFoundException
		noKey   *kmstypes.NotFoundException
		named   smithy.APIError
		unsent  *smithyhttp.RequestSendError
	)
	switch {
	case err == nil:
		return ""
	case errors.As(err, &noTable), errors.As(err, &noQueue), errors.As(err, &noTopic), errors.As(err, &noKey):
		return "it is not there. `gatehouse setup` creates it"
	case errors.As(err, &named) && strings.Contains(named.ErrorCode(), "AccessDenied"):
		return "AWS does not permit it with these credentials: " + named.ErrorMessage()
	case errors.As(err, &unsent):
		return "it does not answer: " + unsent.Err.Error()
	case errors.Is(err, context.DeadlineExceeded):
		return "it does not answer within " + examineTime.String()
	}
	return err.Error()
}

func (e examination) table(name string) func(context.Context) (string, error) {
	return func(ctx context.Context) (string, error) {
		out, err := e.dynamodb.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: &name})
		if err == nil && out.Table.TableStatus != ddbtypes.TableStatusActive && out.Table.TableStatus != ddbtypes.TableStatusUpdating {
			err = fmt.Errorf("it cannot be used: it is %s", out.Table.TableStatus)
		}
		return "", err
	}
}

func (e examination) queue(name string) func(context.Context) (string, error) {
	return func(ctx context.Context) (string, error) {
		found, err := e.sqs.GetQueueUrl(ctx, &sqs.GetQueueUrlInput{QueueName: &name})
		if err != nil {
			return "", err
		}
		const waiting = sqstypes.QueueAttributeNameApproximateNumberOfMessages
		out, err := e.sqs.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{QueueUrl: found.QueueUrl, AttributeNames: []sqstypes.QueueAttributeName{waiting}})
		if err != nil {
			return "", err
		}
		if n := out.Attributes[string(waiting)]; n != "0" {
			return "about " + n + " waiting", nil
		}
		return "", nil
	}
}

// topic checks also that the facts reach the projections.
func (e examination) topic(ctx context.Context) (string, error) {
	arn, err := e.topicARN(ctx, e.names.Events)
	if err != nil {
		return "", err
	}
	pages := sns.NewListSubscriptionsByTopicPaginator(e.sns, &sns.ListSubscriptionsByTopicInput{TopicArn: &arn})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			return "", err
		}
		for _, s := range page.Subscriptions {
			if s.Endpoint != nil && strings.HasSuffix(*s.Endpoint, ":"+e.names.Projections) {
				return "", nil
			}
		}
	}
	return "", fmt.Errorf("queue %s is not subscribed to it, so nothing new is shown. `gatehouse setup` subscribes it", e.names.Projections)
}

func (e examination) kmsKey(ctx context.Context) (string, error) {
	arn, err := e.kmsKeyARN(ctx, e.p.Config)
	var missing *kmstypes.NotFoundException
	if named := e.p.Config.KMSKey; named != "" && errors.As(err, &missing) {
		return "", fmt.Errorf("there is no key %s in this account and Region: is GATEHOUSE_KMS_KEY right?", named)
	}
	if err != nil {
		return "", err
	}
	deriver, err := keys.New(e.kms, e.p.Config.KeyPrefix)
	if err != nil {
		return "", err
	}
	return arn, checkKey(ctx, e.clients, e.names, deriver, arn)
}

// issuer asks the identity provider for what the portal will ask it: its discovery
// document, or its keys if that is not needed.
func (e examination) issuer(ctx context.Context) (string, error) {
	cfg := e.p.Config
	if missing := SignIn(cfg); len(missing) > 0 {
		return "", fmt.Errorf("the portal cannot start, only workers can: %w", missing[0])
	}
	if cfg.OIDCAuthURL != "" && cfg.OIDCTokenURL != "" && cfg.OIDCJWKSURL != "" {
		var set struct {
			Keys []json.RawMessage `json:"keys"`
		}
		if err := fetch(ctx, cfg.OIDCJWKSURL, &set); err != nil {
			return cfg.OIDCJWKSURL, err
		}
		if len(set.Keys) == 0 {
			return cfg.OIDCJWKSURL, errors.New("there are no keys: is GATEHOUSE_OIDC_JWKS_URL right?")
		}
		return cfg.OIDCJWKSURL, nil
	}
	var found discovered
	if err := fetch(ctx, strings.TrimSuffix(cfg.OIDCIssuer, "/")+"/.well-known/openid-configuration", &found); err != nil {
		return cfg.OIDCIssuer, err
	}
	if found.Issuer != cfg.OIDCIssuer {
		return cfg.OIDCIssuer, fmt.Errorf("it calls itself %q: GATEHOUSE_OIDC_ISSUER must be that to the letter", found.Issuer)
	}
	return cfg.OIDCIssuer, nil
}

func fetch(ctx context.Context, url string, into any) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return fmt.Errorf("the address %q makes no sense: %w", url, err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("it does not answer: %w", err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answers %s", url, resp.Status)
	}
	if err := json.NewDecoder(resp.Body).Decode(into); err != nil {
		return fmt.Errorf("%s answers something else than JSON: %w", url, err)
	}
	return nil
}

// creating says how keys are created, none of which is a problem.
func (e examination) creating(ctx context.Context) (string, error) {
	if e.p.Config.Provisioning == provisioningSingle {
		return "one by one, as GATEHOUSE_PROVISIONING says", nil
	}
	last, known, err := newFindings(e.clients, e.names, e.p).Last(ctx)
	switch {
	case err != nil:
		return "not known, since the records cannot be read", nil
	case !known:
		return "one by one, since imports were never tried out here: see `gatehouse doctor --probe-import`", nil
	case !last.Usable:
		return fmt.Sprintf("one by one, since imports did not work as needed on %s", last.At.Format(time.DateOnly)), nil
	}
	return fmt.Sprintf("together where many wait, as tried out on %s", last.At.Format(time.DateOnly)), nil
}
