package keyimport

import (
	"context"
	"fmt"
	"maps"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/feature/dynamodb/attributevalue"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/rs/zerolog"

	"github.com/gatehouse-portal/gatehouse/clock"
	"github.com/gatehouse-portal/gatehouse/schema"
)

// Finding is what a probe saw of ImportApiKeys in an AWS account and Region.
type Finding struct {
	At     time.Time `dynamodbav:"at"`
	Region string    `dynamodbav:"region"`
	// Usable: every needed observation was as expected, so workers may import keys.
	Usable       bool          `dynamodbav:"usable"`
	Observations []Observation `dynamodbav:"observations"`
}

// Observation is one thing that the probe observed.
type Observation struct {
	What string `dynamodbav:"what"`
	Seen string `dynamodbav:"seen"`
	// Needed: imports are unusable unless it is as expected.
	Needed   bool `dynamodbav:"needed"`
	Expected bool `dynamodbav:"expected"`
}

type table interface {
	GetItem(ctx context.Context, in *dynamodb.GetItemInput, opts ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error)
	PutItem(ctx context.Context, in *dynamodb.PutItemInput, opts ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error)
}

// Findings keeps a Region's last finding in the records table.
type Findings struct {
	db     table
	name   string
	region string
	now    func() time.Time

	mu     sync.Mutex
	usable bool
	next   time.Time
}

// NewFindings returns the Findings of the default portal.Target in that Region. A nil now is the
// system's clock.
func NewFindings(db table, name, region string, now func() time.Time) *Findings {
	if now == nil {
		now = time.Now
	}
	return &Findings{db: db, name: name, region: region, now: now}
}

// Workers know a probe's finding within freshFinding. A table that failed is left alone for
// unreadPause.
const (
	readTimeout  = 2 * time.Second
	freshFinding = 2 * time.Minute
	unreadPause  = 10 * time.Second
)

// Usable reports whether the last finding lets workers import keys, false without one. While the
// table cannot be read, the answer stays.
func (f *Findings) Usable(ctx context.Context) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	now := f.now()
	if now.Before(f.next) {
		return f.usable
	}
	finding, ok, err := f.Last(context.WithoutCancel(ctx))
	if err != nil {
		zerolog.Ctx(ctx).Warn().Err(err).Msg("cannot read whether imports may be used")
		f.next = now.Add(unreadPause)
		return f.usable
	}
	f.usable, f.next = ok && finding.Usable, now.Add(freshFinding)
	return f.usable
}

// Last: ok is false if this Region has no finding.
func (f *Findings) Last(ctx context.Context) (last Finding, ok bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	out, err := f.db.GetItem(ctx, &dynamodb.GetItemInput{
		TableName: aws.String(f.name), Key: f.key(), ConsistentRead: aws.Bool(true),
	})
	if err != nil {
		return last, false, fmt.Errorf("reading the last import probe: %w", err)
	}
	if err := attributevalue.UnmarshalMap(out.Item, &last); err != nil {
		return last, false, fmt.Errorf("decoding the last import probe: %w", err)
	}
	last.At = clock.Believed(last.At, f.now(), 0)
	return last, out.Item != nil && last.Region == f.region, nil
}

func (f *Findings) key() map[string]types.AttributeValue {
	return schema.ImportProbe().Attributes()
}

// Save stores the finding as the last one, with its time and Region, and returns it.
func (f *Findings) Save(ctx context.Context, finding Finding) (Finding, error) {
	finding.At, finding.Region = f.now().UTC(), f.region
	item, err := attributevalue.MarshalMap(finding)
	if err != nil {
		return finding, fmt.Errorf("encoding the import probe: %w", err)
	}
	maps.Copy(item, f.key())
	if _, err := f.db.PutItem(ctx, &dynamodb.PutItemInput{TableName: aws.String(f.name), Item: item}); err != nil {
		return finding, fmt.Errorf("writing the import probe: %w", err)
	}
	return finding, nil
}
