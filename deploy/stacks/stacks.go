// Package stacks runs a portal on AWS: it creates, updates, describes and deletes the CloudFormation
// stacks of one portal, in the account and Region of its configuration.
//
// A run may be interrupted at any point: the next one looks at the stacks and goes on. Every step may be
// repeated. A run stores nothing outside the stacks.
//
// Its errors are for operators. They say what was tried, and include AWS's own text.
package stacks

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
)

// Deployer creates, updates, describes and deletes the stacks of portals.
type Deployer struct {
	// AWS has the credentials of the AWS account, and the Region.
	AWS aws.Config
	// Version is the version of this program.
	Version string
	// Pause is the longest time between two looks at a stack, queue or table that is changing. 0 means three
	// seconds.
	Pause time.Duration
	// DrainTimeout is how long to wait for queues to become empty. 0 means five minutes.
	DrainTimeout time.Duration
	// QueueNameDelay is how long SQS refuses the names of queues that were deleted. 0 means a minute.
	QueueNameDelay time.Duration
	// Unchecked goes on although IAM says that permissions are missing.
	Unchecked bool
	// Tell, if not nil, gets lines that say what happens.
	Tell func(line string)
	// Approve decides on a plan before anything changes. nil approves every plan.
	Approve func(Plan) (bool, error)
	// Prepare, if not nil, does what CloudFormation cannot after the data stack is up to date, such as
	// remembering the KMS key. It may be repeated.
	Prepare func(ctx context.Context, name, kmsKey string) error
	// ReadCatalog, if not nil, has the workers read the catalog after the demo API has changed. It may be
	// repeated.
	ReadCatalog func(ctx context.Context, name string) error
	// Purge deletes the portal's API keys in API Gateway, at a rate that AWS accepts, and reports how
	// many of them are gone. It may be repeated. nil leaves the keys.
	Purge func(ctx context.Context, name string, progress func(done, total int)) error
}

func (d Deployer) say(line string) {
	if d.Tell != nil {
		d.Tell(line)
	}
}

// stacks is the CloudFormation of the layer's Region.
func (d Deployer) stacks(l layer) *cloudformation.Client {
	return cloudformation.NewFromConfig(d.in(l).AWS)
}

// in is the deployer for the layer's Region.
func (d Deployer) in(l layer) Deployer {
	if l.region != "" {
		d.AWS = d.AWS.Copy()
		d.AWS.Region = l.region
	}
	return d
}

// elsewhere is the layer's Region, or "" if that is the portal's.
func (d Deployer) elsewhere(l layer) string {
	if l.region == d.AWS.Region {
		return ""
	}
	return l.region
}

// wait pauses before another look. The first pauses are short. If ctx ends, wait returns its error.
func (d Deployer) wait(ctx context.Context, looks int) error {
	pause := d.Pause
	if pause == 0 {
		pause = 3 * time.Second
	}
	if looks < 5 {
		pause = min(pause, 100*time.Millisecond<<looks)
	}
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(pause):
		return nil
	}
}
